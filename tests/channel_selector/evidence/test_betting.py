"""The bound is what plain bets allow, and a true mean is rarely above it at any of all the times that one looks."""

from math import log, prod, sqrt

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from channel_selector.evidence.betting import BETS, lower_bound

FLOORS = st.floats(0.0, 20.0)


MARK = 5.0


def purse(terms: list[float], floors: list[float], value: float) -> float:
    """Bet one after another, and give what the purses hold on average."""
    stakes = BETS.tolist()
    held = [prod(1 + bet * (t - value) / (value + k) for t, k in zip(terms, floors, strict=True)) for bet in stakes]
    return float(sum(held) / len(held))


@settings(max_examples=50)
@given(st.lists(st.tuples(FLOORS, st.floats(0.0, 1.0)), min_size=1, max_size=20))
def test_the_bound_is_where_the_purse_reaches_its_mark(drawn: list[tuple[float, float]]) -> None:
    """At it the purse has reached 1/α, a trifle above it has not, by plain products."""
    floors = [k for k, _ in drawn]
    terms = [-k + share * (k + 3.0) for k, share in drawn]
    bound = lower_bound(np.array(terms), np.array(floors), alpha=1 / MARK, low=0.0, high=1.0)
    assert 0.0 <= bound <= 1.0
    if bound > 0.0:
        assert purse(terms, floors, bound) >= MARK * (1 - 1e-9)
    if bound < 1.0:
        step = max(3.0 * float(np.std(terms)) / sqrt(len(terms)), 1.0 / len(terms))
        assert purse(terms, floors, min(bound + 2e-4 * step, 1.0)) < MARK


def test_without_bets_nothing_is_known() -> None:
    """No terms, or none that are bet on."""
    assert lower_bound(np.empty(0), np.empty(0), alpha=0.05, low=-1.0, high=1.0) == -1.0
    assert lower_bound(np.ones(3), np.full(3, np.inf), alpha=0.05, low=0.0, high=1.0) == 0.0


def test_terms_beyond_what_a_mean_can_be_give_the_highest() -> None:
    """A thousand terms of 5 leave no mean in [0, 1]."""
    assert lower_bound(np.full(1000, 5.0), np.zeros(1000), alpha=0.05, low=0.0, high=1.0) == 1.0


def test_a_true_mean_is_rarely_passed_at_any_time() -> None:
    """Of 300 sequences looked at after each of 300 terms, at most α = 10 % (+ 3 standard errors) ever pass it."""
    random = np.random.default_rng(5)
    weights = np.where(random.random((300, 300)) < 0.25, 4.0, 0.0)
    terms = weights * (random.random((300, 300)) < 0.3)
    odds = terms / 0.3 - 1.0
    logs = np.array([np.cumsum(np.log1p(bet * odds), axis=1) for bet in BETS])
    ever = (np.exp(logs).mean(axis=0) >= 10.0).any(axis=1)
    assert ever.mean() <= 0.1 + 3 * sqrt(0.1 * 0.9 / 300)
    last = [lower_bound(row, np.zeros(300), alpha=0.1, low=0.0, high=1.0) > 0.3 for row in terms]
    assert last == (np.log(np.exp(logs[:, :, -1]).mean(axis=0)) >= -log(0.1)).tolist()
