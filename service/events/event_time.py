"""When an event happened: the client's word, corrected for a wrong clock, and never later than its receipt."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from identity.moments import read_time

__all__ = ["SKEW", "event_time", "read_time"]

SKEW = timedelta(minutes=5)
"""A client's clock is believed unless what it says of sending is further than this from the receipt (DESIGN 4.8)."""

_CLAIMS = ("timestamp", "originalTimestamp")
_MISSING = (None, "")


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
