"""Intervals hold the truth as often as they say, for logs of learning policies too; the logs are what they say."""

from math import sqrt

import numpy as np
import pytest

from benchmarks.bandit_logs import (
    ACTIONS,
    FLOOR,
    LOWEST_RATE,
    SEGMENTS,
    Law,
    candidates,
    greedy,
    logs,
    thompson,
    uniform,
)
from benchmarks.coverage import coverage
from benchmarks.records import FULL

LAWS = pytest.mark.parametrize("law", [uniform, greedy, thompson], ids=["uniform", "greedy", "thompson"])
LOGS = 15
TOLERANCE = 100 * 3 * sqrt(0.95 * 0.05 / LOGS)
"""Three standard errors of a coverage of 95 % counted in 15 logs, in percent."""


@LAWS
def test_intervals_cover(law: Law) -> None:
    """Over 15 logs of 1,500 rounds no candidate's asymptotic interval misses more often than chance allows."""
    figures = coverage(law, count=LOGS, rounds=1_500)
    for estimator in ("dr", "dr_anytime", "ips_anytime"):
        assert figures[f"{estimator}_lowest"] >= 95 - TOLERANCE, estimator
    assert 0.0 < figures["dr_width"] < figures["dr_anytime_width"] <= 1.0


@pytest.mark.long
@LAWS
def test_intervals_cover_as_promised(law: Law) -> None:
    """Over 500 logs of 20,000 rounds, for every candidate: DR in 92–98 %, anytime intervals in 94 % at least."""
    figures = coverage(law, count=FULL.logs, rounds=FULL.log_rounds)
    assert 92.0 <= figures["dr_lowest"] <= figures["dr_highest"] <= 98.0
    assert min(figures["dr_anytime_lowest"], figures["ips_anytime_lowest"]) >= 94.0


@LAWS
def test_logs_are_drawn_by_what_they_log(law: Law) -> None:
    """Each action is drawn as often as its logged shares sum to, within 4 standard errors; rewards at their rates."""
    (log,) = logs(law, count=1, rounds=4_000, seed=2)
    assert log.shares.sum(axis=1) == pytest.approx(1.0)
    assert log.shares.min() >= FLOOR / ACTIONS - 1e-12
    for action in range(ACTIONS):
        shares = log.shares[:, action]
        assert (log.actions == action).sum() == pytest.approx(shares.sum(), abs=4 * sqrt((shares * (1 - shares)).sum()))
    rates = log.truth.rates[log.actions, log.segments]
    assert log.rewards.sum() == pytest.approx(rates.sum(), abs=4 * sqrt((rates * (1 - rates)).sum()))
    assert log.truth.rates.shape == (ACTIONS, SEGMENTS)
    assert log.truth.rates.min() >= LOWEST_RATE


def test_equal_seeds_give_equal_logs() -> None:
    """And candidates are laws whose true value lies among the rates."""
    one, other = (next(logs(thompson, count=1, rounds=500, seed=3)) for _ in range(2))
    assert one.actions.tolist() == other.actions.tolist()
    for candidate in candidates(one.truth, np.random.default_rng(1)).values():
        assert candidate.sum(axis=0) == pytest.approx(1.0)
        assert one.truth.rates.min() <= one.truth.value(candidate) <= one.truth.rates.max()


def test_a_policy_that_learns_draws_the_best_more() -> None:
    """After 4,000 rounds, half as often again as an even draw would."""
    for law in (greedy, thompson):
        drawn = list(logs(law, count=10, rounds=4_000, seed=4))
        best = [log.truth.rates.argmax(axis=0)[log.segments] == log.actions for log in drawn]
        assert np.mean([each[2_000:].mean() for each in best]) > 1.5 / ACTIONS
