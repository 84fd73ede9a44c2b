"""For rewards of 0 and 1 the interval is the binomial likelihood's own; it holds the estimate and scales with them."""

from math import exp, inf, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channel_selector.evidence.likelihood_intervals import NORMAL_95, Equation, likelihood_interval
from channel_selector.evidence.rounds import Floats


def mean_of(values: Floats, low: float = 0.0, high: float = 1.0) -> Equation:
    """Ask for a mean of values that can be from `low` to `high`."""
    return Equation(values, np.ones(len(values)), ((low, 1.0), (high, 1.0)))


def binomial_end(successes: int, count: int, side: int) -> float:
    """Bisect twice the log-likelihood ratio for its quantile, by the binomial formula."""

    def ratio(p: float) -> float:
        parts = ((successes, p), (count - successes, 1.0 - p))
        return 2.0 * sum(k * (log(k / count) - (log(q) if q > 0.0 else -inf)) for k, q in parts if k)

    inside, outside = successes / count, 0.0 if side < 0 else 1.0
    for _ in range(200):
        middle = (inside + outside) / 2.0
        if ratio(middle) < NORMAL_95**2:
            inside = middle
        else:
            outside = middle
    return inside


@pytest.mark.parametrize(("successes", "count"), [(1, 30), (3, 200), (20, 40), (39, 40), (2, 20_000)])
def test_successes_of_a_count(successes: int, count: int) -> None:
    """The same ends as the likelihood ratio of the binomial law."""
    values = np.repeat([1.0, 0.0], [successes, count - successes])
    low, high = likelihood_interval(mean_of(values))
    tolerance = 3e-4 * (high - low)
    assert low == pytest.approx(binomial_end(successes, count, -1), abs=tolerance)
    assert high == pytest.approx(binomial_end(successes, count, 1), abs=tolerance)


def test_no_success_has_an_upper_end() -> None:
    """What leaves no success in n with likelihood exp(−3.84 / 2): 1 − exp(−1.92 / n); the lower end is 0."""
    low, high = likelihood_interval(mean_of(np.zeros(50)))
    assert low == 0.0
    assert high == pytest.approx(1.0 - exp(-(NORMAL_95**2) / 100), rel=1e-3)


def test_nothing_can_differ() -> None:
    """Where rewards are one value and can be no other, the interval is that value."""
    assert likelihood_interval(mean_of(np.full(5, 2.0), 2.0, 2.0)) == (2.0, 2.0)


def test_many_even_values_give_the_normal_interval() -> None:
    """With 10,000 values of a bell the ends are 1.96 standard errors away, within a hundredth of that."""
    values = np.random.default_rng(4).normal(0.0, 1.0, 10_000)
    low, high = likelihood_interval(mean_of(values, -6.0, 6.0))
    reach = NORMAL_95 * values.std() / 100
    assert (low, high) == pytest.approx((values.mean() - reach, values.mean() + reach), abs=0.01 * reach)


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.floats(0.0, 30.0), st.floats(0.0, 1.0)), min_size=1, max_size=40),
    st.floats(1e-6, 1e6),
    st.floats(-50.0, 50.0),
)
def test_it_holds_the_estimate_and_moves_with_the_unit(
    drawn: list[tuple[float, float]], unit: float, shift: float
) -> None:
    """For weighted rewards: low ≤ root ≤ high, within what can be; another unit and zero point change only those."""
    weights, rewards = (np.array(part) for part in zip(*drawn, strict=True))
    c = weights + 1e-3

    def interval(factor: float, zero: float) -> tuple[float, float]:
        extremes = (zero * 31.0, 31.0), ((zero + factor) * 31.0, 31.0)
        return likelihood_interval(Equation(c * (rewards * factor + zero), c, extremes))

    low, high = interval(1.0, 0.0)
    root = float((c * rewards).sum() / c.sum())
    assert 0.0 <= low <= root + 1e-9 <= high + 2e-9 <= 1.0 + 1e-8
    moved = np.array(interval(unit, shift * unit)) / unit - shift
    assert moved == pytest.approx((low, high), abs=1e-3)
