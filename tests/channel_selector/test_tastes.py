"""A customer's posterior is the mode of a concave likelihood: in any order, from any counts, finite and the same."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channel_selector.reactions import PRIOR_TASTES
from channel_selector.tastes import SHARED, Floats, Indices, Seen, covariance, learn, sigmoid

KEYS: Indices = np.array([[0, 0, 0, 6, 6], [0, 0, 0, 2, 2], [1, 1, 1, 6, 14], [1, 1, 1, 2, 10]])


def seen(reacted: list[float], exposure: list[float], offset: float = -3.0) -> Seen:
    """Make one customer's history over the first cells of KEYS."""
    size = len(reacted)
    return Seen(KEYS[None, :size], np.full((1, size), offset), np.array([reacted]), np.array([exposure]))


def mean_at(history: Seen, cells: Indices) -> Floats:
    """Give the posterior mean at some cells."""
    result: Floats = covariance(cells, history.keys[0], PRIOR_TASTES) @ learn(history, PRIOR_TASTES).weight[0]
    return result


def test_the_mode_solves_the_equation_of_the_mode() -> None:
    """K⁻¹ f = S − E p at the mode, written apart from the steps that led there."""
    history = seen([3.0, 0.0, 1.0], [8.0, 5.0, 4.0])
    k = covariance(history.keys[0], history.keys[0], PRIOR_TASTES)
    f = mean_at(history, history.keys[0])
    left = np.linalg.solve(k, f)
    right = history.reacted[0] - history.exposure[0] * sigmoid(history.offset[0] + f)
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
    turned = Seen(keys[:, order], offset[:, order], reacted[:, order], exposure[:, order])
    assert mean_at(turned, KEYS) == pytest.approx(mean_at(history, KEYS), abs=1e-9)


@pytest.mark.parametrize("count", [1.0, 1e3, 1e6, 1e12])
@pytest.mark.parametrize("rate", [0.0, 1e-6, 0.5, 1.0])
def test_a_flood_stays_finite_and_near_what_it_says(count: float, rate: float) -> None:
    """A million outcomes, or a million million, of one arm: finite, surer and at their rate where that is possible."""
    history = seen([count * rate], [count])
    f = float(mean_at(history, KEYS[:1])[0])
    learned = learn(history, PRIOR_TASTES)
    assert np.isfinite(f)
    assert np.isfinite(learned.precision).all()
    if count >= 1e6 and rate == 0.5:
        assert sigmoid(np.array(-3.0 + f)) == pytest.approx(rate, abs=1e-4)


def test_customers_do_not_depend_on_each_other() -> None:
    """Learned alone or among others a customer's posterior is the same, bit for bit."""
    random = np.random.default_rng(2)
    keys = random.integers(0, 3, (50, 6, SHARED))
    many = Seen(
        keys,
        random.normal(-3.0, 1.0, (50, 6)),
        random.integers(0, 9, (50, 6)).astype(np.float64),
        random.random((50, 6)) * 9,
    )
    together = learn(many, PRIOR_TASTES)
    for place in (0, 17, 49):
        mine = slice(place, place + 1)
        own = Seen(many.keys[mine], many.offset[mine], many.reacted[mine], many.exposure[mine])
        alone = learn(own, PRIOR_TASTES)
        assert np.array_equal(alone.weight[0], together.weight[place])
        assert np.array_equal(alone.precision[0], together.precision[place])
