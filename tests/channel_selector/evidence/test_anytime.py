"""The terms that are bet on have the mean they should, never fall below what was said, and bets on them rarely err."""

from itertools import product
from math import sqrt

import numpy as np
import pytest

from channel_selector.evidence.anytime import _terms, dr_anytime, ips_anytime
from channel_selector.evidence.evidence import evaluate
from channel_selector.evidence.reward_models import Predicted, predict_forward
from tests.channel_selector.evidence.small_logs import Row, draw, log, predicted

UNIT = (0.0, 1.0)
PLAIN = Row([0.6, 0.4], [0.5, 0.5], 0, 1.0, [0.5, 0.5])


@pytest.mark.parametrize("candidate", [(0.9, 0.1), (0.0, 1.0)])
@pytest.mark.parametrize("expected", [(0.4, 0.9), (1.0, 1.0)])
def test_the_cut_changes_no_mean(candidate: tuple[float, float], expected: tuple[float, float]) -> None:
    """Over what the last round can bring, at weights far beyond those before, φ is the candidate's value on average."""
    law, rates = (0.01, 0.99), (0.3, 0.6)
    total = 0.0
    for action, reward in product(range(2), (0.0, 1.0)):
        rows = [PLAIN] * 64 + [Row(law, candidate, action, reward, expected)]
        given = predicted(rows)
        assert given.menus.logging is not None
        terms, floors = _terms(given, given.menus.logging, given.rounds.rewards)
        assert terms[-1] >= -floors[-1] - 1e-12
        total += law[action] * (rates[action] if reward else 1.0 - rates[action]) * terms[-1]
    assert total == pytest.approx(candidate[0] * rates[0] + candidate[1] * rates[1], abs=1e-12)


def test_terms_never_fall_below_their_floor_which_looks_back_alone() -> None:
    """On any log; and later rounds do not change a floor."""
    rows = draw(np.random.default_rng(1), 300)
    terms, floors = parts(rows)
    played = np.isfinite(floors)
    assert not played[:64].any()
    assert (terms[played] >= -floors[played] - 1e-12).all()
    assert parts(rows[:200])[1][:144].tolist() == floors[:144].tolist()


def parts(rows: list[Row]) -> tuple[np.ndarray, np.ndarray]:
    """Give terms and floors of a log with its own forward predictions."""
    rounds = log(rows)
    assert rounds.menus is not None
    assert rounds.menus.logging is not None
    given: Predicted = predict_forward(rounds, rounds.menus)
    return _terms(given, rounds.menus.logging, rounds.rewards)


def test_an_action_never_drawn_may_be_worth_anything() -> None:
    """Half of the candidate's choices have no support: whatever they bring, 0 or 1, the interval holds the value."""
    random = np.random.default_rng(2)
    rows = [Row([1.0, 0.0], [0.5, 0.5], 0, float(random.random() < 0.4), [0.4, 0.4]) for _ in range(4_000)]
    low, high = dr_anytime(predicted(rows), UNIT).interval
    assert low < 0.5 * 0.4
    assert high > 0.5 * 0.4 + 0.5
    assert ips_anytime(log(rows), UNIT).interval[0] < 0.5 * 0.4


def test_a_short_log_knows_nothing() -> None:
    """Within the first 64 rounds DR bets nothing; without the logging policy's laws it cannot."""
    assert dr_anytime(predicted([PLAIN] * 64), UNIT).interval == UNIT
    with pytest.raises(ValueError, match="logging policy"):
        dr_anytime(predicted([PLAIN], told=False), UNIT)


def test_looking_at_any_time_rarely_errs() -> None:
    """Of 20 logs looked at at three lengths each, at most 5 % (+ 3 standard errors) ever miss the value."""
    random = np.random.default_rng(3)
    missed = 0
    for _ in range(20):
        rows = [
            Row([0.3, 0.7], [0.8, 0.2], int(a), float(random.random() < (0.2, 0.4)[int(a)])) for a in chosen(random)
        ]
        lengths = (80, 150, 300)
        intervals = [
            each.interval
            for n in lengths
            for each in evaluate(log(rows[:n])).estimates[4:]
            if hasattr(each, "interval")
        ]
        missed += any(not low <= 0.24 <= high for low, high in intervals)
    # two estimators, each may miss in 5 of 100 logs
    assert missed / 20 <= 0.1 + 3 * sqrt(0.1 * 0.9 / 20)


def chosen(random: np.random.Generator) -> list[bool]:
    """Draw 300 actions, 1 with probability 0.7."""
    drawn: list[bool] = (random.random(300) >= 0.3).tolist()
    return drawn
