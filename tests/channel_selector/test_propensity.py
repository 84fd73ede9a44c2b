"""q is the probability to be best: against many draws, by symmetry, and summing to 1 whatever the values."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channel_selector.propensity import Floats, Indices, Shares, Values, best_shares, draw

DRAWS = 100_000


def values(
    location: list[float], spread: list[float], *, gain: float = 1000.0, cost: list[float] | None = None
) -> Values:
    """Make the cells of one decision."""
    size = len(location)
    costs = np.zeros(size) if cost is None else np.array(cost)
    return Values(np.array([location]), np.array([spread]), np.full((1, size), gain), costs[None, :])


def apart(of: Values) -> Callable[[Indices, Indices], Floats]:
    """Give the covariances of cells that share nothing."""

    def covariances(rows: Indices, members: Indices) -> Floats:
        spread = np.take_along_axis(of.spread[rows], members, axis=1)
        return (spread**2)[:, :, None] * np.eye(members.shape[1])

    return covariances


def together(of: Values, shared: Floats) -> Callable[[Indices, Indices], Floats]:
    """Give the covariances of cells that share effects: those of one decision, as a matrix."""

    def covariances(rows: Indices, members: Indices) -> Floats:
        return np.stack([shared[np.ix_(mine, mine)] for mine in members])

    return covariances


def drawn(of: Values, covariance: Floats, *, do_not_send: bool, seed: int) -> tuple[list[float], float]:
    """Give the same shares by drawing 100,000 times."""
    normal = np.random.default_rng(seed).multivariate_normal(of.location[0], covariance, DRAWS)
    worth = np.exp(normal) * of.gain[0] - of.cost[0]
    sent = worth.max(axis=1) >= 0.0 if do_not_send else np.ones(DRAWS, dtype=bool)
    counts = np.bincount(worth.argmax(axis=1)[sent], minlength=of.location.shape[1])
    return (counts / DRAWS).tolist(), float(1.0 - sent.mean())


@pytest.mark.parametrize("seed", range(12))
def test_shares_agree_with_many_draws(seed: int) -> None:
    """Within 0.01 of 100,000 draws: up to 30 cells, sure and unsure ones, with and without costs and not sending."""
    random = np.random.default_rng(seed)
    size = int(random.integers(2, 31))
    spread = np.exp(random.uniform(np.log(0.05), np.log(1.4), size))
    location = random.normal(-4.0, 0.5 if seed % 2 else 0.1, size) - spread**2 / 2
    cost = random.choice([0.0, 5.0, 20.0], size) if seed % 3 else np.zeros(size)
    gain = float(random.choice([200.0, 1000.0, 20_000.0]))
    made = values(location.tolist(), spread.tolist(), gain=gain, cost=cost.tolist())
    common = random.integers(0, 3, size)
    share = random.uniform(0.0, 0.9)
    covariance = np.outer(spread, spread) * (share * (common[:, None] == common) + (1.0 - share) * np.eye(size))
    do_not_send = seed % 4 > 1
    shares = best_shares(made, together(made, covariance), do_not_send=do_not_send)
    reference, nothing = drawn(made, covariance, do_not_send=do_not_send, seed=seed)
    assert shares.cells[0].tolist() == pytest.approx(reference, abs=0.01)
    assert shares.nothing[0] == pytest.approx(nothing, abs=0.01)


def test_equal_cells_have_equal_shares() -> None:
    """Symmetry, within 0.01: five cells alike have a fifth each."""
    made = values([-3.0] * 5, [0.4] * 5)
    assert best_shares(made, apart(made), do_not_send=False).cells[0].tolist() == pytest.approx([0.2] * 5, abs=0.01)


def test_two_cells_have_the_closed_form() -> None:
    """P(first is best) = Φ((μ1 − μ2) / √(s1² + s2²)) = Φ(1) = 0.8413."""
    made = values([-3.0, -3.5], [0.3, 0.4])
    assert best_shares(made, apart(made), do_not_send=False).cells[0, 0] == pytest.approx(0.841345, abs=2e-3)


def test_what_is_shared_does_not_tell_cells_apart() -> None:
    """Two cells whose doubt is the same doubt: the better one is surely better."""
    made = values([-3.0, -3.2], [1.0, 1.0])
    same = np.full((2, 2), 1.0) + 1e-6 * np.eye(2)
    assert best_shares(made, together(made, same), do_not_send=False).cells[0].tolist() == [1.0, 0.0]


def test_not_sending_wins_where_costs_exceed_any_gain() -> None:
    """A message that costs ten times what it brings is left unsent; where that is not allowed, the cheapest goes."""
    dear = values([-4.0, -4.0], [0.2, 0.2], gain=10.0, cost=[5.0, 50.0])
    assert best_shares(dear, apart(dear), do_not_send=True).nothing[0] == pytest.approx(1.0)
    assert best_shares(dear, apart(dear), do_not_send=False).cells[0].tolist() == pytest.approx([1.0, 0.0])


numbers = st.lists(
    st.tuples(st.floats(-16.0, -0.1), st.floats(0.05, 4.0), st.sampled_from([0.0, 0.1, 5.0, 1e15])),
    min_size=1,
    max_size=12,
)
gains = st.one_of(st.just(0.0), st.floats(1e-9, 1e6), st.just(1e30))


@given(decisions=st.lists(st.tuples(numbers, gains), min_size=1, max_size=5), do_not_send=st.booleans())
def test_shares_sum_to_one_alone_and_among_others(
    decisions: list[tuple[list[tuple[float, float, float]], float]], *, do_not_send: bool
) -> None:
    """Whatever the values, shares are in [0, 1], sum to 1, and are the same for a decision alone or among others."""
    for cells, gain in decisions:
        location, spread, cost = (list(column) for column in zip(*cells, strict=True))
        one = values(location, spread, gain=gain, cost=cost)
        alone = best_shares(one, apart(one), do_not_send=do_not_send)
        _assert_law(alone)
        mixed = Values(*(np.concatenate([field[:, ::-1], field]) for field in one))
        both = best_shares(mixed, apart(mixed), do_not_send=do_not_send)
        assert both.cells[1].tolist() == alone.cells[0].tolist()
        assert both.nothing[1] == alone.nothing[0]


def _assert_law(shares: Shares) -> None:
    assert shares.cells.min() >= 0.0
    assert shares.nothing[0] >= 0.0
    assert shares.cells.sum() + shares.nothing[0] == pytest.approx(1.0, abs=1e-9)


def test_chunks_are_not_seen() -> None:
    """A batch larger than what is worked on at once gives each decision what it gives alone."""
    random = np.random.default_rng(3)
    each = [values(random.normal(-4, 1, 20).tolist(), random.uniform(0.1, 1, 20).tolist()) for _ in range(60)]
    joined = Values(*(np.concatenate(columns) for columns in zip(*each, strict=True)))
    all_at_once = best_shares(joined, apart(joined), do_not_send=False).cells
    for place in (0, 30, 59):
        alone = best_shares(each[place], apart(each[place]), do_not_send=False).cells[0]
        assert all_at_once[place].tolist() == alone.tolist()


def test_draws_follow_the_probabilities() -> None:
    """Over 20,000 decision ids the draw has the law it is given, within 4 standard errors."""
    law, nothing, size = [0.5, 0.0, 0.3], 0.2, 20_000
    seen = [draw(law, nothing, 7, f"d{number}") for number in range(size)]
    for index, probability in ((0, 0.5), (1, 0.0), (2, 0.3), (None, 0.2)):
        error = np.sqrt(probability * (1 - probability) / size)
        assert seen.count(index) / size == pytest.approx(probability, abs=4 * error)


@given(st.integers(), st.text(), st.integers(0, 3))
def test_a_certain_option_is_always_drawn(seed: int, decision_id: str, sure: int) -> None:
    """Probability 1 is drawn and 0 never is, whatever seed and id."""
    assert draw([1.0 if index == sure else 0.0 for index in range(4)], 0.0, seed, decision_id) == sure
