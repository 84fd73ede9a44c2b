"""What an erasure covers: the profiles of the identifiers given, as they are at that moment (DESIGN 4, "Erasure")."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from identity.component import Component
from identity.erasures import Tombstone, tombstone
from identity.hubs import Hubs
from identity.identifiers import Identifier, NamespaceClass
from identity.observations import Observation
from identity.profiles import ProfileRef
from identity.rules import LinkingRules

_BURIED = frozenset({NamespaceClass.PERSON, NamespaceClass.CONTACT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """What goes when some identifiers are erased.

    `profiles` are those that held them, with all their `identifiers`, given ones never seen included; `buried` are the
    person and contact ones among these, and `tombstones` their keyed hashes. `observations` are to be destroyed: those
    that name what is buried, those of the profiles, and those of their devices that are nobody's. Hubs given are
    nobody's name and stay.
    """

    profiles: tuple[ProfileRef, ...]
    identifiers: frozenset[Identifier]
    buried: frozenset[Identifier]
    tombstones: frozenset[Tombstone]
    observations: tuple[Observation, ...]


def covered(
    given: Iterable[Identifier], found: Sequence[Component], hubs: Hubs, rules: LinkingRules, key: bytes
) -> Covered:
    """Tell what an erasure of these identifiers covers; `found` are the components that hold them, `hubs` theirs."""
    named = frozenset(given) - hubs.shared
    refs = {c: {c.replay.ref(i) for i in named & c.known} for c in found}
    members = named.union(*(c.replay.cluster(ref.founder).members for c in found for ref in refs[c]))
    buried = frozenset(i for i in members if rules.kind(i) in _BURIED)
    gone = [o for c in found for o in _observations(c, refs[c], members, buried)]
    return Covered(
        profiles=tuple(sorted(set().union(*refs.values()))),
        identifiers=members,
        buried=buried,
        tombstones=frozenset(tombstone(i, key) for i in buried),
        observations=tuple(sorted({o.key: o for o in gone}.values(), key=lambda o: o.key)),
    )


def _observations(
    component: Component, refs: set[ProfileRef], members: frozenset[Identifier], buried: frozenset[Identifier]
) -> Iterable[Observation]:
    """Give the observations of one component that go."""
    attribution = component.owners().attribution()
    for observation in component.observations():
        owner = attribution.get(observation.key)
        nobodys = owner is None and members.issuperset(observation.identifiers)
        if owner in refs or nobodys or not buried.isdisjoint(observation.identifiers):
            yield observation
