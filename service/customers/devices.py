"""A profile's devices and browsers, and the push tokens on them: of one device only the newest token is live.

None that a public key brings replaces one that a server vouched for.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from channel_selector.eligibility.endpoints import APP_PUSH, WEB_PUSH
from identity.identifiers import Identifier
from identity.observations import Trust
from identity.profiles import Profile, ProfileId
from service.customers.event_context import Told, zone
from service.customers.names import Fact, Names
from service.events.devices import device_kind

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

    `live`: the newest of its device and channel. `own`: the profile's person claimed the token or its device by name,
    and nobody else ever did (for a profile without person: nobody else did).
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

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._portraits: dict[Identifier, _Portrait] = {}
        self._claimants: dict[Identifier, set[ProfileId | None]] = {}
        self._claimed_by_name: set[Identifier] = set()
        self._places: dict[Identifier, _Place] = {}
        self._newest: dict[_Place, tuple[Trust, Identifier]] = {}
        self._trusts: dict[Identifier, Trust] = {}
        self._devices: tuple[Device, ...] | None = None
        self._tokens: tuple[PushToken, ...] | None = None

    def take(self, fact: Fact, names: Names, told: Told) -> None:
        """Take note of one fact."""
        at = fact.message.at
        if names.device is not None or names.tokens:
            self._devices = self._tokens = None
        if names.device is not None:
            portrait = self._portraits.get(names.device)
            if portrait is None:
                portrait = self._portraits[names.device] = _Portrait(at, at)
            portrait.look(told, at)
            self._claim(names.device, fact, names)
        for token in names.tokens:
            self._place(token, names.device, push_channel(told), fact.message.trust)
            self._claim(token, fact, names)

    def _place(self, token: Identifier, device: Identifier | None, channel: str | None, trust: Trust) -> None:
        """Put a token where it was seen; what was said at a lower trust moves and replaces none of a higher one."""
        if trust < self._trusts.get(token, trust):
            return
        self._trusts[token] = trust
        self._places[token] = place = _placed(self._places.get(token), device, channel)
        standing = self._newest.get(place)
        if standing is None or trust >= standing[0]:
            self._newest[place] = (trust, token)

    def _claim(self, identifier: Identifier, fact: Fact, names: Names) -> None:
        if names.claim:
            self._claimants.setdefault(identifier, set()).add(fact.owner)
        if names.own:
            self._claimed_by_name.add(identifier)

    def devices(self) -> tuple[Device, ...]:
        """Give the devices that the profile holds, the one seen last first."""
        if self._devices is None:
            found = [self._device(i, self._portraits[i]) for i in self._profile.identifiers if i in self._portraits]
            self._devices = tuple(sorted(found, key=lambda device: device.last_seen, reverse=True))
        return self._devices

    def tokens(self) -> tuple[PushToken, ...]:
        """Give the push tokens that the profile holds."""
        if self._tokens is None:
            held = self._profile.identifiers
            self._tokens = tuple(self._token(i, self._places[i]) for i in held if i in self._places)
        return self._tokens

    def _token(self, identifier: Identifier, place: _Place) -> PushToken:
        return PushToken(
            identifier=identifier,
            device=place.device,
            channel=place.channel,
            live=place.device is None or self._newest[place][1] == identifier,
            own=self._own({identifier} if place.device is None else {identifier, place.device}),
        )

    def _own(self, identifiers: set[Identifier]) -> bool:
        """Tell whether the profile's person, and nobody else, ever claimed any of these."""
        claimants = {one for i in identifiers for one in self._claimants.get(i, ())}
        named = not self._profile.is_person or not identifiers.isdisjoint(self._claimed_by_name)
        return named and claimants <= {self._profile.profile_id}

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


def push_channel(told: Told) -> str | None:
    """Tell how a push token is reached: by what its SDK calls the device, else by whether a browser sent it."""
    kind = told.device_type.lower()
    if kind in _BROWSERS:
        return WEB_PUSH
    if kind in _APPS or told.app:
        return APP_PUSH
    if not told.user_agent:
        return None
    return WEB_PUSH if told.user_agent.startswith("Mozilla/") else APP_PUSH


def _placed(before: _Place | None, device: Identifier | None, channel: str | None) -> _Place:
    """Place a token; what is not said this time stays as it was. Of one never described, apps send the most."""
    if before is None:
        return _Place(device, APP_PUSH if channel is None else channel)
    return _Place(before.device if device is None else device, before.channel if channel is None else channel)
