"""F(age) is a distribution over the window, and follows what is known of a channel."""

from datetime import timedelta
from itertools import pairwise
from math import expm1

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channel_selector.delays import BINS, EDGES, Delays, bin_of, published_share

WEEK = timedelta(days=7)
SECONDS = WEEK.total_seconds()
counts = st.tuples(*[st.integers(0, 1000)] * BINS)


@given(counts, st.lists(st.floats(-1.0, 2.0), min_size=2, max_size=20), st.integers(60, 90 * 86400))
def test_f_is_a_distribution(own: tuple[int, ...], ages: list[float], window: int) -> None:
    """F is 0 at 0, 1 from the window on, and never falls."""
    delays = Delays(timedelta(seconds=window), {"email": own})
    shares = [delays.share("email", age * window) for age in sorted(ages)]
    assert shares == sorted(shares)
    assert all(0.0 <= share <= 1.0 for share in shares)
    assert delays.share("email", 0.0) == 0.0
    assert delays.share("email", window) == 1.0


def test_before_any_outcome_f_is_nearly_the_published_one() -> None:
    """35 % of display conversions came within an hour, half within a day (Chapelle 2014), of 79 % within a week."""
    assert published_share(1) == pytest.approx(0.35)
    assert published_share(24) == pytest.approx(0.5)
    assert published_share(24 * 30) == 1.0
    assert Delays(WEEK, {}).share("any", 3600.0) == pytest.approx(0.35 / published_share(168), abs=0.03)


def test_own_outcomes_take_over() -> None:
    """A channel whose 980 outcomes all came on day four to five is nearly silent before."""
    late = [0] * BINS
    late[bin_of(4 * 86400.0, SECONDS)] = 980
    assert Delays(WEEK, {"post": tuple(late)}).share("post", 72 * 3600.0) < 20 / 1000


def exponential(outcomes: int, mean: float) -> tuple[int, ...]:
    """Give how many outcomes come between the edges, of an exponential delay cut off at the window."""
    shares = [-expm1(-168 * edge / mean) / -expm1(-168 / mean) for edge in EDGES]
    return tuple(round(outcomes * (b - a)) for a, b in pairwise(shares))


def test_a_channel_that_has_just_begun_is_as_late_as_the_others() -> None:
    """Not as the published ones, half of whose outcomes come within a day; until its own say otherwise."""
    others = exponential(1_000, 72.0)
    truth = -expm1(-24 / 72) / -expm1(-168 / 72)
    assert Delays(WEEK, {"post": others}).share("email", 86400.0) == pytest.approx(truth, abs=0.03)
    own = Delays(WEEK, {"post": others, "email": exponential(200, 2.0)}).share("email", 86400.0)
    assert own > 0.95


def test_the_first_day_tells_of_the_days_after_it() -> None:
    """Of 60 outcomes within a day, of messages a day old: evenly spread, two thirds are still to come."""
    mean, edges = 72.0, [168 * edge for edge in EDGES]
    came = [round(60 * expm1(-hours / mean) / expm1(-24 / mean)) for hours in edges[:6]]
    counts = (*(b - a for a, b in pairwise(came)), 0, 0, 0, 0)
    risks = (*came[1:], 0, 0, 0, 0)
    truth = -expm1(-24 / mean) / -expm1(-168 / mean)
    found = Delays(WEEK, {"sms": counts}, {"sms": risks}).share("sms", 86400.0)
    assert found == pytest.approx(truth, abs=0.12)


@given(st.floats(0.0, SECONDS))
def test_every_delay_within_the_window_has_a_bin(delay: float) -> None:
    """Bins 0 to 8 cover the window, its end included."""
    assert 0 <= bin_of(delay, SECONDS) < BINS
