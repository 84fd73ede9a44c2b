"""What an event says of the device it came from; a field of another type is as if not sent."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from channel_selector.eligibility.slots import parse_timezone
from service.events.messages import Message

TEXT_LENGTH = 512
"""Longer texts of a context are not what they are taken for."""


class Told(NamedTuple):
    """The fields of `context` that tell of a device; "" where not said. `system` is the operating system's name."""

    device_type: str
    model: str
    system: str
    app: str
    user_agent: str
    timezone: str

    def __repr__(self) -> str:
        """Hide all of it: together the fields are a fingerprint."""
        return "Told(…)"


NOTHING = Told("", "", "", "", "", "")


def told(message: Message) -> Told:
    """Read a message's context."""
    context = message.content.get("context")
    if not context:
        return NOTHING
    device = _table(context, "device")
    return Told(
        device_type=_text(device, "type"),
        model=_text(device, "model"),
        system=_text(_table(context, "os"), "name"),
        app=_text(_table(context, "app"), "name"),
        user_agent=_text(context, "userAgent"),
        timezone=_text(context, "timezone"),
    )


@lru_cache(maxsize=1_024)
def zone(name: str) -> ZoneInfo | None:
    """Give the IANA zone of that name, None where there is none."""
    try:
        return parse_timezone(name)
    except ValueError:
        return None


def _table(holder: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = holder.get(key)
    return value if isinstance(value, dict) else {}


def _text(holder: Mapping[str, Any], key: str) -> str:
    value = holder.get(key)
    return value.strip() if isinstance(value, str) and len(value) <= TEXT_LENGTH else ""
