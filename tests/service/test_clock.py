"""Clocks: aware, in UTC, and the fixed one goes only where it is told."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from service.clock import FixedClock, SystemClock

SEOUL = timezone(timedelta(hours=9))


def test_the_machines_clock_is_aware_and_utc() -> None:
    """Its time lies between two readings of Python's own."""
    before = datetime.now(UTC)
    now = SystemClock().now()
    assert before <= now <= datetime.now(UTC)
    assert now.tzinfo is UTC


def test_a_fixed_clock_stands_still() -> None:
    """It tells the moment it was set to, in UTC, until it is moved."""
    clock = FixedClock(datetime(2026, 11, 16, 21, 0, tzinfo=SEOUL))
    assert clock.now() == clock.now() == datetime(2026, 11, 16, 12, 0, tzinfo=UTC)
    assert clock.now().tzinfo is UTC
    clock.advance(timedelta(hours=-1))
    assert clock.now().hour == 11
    clock.set(datetime(2027, 1, 1, tzinfo=UTC))
    assert clock.now().year == 2027


def test_a_naive_time_is_refused() -> None:
    """A moment without its zone is no moment."""
    with pytest.raises(ValueError, match="time zone"):
        FixedClock(datetime(2026, 1, 1))  # noqa: DTZ001 - that is the mistake
