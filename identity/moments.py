"""A moment as people and programs write it; one without an offset is in UTC."""

from datetime import UTC, datetime, timedelta

_MILLISECONDS_FROM = 1e11
"""A number this large counts milliseconds since 1970 (from March 1973 on); a smaller one seconds (until 5138)."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_time(value: object) -> datetime | None:
    """Read a moment as clients write it, in UTC; None if it cannot be read.

    ISO 8601 in the shapes that `datetime.fromisoformat` knows (`Z`, offsets, any number of decimals, a date alone), and
    seconds or milliseconds since 1970 as a number or as digits. A moment without an offset is in UTC.
    """
    if isinstance(value, str):
        text = value.strip()
        if not text.isdecimal() or len(text) < 9:  # eight digits are a date in ISO's basic form
            return _read_iso(text)
        value = float(text)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _read_epoch(value)
    return None


def _read_iso(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text.replace("z", "Z"))
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _read_epoch(count: float) -> datetime | None:
    try:
        seconds = count / 1000 if abs(count) >= _MILLISECONDS_FROM else count
        return _EPOCH + timedelta(seconds=seconds)
    except (ValueError, OverflowError):
        return None
