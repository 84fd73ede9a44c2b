"""Posteriors shrink to the level above, never leave (0, 1), and follow whoever is plainly unlike the others."""

from collections.abc import Callable
from math import lgamma

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channel_selector.model.shrinkage import ODD_SHARE, ODD_WORTH, Refined, log_gamma, refine, refine_customer


def customer(mean: float, wins: int, seen: int, *, worth: float = 2.0) -> float:
    """Give a customer's mean from a sure prior."""
    made = refine_customer(np.array(mean), np.array(0.0), worth, np.array(float(wins)), np.array(float(seen)))
    return float(made.mean)


def test_the_formula_of_the_pooled_posterior() -> None:
    """α = c + S, β = c (1 − m) / m + E − S, by hand: m 0.1, c 2, 3 of 12 gives 5 / (5 + 18 + 9)."""
    mean, own, inherited = refine(np.array(0.1), np.array(0.5), 2.0, np.array(3.0), np.array(12.0))
    assert mean == pytest.approx(5 / 32)
    assert own == pytest.approx(np.log1p(27 / (5 * 33)))
    assert inherited == pytest.approx(0.5 * (20 / 32) ** 2)


counts = st.tuples(st.floats(1.0, 10.0), st.integers(0, 10**6).map(float), st.floats(0.0, 1e6))


@given(st.sampled_from([refine, refine_customer]), st.floats(0.0, 1.0), st.floats(0.0, 3.0), counts)
def test_posteriors_are_finite_and_inside(
    by: Callable[..., Refined], mean: float, variance: float, seen: tuple[float, float, float]
) -> None:
    """Whatever the counts, even more successes than exposure, the mean lies in (0, 1) and variances are finite, ≥ 0."""
    made = by(np.array(mean), np.array(variance), *map(np.array, seen))
    assert 0.0 < made.mean < 1.0
    assert np.isfinite(made.own)
    assert made.own >= 0.0
    assert 0.0 <= made.inherited <= variance * (1.0 + 1e-12)


@given(st.sampled_from([refine, refine_customer]), st.floats(0.01, 0.5), st.integers(0, 50), st.integers(1, 200))
def test_a_posterior_lies_between_prior_and_data(
    by: Callable[..., Refined], prior: float, wins: int, losses: int
) -> None:
    """Shrinkage: the mean lies between the level above and the level's own rate."""
    rate = wins / (wins + losses)
    mean = by(np.array(prior), np.array(0.0), 2.0, np.array(float(wins)), np.array(float(wins + losses))).mean
    assert min(prior, rate) - 1e-12 <= mean <= max(prior, rate) + 1e-12


@given(st.floats(0.001, 0.6), st.floats(0.5, 8.0))
def test_without_history_a_customer_is_expected_to_be_like_the_others(mean: float, worth: float) -> None:
    """Nothing seen: the prior's mean; one success: what it makes of one like the others, and hardly more."""
    assert customer(mean, 0, 0, worth=worth) == pytest.approx(mean)
    like = refine(np.array(mean), np.array(0.0), worth, np.array(1.0), np.array(1.0)).mean
    odd = refine(np.array(mean), np.array(0.0), worth * ODD_WORTH, np.array(1.0), np.array(1.0)).mean
    assert customer(mean, 1, 1, worth=worth) == pytest.approx((1 - ODD_SHARE) * like + ODD_SHARE * odd)


@given(st.floats(0.001, 0.6), st.integers(0, 40), st.integers(0, 40))
def test_more_successes_raise_and_more_failures_lower(mean: float, wins: int, losses: int) -> None:
    """One more of either moves the mean its way, whatever the weights do."""
    now = customer(mean, wins, wins + losses)
    assert customer(mean, wins + 1, wins + losses + 1) > now
    assert customer(mean, wins, wins + losses + 1) < now


def test_who_reacts_every_time_counts_for_themselves() -> None:
    """Nine of nine where others react to one in ten: taken as unlike them; two of nine: as one of them."""
    assert customer(0.1, 9, 9) > 0.8
    like = refine(np.array(0.1), np.array(0.0), 2.0, np.array(2.0), np.array(9.0)).mean
    assert customer(0.1, 2, 9) == pytest.approx(like, rel=0.05)


@given(st.floats(1e-6, 1e7))
def test_the_logarithm_of_gamma(x: float) -> None:
    """As the standard library gives it."""
    assert log_gamma(np.array(x)) == pytest.approx(lgamma(x), rel=1e-9, abs=1e-9)
