"""In the store every time is a whole number of microseconds since 1970-01-01 UTC; outside it is an aware datetime.

The two agree exactly for every moment a datetime can hold: no floating point is involved.
"""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def to_micros(moment: datetime) -> int:
    """Give the microseconds from the epoch to `moment` (aware; TypeError for a naive one)."""
    return (moment - EPOCH) // MICROSECOND


def from_micros(micros: int) -> datetime:
    """Give the moment, in UTC, that many microseconds after the epoch."""
    return EPOCH + timedelta(microseconds=micros)


def to_micros_or_none(moment: datetime | None) -> int | None:
    """Give `to_micros`, and None for None."""
    return None if moment is None else to_micros(moment)


def from_micros_or_none(micros: int | None) -> datetime | None:
    """Give `from_micros`, and None for None."""
    return None if micros is None else from_micros(micros)
