"""Whom and what one fact names, seen from one profile."""

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from identity.identifiers import Identifier, NamespaceClass
from identity.observations import Observation
from identity.profiles import Profile, ProfileId
from identity.rules import LinkingRules
from service.events.messages import Message

PUSH_TOKEN = "push_token"  # noqa: S105 - a namespace
NOT_A_DEVICE = frozenset({PUSH_TOKEN, "idfa", "gaid"})
"""Namespaces of the device class that name something on a device, and change while it stays the same."""

_DEVICES = frozenset({NamespaceClass.DEVICE, NamespaceClass.BROWSER})
_CLAIMS = frozenset({NamespaceClass.PERSON, NamespaceClass.CONTACT})


class Fact(Protocol):
    """A message, what it observes under the rules, and the profile it belongs to (`filed.SeenFact`)."""

    @property
    def message(self) -> Message:
        """The message."""
        ...

    @property
    def observation(self) -> Observation:
        """Its identifiers, normalised."""
        ...

    @property
    def owner(self) -> ProfileId | None:
        """Whose it is; None: nobody's."""
        ...


class Names(NamedTuple):
    """The identifiers of a fact: those the profile holds, the persons, the device or browser, the push tokens.

    `own`: one of the persons is the profile's. `claim`: there is a person or a contact, so that it says whose it is.
    `device` None: the fact names none.
    """

    held: tuple[Identifier, ...]
    persons: frozenset[Identifier]
    own: bool
    claim: bool
    device: Identifier | None
    tokens: tuple[Identifier, ...]


class Reader:
    """Reads facts for one profile; facts that name the same are read once."""

    def __init__(self, profile: Profile, rules: LinkingRules) -> None:
        self._members = frozenset(profile.identifiers)
        self._rules = rules
        self._read: dict[tuple[Identifier, ...], Names] = {}

    def names(self, fact: Fact) -> Names:
        """Tell whom and what a fact names."""
        identifiers = fact.observation.identifiers
        known = self._read.get(identifiers)
        if known is None:
            known = self._read[identifiers] = self._names(identifiers)
        return known

    def _names(self, identifiers: Iterable[Identifier]) -> Names:
        held = tuple(i for i in identifiers if i in self._members)
        persons = frozenset(i for i in identifiers if self._rules.kind(i) is NamespaceClass.PERSON)
        return Names(
            held=held,
            persons=persons,
            own=any(i in self._members for i in persons),
            claim=any(self._rules.kind(i) in _CLAIMS for i in identifiers),
            device=device_of(identifiers, self._rules),
            tokens=tuple(i for i in identifiers if i.namespace == PUSH_TOKEN),
        )


def device_of(identifiers: Iterable[Identifier], rules: LinkingRules) -> Identifier | None:
    """Give the device that some identifiers seen together are of, else the browser; the first by rank of several."""
    devices = (i for i in identifiers if rules.kind(i) in _DEVICES and i.namespace not in NOT_A_DEVICE)
    return min(devices, key=rules.rank, default=None)
