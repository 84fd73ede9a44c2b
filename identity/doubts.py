"""What the facts cannot tell: where a profile may hold what somebody else did, because nobody said who it was."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from identity.claims import Replayed
from identity.component import Component
from identity.identifiers import Identifier, NamespaceClass
from identity.profiles import ProfileRef
from identity.rules import LinkingRules

_DEVICES = frozenset({NamespaceClass.DEVICE, NamespaceClass.BROWSER})


class DoubtKind(StrEnum):
    """What cannot be told."""

    SHARED_DEVICE = "shared_device"
    """Several persons claimed a device; what it did while naming nobody went to one of them by the rules alone."""
    LOGIN_WITHOUT_PERSON = "login_without_person"
    """On a device that several persons claimed, somebody was named by a contact, and by no person's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """A device, what cannot be told of it, and how many of a profile's observations that concerns."""

    kind: DoubtKind
    device: Identifier
    persons: int
    observations: int


def doubts(component: Component, ref: ProfileRef) -> list[Doubt]:
    """Give what cannot be told of a profile's observations, in the order of the devices."""
    attribution = component.owners().attribution()
    claimants = _claimants(component)
    counted: dict[tuple[Identifier, DoubtKind], int] = {}
    for replayed in component.replayed:
        if attribution[replayed.observation.key] == ref:
            kind = _kind(replayed, component.rules)
            for device in _of(replayed, component.rules, _DEVICES) if kind is not None else ():
                if kind is not None and len(claimants.get(device, ())) > 1:
                    counted[device, kind] = counted.get((device, kind), 0) + 1
    return [
        Doubt(kind=kind, device=device, persons=len(claimants[device]), observations=count)
        for (device, kind), count in sorted(counted.items())
    ]


def _claimants(component: Component) -> dict[Identifier, set[Identifier]]:
    """Give the persons who named themselves on each device: of each claim the first by priority, then value."""
    found: dict[Identifier, set[Identifier]] = {}
    for replayed in component.replayed:
        persons = _of(replayed, component.rules, frozenset({NamespaceClass.PERSON}))
        for device in _of(replayed, component.rules, _DEVICES) if persons else ():
            found.setdefault(device, set()).add(min(persons, key=component.rules.rank))
    return found


def _kind(replayed: Replayed, rules: LinkingRules) -> DoubtKind | None:
    """Tell what is in doubt of an observation on a shared device; nothing if it names a person."""
    kinds = {rules.kind(i) for i in replayed.identifiers}
    if NamespaceClass.PERSON in kinds:
        return None
    return DoubtKind.LOGIN_WITHOUT_PERSON if NamespaceClass.CONTACT in kinds else DoubtKind.SHARED_DEVICE


def _of(replayed: Replayed, rules: LinkingRules, kinds: Iterable[NamespaceClass]) -> Sequence[Identifier]:
    """Give the identifiers of some classes."""
    return [i for i in replayed.identifiers if rules.kind(i) in kinds]
