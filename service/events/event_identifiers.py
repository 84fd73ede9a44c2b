"""Who an event speaks of: every place of an event that names a person, a contact, a device or a browser.

What is read here is raw text; whether it is junk, and how it is written, is decided by `identity.normalize`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from identity.identifiers import ALSO_CALLED

RawIdentifier = tuple[str, str]
"""A namespace and a text as the client wrote it."""

NAMESPACE = re.compile(r"[A-Za-z0-9_.-]{1,64}")
"""What namespaces are called."""

_ADVERTISING = {"ios": "idfa", "ipados": "idfa", "tvos": "idfa", "android": "gaid"}
"""Whose advertising id it is, by `context.device.type` (Segment's iOS SDK says "ios") or `context.os.name`."""

_EXACT = 2**53
"""Floating-point numbers below this are whole numbers without loss."""


def identifier_text(value: object) -> str | None:
    """Give the value as an identifier's text: text as it is, whole numbers in digits; None for everything else.

    A number too large to be kept exactly (JSON readers make a float of it) names several people at once: None.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return str(int(value))
    return None


def identifiers_of(event: Mapping[str, Any]) -> tuple[RawIdentifier, ...]:
    """Collect the event's identifiers, each once, in the order found; empty where it names nobody.

    `event` is shaped as `messages.parse` lets it pass, its `type` set. A value that is neither text nor a whole number
    is no identifier.
    """
    found: dict[RawIdentifier, None] = {}
    for namespace, value in _named(event):
        text = value if isinstance(value, str) else identifier_text(value)
        if text:
            found[namespace, text] = None
    return tuple(found)


def _named(event: Mapping[str, Any]) -> list[tuple[str, object]]:
    named: list[tuple[str, object]] = []
    if event["type"] == "consent":
        named += [(item["namespace"], item["value"]) for item in event["identifiers"]]
    named.append(("user_id", event.get("userId")))
    named.append(("anonymous_id", event.get("anonymousId")))
    named.append(("anonymous_id", event.get("previousId")))
    if event["type"] != "group":  # a group's traits are the household's or the company's, not this person's
        named += _contacts(event.get("traits"))
    context = event.get("context")
    if context:
        named += _contacts(context.get("traits"))
        named += _devices(context)
        named += _externals(context.get("externalIds"))
        if context.get("ip") != "0.0.0.0":  # noqa: S104 - Segment's way of saying: do not keep the address
            named.append(("ip", context.get("ip")))
    return named


def _contacts(traits: Mapping[str, Any] | None) -> Sequence[tuple[str, object]]:
    return (("email", traits.get("email")), ("phone", traits.get("phone"))) if traits else ()


def _devices(context: Mapping[str, Any]) -> Sequence[tuple[str, object]]:
    device = context.get("device")
    if not device:
        return ()
    named = [("device_id", device.get("id")), ("push_token", device.get("token"))]
    advertised = device.get("advertisingId")
    if advertised is not None and device.get("adTrackingEnabled") is not False:
        namespace = _advertising_namespace(device.get("type"), context.get("os"))
        if namespace:
            named.append((namespace, advertised))
    return named


def _advertising_namespace(device_type: object, system: object) -> str | None:
    name = system.get("name") if isinstance(system, dict) else None
    return _ADVERTISING.get(str(device_type).lower()) or _ADVERTISING.get(str(name).lower())


def _externals(external_ids: object) -> Iterator[tuple[str, object]]:
    for item in external_ids if isinstance(external_ids, list) else ():
        kind = item.get("type") if isinstance(item, dict) else None
        if isinstance(kind, str) and NAMESPACE.fullmatch(kind):
            yield ALSO_CALLED.get(kind, kind), item.get("id")
