"""Estimators give what a count by hand gives, on average the truth, and for a learning policy's log too."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from math import sqrt

import numpy as np
import pytest

from channel_selector.evidence.estimates import Kind
from channel_selector.evidence.estimators import THRESHOLDS, dr, ips, snips, switch_dr
from channel_selector.evidence.evidence import evaluate
from channel_selector.evidence.rounds import Rounds
from channel_selector.evidence.stabilising import stabilising_weights
from tests.channel_selector.evidence.small_logs import Row, draw, log, predicted

UNIT = (0.0, 1.0)
ROWS = (
    Row([0.5, 0.5], [0.25, 0.75], 1, 1.0, [0.25, 0.5]),
    Row([0.25, 0.75], [1.0, 0.0], 0, 0.0, [0.5, 0.0]),
    Row([0.5, 0.25, 0.25], [0.0, 0.5, 0.5], 0, 1.0, [0.5, 0.25, 0.75]),
    Row([1.0], [1.0], 0, 0.5, [0.5]),
)


def test_three_rounds_by_hand() -> None:
    """Weights 1.5, 4, 0 and 1 at rewards 1, 0, 1 and 0.5."""
    rounds = log(ROWS)
    assert rounds.weights.tolist() == [1.5, 4.0, 0.0, 1.0]
    assert ips(rounds, UNIT).value == pytest.approx(2.0 / 4, abs=1e-12)
    assert snips(rounds, UNIT).value == pytest.approx(2.0 / 6.5, abs=1e-12)
    # 0.4375 + 1.5 × 0.5, 0.5 + 4 × (0 − 0.5), 0.5, 0.5
    assert [row.doubly_robust for row in ROWS] == [1.1875, -1.5, 0.5, 0.5]


def test_switching_leaves_the_model_alone_where_weights_are_large() -> None:
    """With τ = 2 the round of weight 4 counts with what the model expects."""
    rows = ROWS * 40
    found = switch_dr(predicted(rows), UNIT)
    values = [np.mean([row.doubly_robust if row.weight <= tau else row.direct for row in rows]) for tau in THRESHOLDS]
    assert min(abs(found.value - value) for value in values) < 1e-12


@pytest.mark.parametrize("seed", range(5))
def test_any_log_against_plain_loops(seed: int) -> None:
    """Vectorised or one by one, it is the same to 1e-12; effective sample sizes too."""
    rows = draw(np.random.default_rng(seed), 200)
    rounds = log(rows)
    weights = [row.weight for row in rows]
    h = stabilising_weights(rounds).tolist()
    found = ips(rounds, UNIT)
    assert found.value == pytest.approx(sum(row.weight * row.reward for row in rows) / 200, abs=1e-12)
    assert found.effective_sample_size == pytest.approx(sum(weights) ** 2 / sum(w * w for w in weights))
    normalised = sum(row.weight * row.reward for row in rows) / sum(weights)
    assert snips(rounds, UNIT).value == pytest.approx(normalised, abs=1e-12)
    robust = sum(each * row.doubly_robust for each, row in zip(h, rows, strict=True)) / sum(h)
    assert dr(predicted(rows), UNIT).value == pytest.approx(robust, abs=1e-12)
    assert all(each.kind is Kind.ASYMPTOTIC for each in (found, dr(predicted(rows), UNIT)))


def learning(rewards: tuple[float, ...]) -> list[float]:
    """Draw the first action more often the more was earned so far."""
    first = 0.2 + 0.6 * (sum(rewards) + 1.0) / (len(rewards) + 2.0)
    return [first, 1.0 - first]


TRUE = (0.3, 0.8)
CANDIDATE = (0.9, 0.1)
VALUE = 0.9 * 0.3 + 0.1 * 0.8


def every_log(length: int) -> Iterator[tuple[float, list[Row]]]:
    """Give every log that a learning policy can leave, with its probability; the model knows the rounds before only."""
    for drawn in product(range(2), repeat=length):
        for rewards in product((0.0, 1.0), repeat=length):
            chance, rows = 1.0, []
            for time, (action, reward) in enumerate(zip(drawn, rewards, strict=True)):
                law, mean = learning(rewards[:time]), (sum(rewards[:time]) + 0.5) / (time + 1.0)
                chance *= law[action] * (TRUE[action] if reward else 1.0 - TRUE[action])
                rows.append(Row(law, CANDIDATE, action, reward, (mean, mean / 2.0)))
            yield chance, rows


@pytest.mark.parametrize(
    "total",
    [
        lambda rows: sum(row.weight * row.reward - VALUE for row in rows),
        lambda rows: sum(row.doubly_robust - VALUE for row in rows),
        lambda rows: sum(
            h * (row.doubly_robust - VALUE) for h, row in zip(stabilising_weights(log(rows)), rows, strict=True)
        ),
    ],
    ids=["ips", "dr", "dr with adaptive weights"],
)
def test_equations_of_a_learning_policys_log_are_zero_on_average(total: Callable[[list[Row]], float]) -> None:
    """Over all 256 logs of four rounds, weighed by their probability, Σ z of the true value is 0 to 1e-12."""
    every = list(every_log(4))
    assert sum(chance for chance, _ in every) == pytest.approx(1.0, abs=1e-12)
    assert sum(chance * total(rows) for chance, rows in every) == pytest.approx(0.0, abs=1e-12)


def simulated(random: np.random.Generator, length: int) -> Rounds:
    """Draw a log of the learning policy, in runs of 50 rounds under one law."""
    rows: list[Row] = []
    for _ in range(length // 50):
        law = learning(tuple(row.reward for row in rows))
        for _ in range(50):
            action = int(random.random() >= law[0])
            rows.append(Row(law, CANDIDATE, action, float(random.random() < TRUE[action])))
    return log(rows)


def test_on_average_estimates_are_true() -> None:
    """Over 60 logs of 300 rounds of a learning policy, each estimator's mean is the value within 4 standard errors."""
    random = np.random.default_rng(11)
    found: dict[str, list[float]] = {}
    for _ in range(60):
        rounds = simulated(random, 300)
        assert rounds.menus is not None
        for each in evaluate(rounds).estimates:
            assert hasattr(each, "value")
            found.setdefault(each.estimator, []).append(each.value)
    assert len(found) == 6
    for name, values in found.items():
        assert np.mean(values) == pytest.approx(VALUE, abs=4 * float(np.std(values)) / sqrt(60)), name


def test_without_the_logging_laws_adaptive_weights_come_from_the_weights_drawn() -> None:
    """A log of one law leaves them nearly alike; DR is there all the same."""
    random = np.random.default_rng(3)
    rows = [replace(row, logging=[0.2, 0.3, 0.5]) for row in draw(random, 400)]
    found = dr(predicted(rows, told=False), UNIT)
    assert found.interval[0] < found.value < found.interval[1]


def test_a_candidate_the_log_never_follows() -> None:
    """IPS is 0 with an effective sample of 0; SNIPS has no answer."""
    rounds = log([Row([0.5, 0.5], [1.0, 0.0], 1, 1.0)] * 3)
    found = ips(rounds, UNIT)
    assert (found.value, found.effective_sample_size) == (0.0, 0.0)
    with pytest.raises(ValueError, match="none of the log's actions"):
        snips(rounds, UNIT)
