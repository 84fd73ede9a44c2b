"""A profile's devices and browsers, and the push tokens on them: of one device only the newest token is live."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from channel_selector.endpoints import APP_PUSH, WEB_PUSH
from identity.identifiers import Identifier
from service.customers.event_context import Told, zone
from service.customers.names import Names
from service.devices import device_kind
from service.messages import Message

_APPS = frozenset({"ios", "ipados", "android", "tvos", "watchos", "visionos", "macos"})
_BROWSERS = frozenset({"web", "browser"})
"""What SDKs put into `context.device.type` beside a push token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device, or a browser where no device is named, as its latest events tell of it; "" where they do not.

    `kind` is phone, tablet or desktop; `type` is the client's own word (ios, android, web).
    """

    identifier: Identifier
    kind: str
    type: str
    model: str
    system: str
    app: str
    timezone: str | None
    first_seen: datetime
    last_seen: datetime

    @property
    def device_id(self) -> str:
        """What the device is called: the value of its identifier."""
        return self.identifier.value


@dataclass(frozen=True, slots=True, kw_only=True)
class PushToken:
    """A push token that a profile holds, and the device it was last seen with (None: never with one).

    `live`: the newest of its device and channel. `own`: nobody but the profile's person ever claimed the token or its
    device; for a profile without person: nobody did.
    """

    identifier: Identifier
    device: Identifier | None
    channel: str
    live: bool
    own: bool


@dataclass(slots=True)
class _Portrait:
    first_seen: datetime
    last_seen: datetime
    kind: str = ""
    type: str = ""
    model: str = ""
    system: str = ""
    app: str = ""
    timezone: str | None = None

    def look(self, told: Told, at: datetime) -> None:
        """Take the newest word on everything, and leave what is not spoken of."""
        self.last_seen = at
        self.kind = device_kind(told.device_type, told.user_agent) or self.kind
        self.type = told.device_type.lower() or self.type
        self.model = told.model or self.model
        self.system = told.system or self.system
        self.app = told.app or self.app
        if told.timezone and zone(told.timezone) is not None:
            self.timezone = told.timezone


class _Place(NamedTuple):
    """Where a token belongs."""

    device: Identifier | None
    channel: str


class Devices:
    """The devices and tokens in the facts of a raw component, given in order of time.

    Other people's facts count as well: they may have claimed a device, or have put a newer token on it.
    """

    def __init__(self) -> None:
        self._portraits: dict[Identifier, _Portrait] = {}
        self._claimants: dict[Identifier, set[Identifier]] = {}
        self._places: dict[Identifier, _Place] = {}
        self._newest: dict[_Place, Identifier] = {}

    def take(self, message: Message, names: Names, told: Told) -> None:
        """Take note of one fact."""
        if names.device is not None:
            portrait = self._portraits.get(names.device)
            if portrait is None:
                portrait = self._portraits[names.device] = _Portrait(message.at, message.at)
            portrait.look(told, message.at)
            self._claim(names.device, names.persons)
        for token in names.tokens:
            self._places[token] = place = _Place(names.device, push_channel(told))
            self._newest[place] = token
            self._claim(token, names.persons)

    def _claim(self, identifier: Identifier, persons: frozenset[Identifier]) -> None:
        if persons:
            self._claimants.setdefault(identifier, set()).update(persons)

    def devices(self, members: Iterable[Identifier]) -> tuple[Device, ...]:
        """Give those of the identifiers that are devices, the one seen last first."""
        found = [self._device(i, self._portraits[i]) for i in members if i in self._portraits]
        return tuple(sorted(found, key=lambda device: device.last_seen, reverse=True))

    def tokens(self, members: Iterable[Identifier], persons: frozenset[Identifier]) -> tuple[PushToken, ...]:
        """Give those of the identifiers that are push tokens; `persons` are the profile's own."""
        return tuple(self._token(i, self._places[i], persons) for i in members if i in self._places)

    def _token(self, identifier: Identifier, place: _Place, persons: frozenset[Identifier]) -> PushToken:
        claimants = self._claimants.get(identifier, set()) | (
            set() if place.device is None else self._claimants.get(place.device, set())
        )
        return PushToken(
            identifier=identifier,
            device=place.device,
            channel=place.channel,
            live=place.device is None or self._newest[place] == identifier,
            own=claimants <= persons and bool(claimants) == bool(persons),
        )

    @staticmethod
    def _device(identifier: Identifier, seen: _Portrait) -> Device:
        return Device(
            identifier=identifier,
            kind=seen.kind,
            type=seen.type,
            model=seen.model,
            system=seen.system,
            app=seen.app,
            timezone=seen.timezone,
            first_seen=seen.first_seen,
            last_seen=seen.last_seen,
        )


def push_channel(told: Told) -> str:
    """Tell how a push token is reached: by what its SDK calls the device, else by whether a browser sent it.

    A token of which nothing is said came from an app: browsers name themselves.
    """
    kind = told.device_type.lower()
    if kind in _BROWSERS:
        return WEB_PUSH
    if kind in _APPS or told.app or not told.user_agent.startswith("Mozilla/"):
        return APP_PUSH
    return WEB_PUSH
