"""What enters is finite, in range and on an aware clock; everything else is refused by name, never by value."""

from datetime import UTC, datetime, timedelta

LARGEST = 1e15
"""No amount of money, weight or count beyond it: products of two stay finite."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def require_number(name: str, value: float, *, low: float = -LARGEST, high: float = LARGEST) -> None:
    """Refuse what is no number or lies outside [low, high]; NaN lies outside every range."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise ValueError(f"{name} must be a finite number from {low:g} to {high:g}")


def require_integer(name: str, value: int, *, low: int, high: int) -> None:
    """Refuse what is no whole number from `low` to `high`."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{name} must be a whole number from {low} to {high}")


def require_text(name: str, value: str) -> None:
    """Refuse what is no text or empty."""
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} must be a text that is not empty")


def utc(name: str, at: datetime) -> datetime:
    """Give the same instant in UTC; ValueError for a naive one and for one that no calendar year holds."""
    if not isinstance(at, datetime) or at.tzinfo is None:
        raise ValueError(f"{name} must be a date and time with its time zone")
    if at.tzinfo is UTC:
        return at
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{name} lies outside the years 1 to 9999") from None


def to_microseconds(at: datetime) -> int:
    """Whole microseconds since 1970-01-01 UTC."""
    return (at - EPOCH) // MICROSECOND


def from_microseconds(microseconds: int) -> datetime:
    """Give the instant `to_microseconds` came from, in UTC."""
    return EPOCH + timedelta(microseconds=microseconds)
