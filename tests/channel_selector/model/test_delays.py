"""F(age) is a distribution over the window, and follows what is known of a channel."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channel_selector.model.delays import BINS, Delays, bin_of, published_share

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


def test_before_any_outcome_f_is_the_published_one() -> None:
    """35 % of display conversions came within an hour, half within a day (Chapelle 2014), of 79 % within a week."""
    assert published_share(1) == pytest.approx(0.35)
    assert published_share(24) == pytest.approx(0.5)
    assert published_share(24 * 30) == 1.0
    assert Delays(WEEK, {}).share("any", 3600.0) == pytest.approx(0.35 / published_share(168))


def test_own_outcomes_take_over() -> None:
    """A channel whose 980 outcomes all came on day four to five is nearly silent before."""
    late = [0] * BINS
    late[bin_of(4 * 86400.0, SECONDS)] = 980
    delays = Delays(WEEK, {"post": tuple(late)})
    assert delays.share("post", 72 * 3600.0) == pytest.approx(20 / 1000 * published_share(72) / published_share(168))


def test_a_channel_that_has_just_begun_is_as_late_as_the_others() -> None:
    """Its curve is theirs until outcomes of its own, worth as much at twenty, say otherwise."""
    late, early = [0] * BINS, [0] * BINS
    late[bin_of(4 * 86400.0, SECONDS)], early[0] = 980, 20
    new = Delays(WEEK, {"post": tuple(late)}).share("email", 72 * 3600.0)
    assert new == pytest.approx(20 / 1000 * published_share(72) / published_share(168))
    own = Delays(WEEK, {"post": tuple(late), "email": tuple(early)}).share("email", 72 * 3600.0)
    assert own == pytest.approx(0.5 * new + 0.5, abs=0.01)


@given(st.floats(0.0, SECONDS))
def test_every_delay_within_the_window_has_a_bin(delay: float) -> None:
    """Bins 0 to 8 cover the window, its end included."""
    assert 0 <= bin_of(delay, SECONDS) < BINS
