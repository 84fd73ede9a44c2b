"""A decision's options as the log holds them: each endpoint and each moment once, though most stand in several options.

Unpacked they are the same, to the byte of their sorted JSON. Entries that hold each option whole are read as well.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any

from channel_selector.eligibility.options import DeliveryOption, option_id
from channel_selector.validation import from_microseconds, to_microseconds

Whole = list[dict[str, Any]]
Packed = dict[str, Sequence[Sequence[Any]]]

_ENDPOINT = attrgetter("endpoint_id", "channel", "device_kind", "cost")
_MOMENT = attrgetter("send_at", "local_hour", "weekday", "variant")
MAX_MOMENTS = 4_096
"""How many moments are kept at hand as they are written: messages of a day share most of theirs."""


def pack(options: Sequence[DeliveryOption]) -> Packed | Whole:
    """Give what `unpack` makes the options' JSON of: endpoints, moments, and of each option its places among them.

    Where one is called anything but what `option_id` calls it, and where there is none, they are left whole.
    """
    endpoints: dict[tuple[Any, ...], int] = {}
    moments: dict[tuple[Any, ...], tuple[int, str]] = {}
    told: list[tuple[Any, ...]] = []
    places: list[tuple[int, int]] = []
    for each, endpoint, moment in zip(options, map(_ENDPOINT, options), map(_MOMENT, options), strict=True):
        known = moments.get(moment)
        if known is None:
            ending, written = _moment(*moment)
            known = moments[moment] = len(moments), ending
            told.append(written)
        if each.option_id != each.endpoint_id + known[1]:
            return [option.to_json() for option in options]
        places.append((endpoints.setdefault(endpoint, len(endpoints)), known[0]))
    return {"endpoints": list(endpoints), "moments": told, "options": places} if places else []


@lru_cache(maxsize=MAX_MOMENTS)
def _moment(send_at: datetime, hour: int, weekday: int, variant: str | None) -> tuple[str, tuple[Any, ...]]:
    """Give how the names of options at a moment end, and what is written of it."""
    return option_id("", send_at, variant), (to_microseconds(send_at), hour, weekday, variant)


def unpack(packed: Packed | Whole) -> Whole:
    """Give the options' JSON."""
    if isinstance(packed, list):
        return packed
    endpoints, moments = packed["endpoints"], packed["moments"]
    return [_option(*endpoints[endpoint], *moments[moment]) for endpoint, moment in packed["options"]]


def _option(*told: Any) -> dict[str, Any]:
    endpoint, channel, kind, cost, send_at, hour, weekday, variant = told
    return {
        "channel": channel,
        "cost": cost,
        "device_kind": kind,
        "endpoint_id": endpoint,
        "local_hour": hour,
        "option_id": option_id(endpoint, from_microseconds(send_at), variant),
        "send_at": send_at,
        "variant": variant,
        "weekday": weekday,
    }
