"""The shop's people, all invented, with their devices, consents and habits."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from service.sample_shop import rates
from service.sample_shop.weeks import ZONES

MOST_PEOPLE = 99_999
"""As many as the block of made-up numbers holds beside Wonjun."""

GIVEN_NAMES = (
    "haneul",
    "bada",
    "byeol",
    "dalnim",
    "garam",
    "iseul",
    "maru",
    "nuri",
    "onsae",
    "sora",
    "taeyang",
    "yeoul",
)
FAMILY_NAMES = ("alder", "birch", "cedar", "elm", "hazel", "juniper", "larch", "maple", "rowan", "willow")

DAYPARTS = ("morning", "afternoon", "evening")
DAYPART_SHARES = (0.25, 0.30, 0.45)
KINDS = ("phone", "tablet", "desktop")
KIND_SHARES = (0.60, 0.15, 0.25)
ZONE_SHARES = (0.88, 0.05, 0.03, 0.02, 0.02)
"""How habits and homes are spread: no source."""

HAS_APP, HAS_TABLET, HAS_DESKTOP, ANDROID = 0.60, 0.30, 0.55, 0.70
SHARES_TABLET = 0.10
HAS_EMAIL, HAS_PHONE, HAS_KAKAO = 0.95, 0.80, 0.70
"""What people own and give the shop: no source."""

_CHROME = "Mozilla/5.0 ({}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 {}Safari/537.36"
_APPLE = "Mozilla/5.0 ({}) AppleWebKit/605.1.15 (KHTML, like Gecko) {}"
USER_AGENTS = {
    ("phone", "android"): _CHROME.format("Linux; Android 15; SM-S931N; wv", "Mobile "),
    ("phone", "ios"): _APPLE.format("iPhone; CPU iPhone OS 18_5 like Mac OS X", "Mobile/15E148"),
    ("phone", "web"): _CHROME.format("Linux; Android 10; K", "Mobile "),
    ("tablet", "android"): _CHROME.format("Linux; Android 14; SM-X700; wv", ""),
    ("tablet", "ios"): _APPLE.format("iPad; CPU OS 18_5 like Mac OS X", "Mobile/15E148"),
    ("tablet", "web"): _CHROME.format("Linux; Android 14; SM-X700", ""),
    ("desktop", "web"): _CHROME.format("Windows NT 10.0; Win64; x64", ""),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device as its SDK tells of it: an app (`system` ios or android) or a browser (web).

    Browsers have a device_id only where they take pushes. `token` None: takes none.
    """

    anonymous_id: str = field(repr=False)
    device_id: str | None = field(repr=False)
    kind: str
    system: str
    token: str | None = field(repr=False)
    ip: str = field(repr=False)
    shared: bool = False

    @property
    def user_agent(self) -> str:
        """What its browser, or its app's web view, calls itself."""
        return USER_AGENTS[self.kind, self.system]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who shops; `user_id` None: never logs in. `consents` are channels."""

    user_id: str | None = field(repr=False)
    email: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)
    kakao_id: str | None = field(default=None, repr=False)
    zone: int = 0
    devices: tuple[Device, ...] = ()
    consents: frozenset[str] = frozenset()
    daypart: str = "evening"
    kind: str = "phone"
    keenness: float = 1.0

    @property
    def timezone(self) -> str:
        """The name of the zone the person lives in."""
        return ZONES[self.zone]

    @property
    def favourite(self) -> Device:
        """The device the person likes best: of the favoured kind, else the first."""
        return next((device for device in self.devices if device.kind == self.kind), self.devices[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An endpoint of a person: where the former policy could send."""

    channel: str
    namespace: str
    value: str = field(repr=False)
    device: Device | None = None


def addresses(person: Person) -> tuple[Address, ...]:
    """List where a person agreed to be reached, pushes first; a tablet that several people use is nobody's address."""
    pushes = (
        Address(channel=push_channel(device), namespace="push_token", value=device.token, device=device)
        for device in person.devices
        if device.token is not None and not device.shared
    )
    contacts = (
        Address(channel=channel, namespace=namespace, value=value)
        for channel, namespace, value in (
            ("email", "email", person.email),
            ("sms", "phone", person.phone),
            ("messenger", "kakao_id", person.kakao_id),
        )
        if value is not None
    )
    return tuple(address for address in (*pushes, *contacts) if address.channel in person.consents)


def push_channel(device: Device) -> str:
    """Name the channel that pushes to a device go by."""
    return "web_push" if device.system == "web" else "app_push"


Chances = Iterator[float]
"""Numbers between 0 and 1 drawn for one person; each question asked takes the next."""


def population(rng: np.random.Generator, count: int) -> list[Person]:
    """Invent `count` people; some neighbours share a tablet."""
    if not 0 <= count <= MOST_PEOPLE:
        raise ValueError(f"people: {count} is not allowed; use 0 to {MOST_PEOPLE}")
    chances = rng.random((count, 20)).tolist()
    habits = zip(
        rng.choice(len(ZONES), count, p=ZONE_SHARES).tolist(),
        rng.choice(DAYPARTS, count, p=DAYPART_SHARES).tolist(),
        rng.choice(KINDS, count, p=KIND_SHARES).tolist(),
        rng.gamma(rates.KEENNESS_SHAPE, 1 / rates.KEENNESS_SHAPE, count).tolist(),
        strict=True,
    )
    found: list[Person] = []
    for number, (zone, daypart, kind, keenness) in enumerate(habits):
        chance = iter(chances[number])
        person = replace(_person(number, chance), zone=zone, daypart=daypart, kind=kind, keenness=keenness)
        found.append(person)
        if number % 2 and next(chance) < 2 * SHARES_TABLET:
            found[-2:] = _family(found[-2], person)
    return found


def _person(number: int, chance: Chances) -> Person:
    devices = _devices(number, chance)
    asked = {channel for channel, share in rates.CONSENT.items() if next(chance) < share}
    pushes = {push_channel(device) for device in devices if device.token is not None}
    if next(chance) >= rates.MEMBERS:
        return Person(user_id=None, devices=devices)
    name = f"{GIVEN_NAMES[number % len(GIVEN_NAMES)]}.{FAMILY_NAMES[number // 12 % len(FAMILY_NAMES)]}"
    return Person(
        user_id=f"u-{number:06d}",
        email=f"{name}.{number}@example.com" if next(chance) < HAS_EMAIL else None,
        phone=f"+8210555{number:05d}" if next(chance) < HAS_PHONE else None,
        kakao_id=f"kakao-{number:06d}" if next(chance) < HAS_KAKAO else None,
        devices=devices,
        consents=frozenset(asked | pushes),
    )


def _devices(number: int, chance: Chances) -> tuple[Device, ...]:
    app = "android" if next(chance) < ANDROID else "ios"
    devices = [_device(number, "phone", app if next(chance) < HAS_APP else "web", next(chance))]
    if next(chance) < HAS_TABLET:
        devices.append(_device(number, "tablet", "web" if next(chance) < HAS_APP else app, next(chance)))
    if next(chance) < HAS_DESKTOP:
        devices.append(_device(number, "desktop", "web", next(chance)))
    return tuple(devices)


def _device(number: int, kind: str, system: str, opting: float) -> Device:
    takes_pushes = opting < rates.PUSH_OPT_IN[system]
    name = f"{kind}-{number:06d}"
    return Device(
        anonymous_id=f"{system}-{name}",
        device_id=name if takes_pushes or system != "web" else None,
        kind=kind,
        system=system,
        token=f"token-{system}-{name}" if takes_pushes else None,
        ip=home_ip(number),
    )


def home_ip(number: int) -> str:
    """Give a household's address, from the block kept for documentation (RFC 3849)."""
    return f"2001:db8:{number >> 16:x}:{number & 0xFFFF:x}::1"


def _family(one: Person, other: Person) -> tuple[Person, Person]:
    """Let two neighbours use one tablet's browser."""
    tablet = Device(
        anonymous_id=f"family-{one.devices[0].anonymous_id}",
        device_id=None,
        kind="tablet",
        system="web",
        token=None,
        ip=one.devices[0].ip,
        shared=True,
    )
    return _with_tablet(one, tablet), _with_tablet(other, tablet)


def _with_tablet(person: Person, tablet: Device) -> Person:
    own = tuple(device for device in person.devices if device.kind != "tablet")
    return replace(person, devices=(*own, tablet))
