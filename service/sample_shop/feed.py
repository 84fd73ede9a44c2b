"""Messages as the shop's SDKs and its server write them: pages and apps use a public key, the server its secret one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from identity.observations import Trust
from service.customers.consents import DEFAULT_CATEGORIES
from service.sample_shop.people import Device, Person
from service.sample_shop.records import ShopMessage

_LIBRARIES = {
    "web": {"name": "analytics.js", "version": "npm:next-1.84.3"},
    "ios": {"name": "analytics-swift", "version": "1.7.3"},
    "android": {"name": "analytics-kotlin", "version": "1.19.2"},
    "server": {"name": "analytics-python", "version": "2.3.4"},
}
_SYSTEMS = {"ios": {"name": "iOS", "version": "18.5"}, "android": {"name": "Android", "version": "15"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Somebody at a device; `known`: logged in there."""

    person: Person
    device: Device
    known: bool


class Feed:
    """Collects messages as they are told, in any order; `messages` gives those of a time, sorted.

    The n-th message told is named by the prefix and n, so that the same story told to a later `now` names alike.
    """

    def __init__(self, prefix: str, opted_out: Mapping[tuple[str, str], int]) -> None:
        """`opted_out`: when (user_id, channel) was refused again."""
        self._prefix = prefix
        self._opted_out = opted_out
        self._opting: dict[str, list[tuple[int, str]]] = {}
        for (user_id, channel), at in opted_out.items():
            self._opting.setdefault(user_id, []).append((at, channel))
        self._told: list[tuple[int, Trust, dict[str, Any]]] = []
        self._contexts: dict[tuple[str, str, str | None, frozenset[str]], dict[str, Any]] = {}

    def track(
        self, at: int, visitor: Visitor, event: str, properties: Mapping[str, Any], trust: Trust = Trust.ASSERTED
    ) -> None:
        """Tell of an event."""
        self._say(at, trust, "track", visitor, {"event": event, "properties": properties})

    def view(self, at: int, visitor: Visitor, name: str) -> None:
        """Tell of a page seen, or of a screen in an app."""
        kind = "page" if visitor.device.system == "web" else "screen"
        path = {"path": f"/{name.lower()}", "title": name} if kind == "page" else {}
        self._say(at, Trust.ASSERTED, kind, visitor, {"name": name, "properties": path})

    def identify(self, at: int, person: Person, device: Device) -> None:
        """Tell of a login: the shop's server names the account, its contacts, the device and the consents."""
        traits = {"email": person.email, "phone": person.phone}
        part = {"traits": {name: value for name, value in traits.items() if value is not None}}
        raw = self._say(at, Trust.SERVER, "identify", Visitor(person=person, device=device, known=True), part)
        if person.kakao_id is not None:
            kakao = {"id": person.kakao_id, "type": "kakao_id", "collection": "users", "encoding": "none"}
            raw["context"] = {**raw["context"], "externalIds": [kakao]}

    def claim(self, at: int, device: Device, timezone: str, part: Mapping[str, Any]) -> None:
        """Tell what a broken page says: an identify with whatever it takes for ids."""
        context = {**_context(device, "web"), "timezone": timezone}
        raw = {"type": "identify", "messageId": self._name(), "context": context, **part}
        self._told.append((at, Trust.ASSERTED, raw))

    def messages(self, until: int) -> list[tuple[int, ShopMessage]]:
        """Give what was told of moments up to `until`, sorted by time, each with its timestamp."""
        kept = sorted((told for told in self._told if told[0] <= until), key=lambda told: told[0])
        times = np.array([at for at, _, _ in kept], dtype="datetime64[ms]")
        for (_, _, raw), text in zip(kept, np.datetime_as_string(times, timezone="UTC").tolist(), strict=True):
            raw["timestamp"] = text
        return [(at, ShopMessage(trust=trust, raw=raw)) for at, trust, raw in kept]

    def _say(self, at: int, trust: Trust, kind: str, visitor: Visitor, part: Mapping[str, Any]) -> dict[str, Any]:
        raw = {"type": kind, "messageId": self._name(), "anonymousId": visitor.device.anonymous_id, **part}
        if visitor.known:
            raw["userId"] = visitor.person.user_id
        raw["context"] = self._context(at, visitor, "server" if trust is Trust.SERVER else visitor.device.system)
        self._told.append((at, trust, raw))
        return raw

    def _name(self) -> str:
        return f"{self._prefix}-{len(self._told):07d}"

    def _context(self, at: int, visitor: Visitor, sender: str) -> dict[str, Any]:
        """Share one context between all messages that say the same of a device and its user's consents."""
        person, known = visitor.person, visitor.known
        consents = self._consents(at, person) if known else frozenset()
        key = (visitor.device.anonymous_id, sender, person.user_id if known else None, consents)
        context = self._contexts.get(key)
        if context is None:
            context = self._contexts[key] = {**_context(visitor.device, sender), "timezone": person.timezone}
            if known:
                choices = {name: each.channel in consents for name, each in DEFAULT_CATEGORIES.items()}
                context["consent"] = {"categoryPreferences": choices}
        return context

    def _consents(self, at: int, person: Person) -> frozenset[str]:
        refused = self._opting.get(person.user_id or "", ())
        return person.consents - {channel for since, channel in refused if since <= at} if refused else person.consents


def _context(device: Device, sender: str) -> dict[str, Any]:
    context = {
        "library": _LIBRARIES[sender],
        "userAgent": device.user_agent,
        "ip": device.ip,
        "locale": "ko-KR",
    }
    if device.device_id is not None:
        token = {} if device.token is None else {"token": device.token}
        context["device"] = {"id": device.device_id, "type": device.system, **token}
    if device.system in _SYSTEMS:
        context["os"] = _SYSTEMS[device.system]
    return context
