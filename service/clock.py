"""Time comes from one place: whoever needs `now` is handed a `Clock`, so that a test can stand at any hour."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Give this moment, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Give this moment, aware, in UTC."""
        return datetime.now(UTC)


class FixedClock:
    """A clock that stands still until it is moved; for tests and demonstrations."""

    def __init__(self, now: datetime) -> None:
        self.set(now)

    def now(self) -> datetime:
        """Give the moment last set, in UTC."""
        return self._now

    def set(self, now: datetime) -> None:
        """Move to `now`, which must be aware (ValueError otherwise)."""
        if now.tzinfo is None:
            raise ValueError("a clock's time must carry its time zone")
        self._now = now.astimezone(UTC)

    def advance(self, by: timedelta) -> None:
        """Move on by `by` (back, if negative)."""
        self._now += by
