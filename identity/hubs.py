"""Identifiers that too many persons share: they link nothing (DESIGN 4.3).

A hub is decided by all known facts, never by their order. Server and verified sightings alone make one *shared*; where
only all sightings together exceed the limit it is *flooded*: its asserted sightings are set aside. A flood from public
keys leaves what servers and signed tokens saw as it was; links and claims that asserted sightings alone had made are
lost with it.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from identity.identifiers import Identifier, NamespaceClass
from identity.observations import Observation, Trust
from identity.rules import LinkingRules


@dataclass(frozen=True, slots=True, kw_only=True)
class Hubs:
    """The hubs of some facts; no identifier is in both."""

    shared: frozenset[Identifier] = frozenset()
    flooded: frozenset[Identifier] = frozenset()

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.shared or self.flooded)

    def joined(self, other: "Hubs") -> "Hubs":
        """Give the hubs of both; shared in either is shared."""
        shared = self.shared | other.shared
        return Hubs(shared=shared, flooded=(self.flooded | other.flooded) - shared)

    def without(self, other: "Hubs") -> "Hubs":
        """Give those not known as such to another."""
        return Hubs(shared=self.shared - other.shared, flooded=self.flooded - other.flooded - other.shared)


NO_HUBS = Hubs()


class PersonTally:
    """Counts, for each contact, device and browser identifier, the distinct persons it was seen with."""

    def __init__(self, rules: LinkingRules) -> None:
        self._rules = rules
        self._limit = rules.hub_limit
        self._trusted: defaultdict[Identifier, set[Identifier]] = defaultdict(set)
        self._all: defaultdict[Identifier, set[Identifier]] = defaultdict(set)

    def add(self, observation: Observation, among: Iterable[Identifier] | None = None) -> None:
        """Count one observation, for all of its identifiers or for some."""
        if self._limit is None:
            return
        kind = self._rules.kind
        persons = [i for i in observation.identifiers if kind(i) is NamespaceClass.PERSON]
        if not persons:
            return
        for identifier in observation.identifiers if among is None else among:
            if kind(identifier) is not NamespaceClass.PERSON:
                self._all[identifier].update(persons)
                if observation.trust >= Trust.SERVER:
                    self._trusted[identifier].update(persons)

    def merge(self, other: "PersonTally") -> None:
        """Take over another tally's counts."""
        for mine, theirs in ((self._trusted, other._trusted), (self._all, other._all)):
            for identifier, persons in theirs.items():
                mine[identifier] |= persons

    def hubs(self, among: Iterable[Identifier] | None = None) -> Hubs:
        """Give those beyond the limit, of all identifiers or of some."""
        if self._limit is None:
            return NO_HUBS
        candidates = self._all if among is None else [i for i in among if i in self._all]
        over = [i for i in candidates if len(self._all[i]) > self._limit]
        shared = frozenset(i for i in over if len(self._trusted.get(i, ())) > self._limit)
        return Hubs(shared=shared, flooded=frozenset(over) - shared)

    def persons(self, identifier: Identifier) -> frozenset[Identifier]:
        """Give the persons an identifier was seen with."""
        return frozenset(self._all.get(identifier, ()))


class Parts(NamedTuple):
    """What of an observation is still seen together, and what was seen but says nothing of the others, sorted."""

    together: tuple[Identifier, ...]
    alone: tuple[Identifier, ...]


def parts(observation: Observation, hubs: Hubs, among: tuple[Identifier, ...] | None = None) -> Parts:
    """Divide an observation, or some of its identifiers, at hubs.

    Shared ones are left out. The flooded ones of an asserted observation stand alone, unless it names nothing else.
    The observation belongs to whom `together` tells; it may be empty (nobody's). What becomes of an identifier does
    not depend on the others, so that each raw component can divide for itself.
    """
    identifiers = observation.identifiers if among is None else among
    if hubs.shared:
        identifiers = tuple(i for i in identifiers if i not in hubs.shared)
    if not hubs.flooded or observation.trust >= Trust.SERVER or len(observation.identifiers) == 1:
        return Parts(identifiers, ())
    together = tuple(i for i in identifiers if i not in hubs.flooded)
    return Parts(together, tuple(sorted(i for i in identifiers if i in hubs.flooded)))
