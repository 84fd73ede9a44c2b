"""When an event happened: the client's word, corrected for a wrong clock, and never later than its receipt."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

SKEW = timedelta(minutes=5)
"""A client's clock is believed unless what it says of sending is further than this from the receipt (DESIGN 4.8)."""

_MILLISECONDS_FROM = 1e11
"""A number this large counts milliseconds since 1970 (from March 1973 on); a smaller one seconds (until 5138)."""

_MISSING = (None, "")

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
        if moment.tzinfo is UTC:
            return moment
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _read_epoch(count: float) -> datetime | None:
    try:
        seconds = count / 1000 if abs(count) >= _MILLISECONDS_FROM else count
        return _EPOCH + timedelta(seconds=seconds)
    except (ValueError, OverflowError):
        return None


def event_time(event: Mapping[str, Any], *, sent_at: datetime | None, received_at: datetime) -> datetime | None:
    """Tell when the event happened; None if it names a time that cannot be read.

    The client's `timestamp`, else its `originalTimestamp` (RudderStack), else when it was sent, else the receipt. The
    event's own `sentAt` precedes that of its request. `received_at` is the latest it can be.
    """
    own = read_time(event.get("sentAt"))
    sent = sent_at if own is None else own
    claimed = event.get("timestamp")
    if claimed in _MISSING:
        claimed = event.get("originalTimestamp")
    at = (received_at if sent is None else sent) if claimed in _MISSING else read_time(claimed)
    if at is None:
        return None
    if sent is not None and abs(received_at - sent) > SKEW:
        try:
            at += received_at - sent
        except OverflowError:
            return None
    return min(at, received_at)
