"""How identifiers are linked: the rules that R (`resolve`) is a function of.

`LinkingRules` is frozen. It is read from TOML or a written case by `loaded_rules.load_rules`; the presets set the
policies to each system's published ways (DESIGN 4.9).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType

from identity.errors import RulesError
from identity.identifiers import Identifier, Namespace, NamespaceClass


class Conflict(StrEnum):
    """Which link wins a limit at equal trust: the newest, or the one that was there first."""

    NEWEST = "newest"
    FIRST = "first"


class DeviceOwner(StrEnum):
    """To whom a device's events belong that name nobody."""

    INTERVAL = "interval"
    NEWEST_LOGIN = "newest_login"
    FIRST_LOGIN = "first_login"
    NOBODY = "nobody"


class AfterLogout(StrEnum):
    """Whose a device's events are after a login, once they name nobody."""

    OWNER = "owner"
    ANONYMOUS = "anonymous"


class Founder(StrEnum):
    """Which identifier a profile's id is founded on: its earliest person, or its earliest of any class."""

    PERSON = "person"
    ANY = "any"


class AssertedEndpoints(StrEnum):
    """Whether an address that only public keys have vouched for can be sent to."""

    DENY = "deny"
    OWN_DEVICE = "own_device"


class Survivorship(StrEnum):
    """Which of several words on one trait counts."""

    NEWEST = "newest"
    OLDEST = "oldest"
    MOST_TRUSTED = "most_trusted"
    MOST_FREQUENT = "most_frequent"


@dataclass(frozen=True, slots=True, kw_only=True)
class TraitRules:
    """Which word on a trait counts: by trait, and for all others."""

    otherwise: Survivorship = Survivorship.MOST_TRUSTED
    by_trait: Mapping[str, Survivorship] = field(default_factory=dict)

    def policy(self, trait: str) -> Survivorship:
        """Give a trait's policy."""
        return self.by_trait.get(trait, self.otherwise)


def _namespaces(*rows: tuple[str, NamespaceClass, int, int | None]) -> Mapping[str, Namespace]:
    """Index namespaces by name."""
    return MappingProxyType({n: Namespace(name=n, kind=k, priority=p, limit=limit) for n, k, p, limit in rows})


DEFAULT_NAMESPACES = _namespaces(
    ("user_id", NamespaceClass.PERSON, 1, 1),
    ("email", NamespaceClass.CONTACT, 2, None),
    ("email_sha256", NamespaceClass.CONTACT, 2, None),
    ("phone", NamespaceClass.CONTACT, 2, None),
    ("device_id", NamespaceClass.DEVICE, 3, None),
    ("push_token", NamespaceClass.DEVICE, 3, None),
    ("idfa", NamespaceClass.DEVICE, 3, None),
    ("gaid", NamespaceClass.DEVICE, 3, None),
    ("anonymous_id", NamespaceClass.BROWSER, 4, None),
    ("ip", NamespaceClass.EVIDENCE, 9, None),
)
MOST_IN_A_PROFILE = 100_000
MOST_IN_AN_OBSERVATION = 100
"""Bounds of what rules may ask for: an observation of n identifiers has n(n - 1)/2 links."""

UNNAMED_PRIORITY = 5
"""A namespace no rule names is a contact of this priority without limit (DESIGN 4.2)."""


@lru_cache(maxsize=4_096)
def _unnamed(name: str) -> Namespace:
    """Give a namespace that no rule names; kept, because a replay asks for it once for every link."""
    return Namespace(name=name, kind=NamespaceClass.CONTACT, priority=UNNAMED_PRIORITY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Junk:
    """Values that are nobody's name, beside the built-in ones: exact (case-insensitive) and by pattern, a namespace."""

    values: Mapping[str, frozenset[str]] = field(default_factory=dict)
    patterns: Mapping[str, tuple[re.Pattern[str], ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkingRules:
    """Priorities, limits and policies of identity resolution.

    `hub_limit`: a contact, device or browser seen with more distinct persons than this links nothing (None: off).
    `profile_cap`: identifiers one profile may hold. `identifiers_per_observation`: how many of one event count.
    `default_region` reads phone numbers without country code (None: they are rejected). `fold_email_aliases` drops
    `+tag` and Gmail's dots.
    """

    namespaces: Mapping[str, Namespace] = field(default_factory=lambda: DEFAULT_NAMESPACES)
    hub_limit: int | None = 20
    profile_cap: int = 1_000
    identifiers_per_observation: int = 20
    conflict: Conflict = Conflict.NEWEST
    asserted_contacts: Conflict = Conflict.FIRST
    device_owner: DeviceOwner = DeviceOwner.INTERVAL
    after_logout: AfterLogout = AfterLogout.OWNER
    founder: Founder = Founder.PERSON
    asserted_endpoints: AssertedEndpoints = AssertedEndpoints.OWN_DEVICE
    default_region: str | None = None
    fold_email_aliases: bool = False
    junk: Junk = field(default_factory=Junk)
    traits: TraitRules = field(default_factory=TraitRules)

    def namespace(self, name: str) -> Namespace:
        """Give the namespace of that name; one that no rule names is a contact of the lowest priority."""
        known = self.namespaces.get(name)
        return _unnamed(name) if known is None else known

    def kind(self, identifier: Identifier) -> NamespaceClass:
        """Give the class of an identifier."""
        return self.namespace(identifier.namespace).kind

    def rank(self, identifier: Identifier) -> tuple[int, str, str]:
        """Order an observation's identifiers: by priority, then value (then namespace, of equal values)."""
        return (self.namespace(identifier.namespace).priority, identifier.value, identifier.namespace)

    @classmethod
    def preset(cls, name: str = "default") -> "LinkingRules":
        """Give a preset's rules; RulesError names those there are."""
        try:
            return PRESETS[name]
        except KeyError:
            raise RulesError("preset", name, ", ".join(PRESETS)) from None


_VENDOR = LinkingRules(hub_limit=None, asserted_contacts=Conflict.NEWEST)

PRESETS: Mapping[str, LinkingRules] = MappingProxyType(
    {
        "default": LinkingRules(),
        "segment": replace(_VENDOR, conflict=Conflict.FIRST),
        "posthog": replace(_VENDOR, conflict=Conflict.FIRST),
        "snowplow": replace(_VENDOR, founder=Founder.ANY, device_owner=DeviceOwner.NOBODY),
        "adobe": replace(_VENDOR, device_owner=DeviceOwner.NEWEST_LOGIN),
        "mparticle": replace(_VENDOR, device_owner=DeviceOwner.NEWEST_LOGIN, after_logout=AfterLogout.ANONYMOUS),
    }
)
