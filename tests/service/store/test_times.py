"""Times in the store: exact to the microsecond, for every moment."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.store.times import from_micros, from_micros_or_none, to_micros, to_micros_or_none

MOMENTS = st.datetimes(
    # A day from the ends of what a datetime holds: another zone's may lie beyond it in UTC.
    min_value=datetime(1, 1, 2),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(9999, 12, 30),  # noqa: DTZ001 - hypothesis adds the zone
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=9)), timezone(-timedelta(hours=3))]),
)


@given(MOMENTS)
def test_a_moment_comes_back(moment: datetime) -> None:
    """Whatever its zone, a moment is the same after the store, and in UTC."""
    back = from_micros(to_micros(moment))
    assert back == moment
    assert back.tzinfo is UTC


@given(MOMENTS, MOMENTS)
def test_the_order_is_kept(first: datetime, second: datetime) -> None:
    """Integers are in the order of the moments."""
    assert (first < second) == (to_micros(first) < to_micros(second))


def test_the_epoch_and_one_microsecond() -> None:
    """Zero is 1970; the unit is a microsecond, also before the epoch."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert to_micros(epoch) == 0
    assert to_micros(epoch - timedelta(microseconds=1)) == -1


def test_a_naive_time_is_refused() -> None:
    """A time without zone is a caller's mistake."""
    with pytest.raises(TypeError):
        to_micros(datetime(2026, 1, 1))  # noqa: DTZ001 - that is the mistake


def test_none_stays_none() -> None:
    """What is not known is not turned into a moment."""
    assert to_micros_or_none(None) is None
    assert from_micros_or_none(None) is None
    assert from_micros_or_none(to_micros_or_none(from_micros(5))) == from_micros(5)
