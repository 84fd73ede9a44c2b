"""A customer's posterior is the mode of a concave likelihood: in any order, from any counts, finite and the same."""

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channel_selector.compiled import customers
from channel_selector.model.reactions import PRIOR_TASTES
from channel_selector.model.tastes import SHARED, Floats, Indices, covariance, sigmoid

KEYS: Indices = np.array([[0, 0, 0, 6, 6], [0, 0, 0, 2, 2], [1, 1, 1, 6, 14], [1, 1, 1, 2, 10]])


class Seen(NamedTuple):
    """What came of one customer's messages, spot by spot."""

    keys: Indices
    offset: Floats
    reacted: Floats
    exposure: Floats


def learn(history: Seen) -> tuple[Floats, Floats]:
    """Give weight and precision: at new cells the mean is k · weight, the covariance less by k · precision · kᵀ."""
    weight, root, lower = customers.learn(*history, np.array(PRIOR_TASTES))
    half = np.linalg.solve(np.tril(lower), np.diag(root))
    return weight, half.T @ half


def seen(reacted: list[float], exposure: list[float], offset: float = -3.0) -> Seen:
    """Make one customer's history over the first cells of KEYS."""
    size = len(reacted)
    return Seen(KEYS[:size], np.full(size, offset), np.array(reacted), np.array(exposure))


def mean_at(history: Seen, cells: Indices) -> Floats:
    """Give the posterior mean at some cells."""
    result: Floats = covariance(cells, history.keys, PRIOR_TASTES) @ learn(history)[0]
    return result


def test_the_mode_solves_the_equation_of_the_mode() -> None:
    """K⁻¹ f = S − E p at the mode, written apart from the steps that led there."""
    history = seen([3.0, 0.0, 1.0], [8.0, 5.0, 4.0])
    k = covariance(history.keys, history.keys, PRIOR_TASTES)
    f = mean_at(history, history.keys)
    left = np.linalg.solve(k, f)
    right = history.reacted - history.exposure * sigmoid(history.offset + f)
    assert left == pytest.approx(right, abs=1e-8)


def test_what_is_shared_is_learned_together() -> None:
    """Reactions on the phone in the evening lift the evening elsewhere, and the phone at other hours, but less."""
    evening, morning, mail_evening, mail_morning = mean_at(seen([5.0], [10.0]), KEYS)
    assert evening > morning > mail_morning > 0.0
    assert evening > mail_evening > mail_morning


@given(st.permutations(range(4)), st.lists(st.tuples(st.integers(0, 20), st.floats(0.0, 40.0)), min_size=4, max_size=4))
def test_the_order_of_the_history_is_no_matter(order: list[int], counts: list[tuple[int, float]]) -> None:
    """To 1e-9, which makes a merged history one learned together."""
    history = seen([float(s) for s, _ in counts], [e for _, e in counts])
    keys, offset, reacted, exposure = history
    turned = Seen(keys[order], offset[order], reacted[order], exposure[order])
    assert mean_at(turned, KEYS) == pytest.approx(mean_at(history, KEYS), abs=1e-9)


@pytest.mark.parametrize("count", [1.0, 1e3, 1e6, 1e12])
@pytest.mark.parametrize("rate", [0.0, 1e-6, 0.5, 1.0])
def test_a_flood_stays_finite_and_near_what_it_says(count: float, rate: float) -> None:
    """A million outcomes, or a million million, of one arm: finite, surer and at their rate where that is possible."""
    history = seen([count * rate], [count])
    f = float(mean_at(history, KEYS[:1])[0])
    assert np.isfinite(f)
    assert np.isfinite(learn(history)[1]).all()
    if count >= 1e6 and rate == 0.5:
        assert sigmoid(np.array(-3.0 + f)) == pytest.approx(rate, abs=1e-4)


def test_doubt_falls_as_the_formula_says() -> None:
    """The precision is (K + W⁻¹)⁻¹ at the mode, computed here by inverting."""
    history = seen([3.0, 0.0, 1.0, 2.0], [8.0, 5.0, 4.0, 2.5])
    k = covariance(history.keys, history.keys, PRIOR_TASTES)
    p = sigmoid(history.offset + mean_at(history, history.keys))
    assert learn(history)[1] == pytest.approx(np.linalg.inv(k + np.diag(1.0 / (history.exposure * p * (1.0 - p)))))


def test_compiled_pairs_covary_as_the_arrays_do() -> None:
    """One kernel, written for a pair and for arrays."""
    random = np.random.default_rng(2)
    keys, tastes = random.integers(0, 3, (8, SHARED)), np.array(PRIOR_TASTES)
    pairs = [[customers.shared(left, right, tastes) for right in keys] for left in keys]
    assert covariance(keys, keys, PRIOR_TASTES) == pytest.approx(np.array(pairs))
