"""A flood is told from chance: honest growth never holds the learner back, a rate that jumps does."""

from dataclasses import replace
from datetime import timedelta

import numpy as np

from channel_selector.eligibility.arms import Arm
from channel_selector.model.population import Population
from channel_selector.model.shifts import PURCHASES, REACTIONS, Shift, shifts
from channel_selector.model.tallies import Tally
from tests.channel_selector.strategies import NOW

EMPTY = replace(Population.empty(timedelta(days=7)), at=NOW)
MAIL, TEXT = Arm("email", "", 6), Arm("sms", "", 6)


def told(sends: int, engaged: int, bought: int = 0, *, arm: Arm = MAIL, tracked: bool = True) -> Population:
    """Make a model of one channel, whose windows are all closed."""
    tally = Tally(sends, engaged, min(bought, engaged), float(sends), float(engaged), bought)
    channels = frozenset({arm.channel}) if tracked else frozenset()
    return replace(EMPTY, tallies={(None, arm): tally}, tracked=channels)


def test_a_flood_of_clicks_is_told() -> None:
    """Of 1,000 messages with 70 clicks, 600 have been clicked some minutes later: eight times as many."""
    (found,) = shifts(told(1_000, 70), told(1_010, 600), times=3.0)
    assert found == Shift(channel="email", what=REACTIONS, before=0.07, now=600 / 1_010)


def test_a_flood_of_purchases_and_a_silence_are_told() -> None:
    """Purchases jump alone; and reactions that were there are gone."""
    assert [each.what for each in shifts(told(5_000, 300, 50), told(5_000, 300, 700), times=3.0)] == [PURCHASES]
    assert [each.what for each in shifts(told(2_000, 140), told(1_800, 3), times=3.0)] == [REACTIONS]


def test_honest_logs_hold_nothing_back() -> None:
    """400 logs from 7 % over 20 reactions on, that double at every run and whose rate triples: never told."""
    random = np.random.default_rng(1)
    for _ in range(400):
        engaged = int(random.binomial(300, 0.07))
        now = engaged + int(random.binomial(300, 0.35))
        assert shifts(told(300, engaged), told(600, now), times=3.0) == ()


def test_what_cannot_be_compared_is_not() -> None:
    """Nothing learned yet, a rate of a few, another channel, clicks that are told of only now."""
    assert shifts(Population.empty(timedelta(days=7)), told(1_000, 900), times=3.0) == ()
    assert shifts(told(1_000, 19), told(1_000, 900), times=3.0) == ()
    assert shifts(told(1_000, 70), told(1_000, 900, arm=TEXT), times=3.0) == ()
    assert shifts(told(1_000, 70, tracked=False), told(1_000, 900), times=3.0) == ()
