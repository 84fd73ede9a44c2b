"""q is the probability to be best: against many draws, by symmetry, and summing to 1 whatever the values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channel_selector.propensity import Shares, Values, best_shares, draw

DRAWS = 100_000


def values(
    location: list[float], spread: list[float], *, gain: float = 1000.0, cost: list[float] | None = None
) -> Values:
    """Make the cells of one decision."""
    size = len(location)
    costs = np.zeros(size) if cost is None else np.array(cost)
    return Values(np.array(location), np.array(spread), np.full(size, gain), costs, np.array([0]))


def drawn(of: Values, *, do_not_send: bool, seed: int) -> tuple[list[float], float]:
    """Give the same shares by drawing 100,000 times."""
    normal = np.random.default_rng(seed).standard_normal((DRAWS, len(of.location)))
    worth = np.exp(of.location + of.spread * normal) * of.gain - of.cost
    sent = worth.max(axis=1) >= 0.0 if do_not_send else np.ones(DRAWS, dtype=bool)
    counts = np.bincount(worth.argmax(axis=1)[sent], minlength=len(of.location))
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
    do_not_send = seed % 4 > 1
    shares = best_shares(made, do_not_send=do_not_send)
    reference, nothing = drawn(made, do_not_send=do_not_send, seed=seed)
    assert shares.cells.tolist() == pytest.approx(reference, abs=0.01)
    assert shares.nothing[0] == pytest.approx(nothing, abs=0.01)


def test_equal_cells_have_equal_shares() -> None:
    """Symmetry: five cells alike have a fifth each."""
    assert best_shares(values([-3.0] * 5, [0.4] * 5), do_not_send=False).cells.tolist() == pytest.approx([0.2] * 5)


def test_two_cells_have_the_closed_form() -> None:
    """P(first is best) = Φ((μ1 − μ2) / √(s1² + s2²)) = Φ(1) = 0.8413."""
    shares = best_shares(values([-3.0, -3.5], [0.3, 0.4]), do_not_send=False)
    assert shares.cells[0] == pytest.approx(0.841345, abs=1e-3)


def test_not_sending_wins_where_costs_exceed_any_gain() -> None:
    """A message that costs ten times what it brings is left unsent; where that is not allowed, the cheapest goes."""
    dear = values([-4.0, -4.0], [0.2, 0.2], gain=10.0, cost=[5.0, 50.0])
    assert best_shares(dear, do_not_send=True).nothing[0] == pytest.approx(1.0)
    assert best_shares(dear, do_not_send=False).cells.tolist() == pytest.approx([1.0, 0.0])


numbers = st.lists(
    st.tuples(st.floats(-16.0, 0.0), st.floats(0.05, 4.0), st.sampled_from([0.0, 0.1, 5.0, 1e15])),
    min_size=1,
    max_size=12,
)
gains = st.one_of(st.just(0.0), st.floats(1e-9, 1e6), st.just(1e30))


@given(decisions=st.lists(st.tuples(numbers, gains), min_size=1, max_size=5), do_not_send=st.booleans())
def test_shares_sum_to_one_alone_and_among_others(
    decisions: list[tuple[list[tuple[float, float, float]], float]], *, do_not_send: bool
) -> None:
    """Whatever the values, shares are in [0, 1], sum to 1, and are the same for a decision alone or among others."""
    each = [
        values(*(list(column) for column in list(zip(*cells, strict=True))[:2]), gain=gain, cost=[c[2] for c in cells])
        for cells, gain in decisions
    ]
    together = best_shares(_joined(each), do_not_send=do_not_send)
    first = 0
    for index, one in enumerate(each):
        alone = best_shares(one, do_not_send=do_not_send)
        own = together.cells[first : first + len(one.location)]
        first += len(one.location)
        assert own.tolist() == alone.cells.tolist()
        assert together.nothing[index] == alone.nothing[0]
        _assert_law(alone)


def _joined(each: list[Values]) -> Values:
    sizes = [len(one.location) for one in each]
    columns = [np.concatenate([one[column] for one in each]) for column in range(4)]
    return Values(columns[0], columns[1], columns[2], columns[3], np.cumsum([0, *sizes[:-1]]))


def _assert_law(shares: Shares) -> None:
    assert shares.cells.min() >= 0.0
    assert shares.nothing[0] >= 0.0
    assert shares.cells.sum() + shares.nothing[0] == pytest.approx(1.0, abs=1e-9)


def test_chunks_are_not_seen() -> None:
    """A batch larger than what is worked on at once gives each decision what it gives alone."""
    random = np.random.default_rng(3)
    each = [values(random.normal(-4, 1, 40).tolist(), random.uniform(0.1, 1, 40).tolist()) for _ in range(300)]
    together = best_shares(_joined(each), do_not_send=False).cells.reshape(300, 40)
    assert together[0].tolist() == best_shares(each[0], do_not_send=False).cells.tolist()
    assert together[-1].tolist() == best_shares(each[-1], do_not_send=False).cells.tolist()


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
