"""A decision's options as the log holds them: each endpoint and each moment once, though most stand in several options.

Unpacked they are the same, to the byte of their sorted JSON. Entries that hold each option whole are read as well.
"""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from channel_selector.eligibility.options import DeliveryOption, option_id
from channel_selector.validation import from_microseconds, to_microseconds

Whole = list[dict[str, Any]]
Packed = dict[str, list[list[Any]]]

_ENDPOINT = attrgetter("endpoint_id", "channel", "device_kind", "cost")
_MOMENT = attrgetter("send_at", "local_hour", "weekday", "variant")


def pack(options: Sequence[DeliveryOption]) -> Packed | Whole:
    """Give what `unpack` makes the options' JSON of: endpoints, moments, and of each option its places among them.

    Where one is called anything but what `option_id` calls it, and where there is none, they are left whole.
    """
    endpoints: dict[tuple[Any, ...], int] = {}
    moments: dict[tuple[Any, ...], tuple[int, str]] = {}
    places: list[list[int]] = []
    for each, endpoint, moment in zip(options, map(_ENDPOINT, options), map(_MOMENT, options), strict=True):
        known = moments.get(moment)
        if known is None:
            known = moments[moment] = len(moments), option_id("", each.send_at, each.variant)
        if each.option_id != each.endpoint_id + known[1]:
            return [option.to_json() for option in options]
        places.append([endpoints.setdefault(endpoint, len(endpoints)), known[0]])
    if not places:
        return []
    told = [[to_microseconds(send_at), *others] for send_at, *others in moments]
    return {"endpoints": [list(each) for each in endpoints], "moments": told, "options": places}


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
