"""The canonical replay: observations, taken in the order of their keys, make and unmake profiles (DESIGN 4.4).

After every step each profile is within its limits, and what it is depends on the observations alone, for their order
is their own. A step costs the pairs of its observation. Where joining would break a limit, the links of the profiles it
touches are put in order and added anew (`rebuilding`), if what comes off cannot be told by less (`shortcuts`).
"""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from itertools import combinations
from typing import NamedTuple

from identity.identifiers import Identifier
from identity.observations import Observation
from identity.replaying.clusters import Cluster
from identity.replaying.fitting import fits
from identity.replaying.rebuilding import rebuild
from identity.replaying.shortcuts import shorten
from identity.replaying.state import State, Touched


class Sighting(NamedTuple):
    """A part of an observation that is still seen together once hubs are out; `main`: it is attributed by this part."""

    observation: Observation
    identifiers: tuple[Identifier, ...]
    main: bool


class Replay(State):
    """The state after some sightings; `step` takes the next one, in the order of keys."""

    def step(self, sighting: Sighting) -> set[Identifier]:
        """Take the next sighting; give the identifiers whose profile is another than before."""
        observation, identifiers = sighting.observation, sighting.identifiers
        if not identifiers:
            return set()
        expired = self.expired(identifiers, observation.at)
        old = [self.held(cluster) for cluster in self._reached(identifiers)]
        fresh = self.see(identifiers, observation.at)
        pairs = list(combinations(sorted(identifiers), 2))
        return self._settle(Touched(old, fresh, pairs, observation), expired)

    def commutes(self, sighting: Sighting) -> bool:
        """Tell whether a sighting may be taken late: its profile has had these members ever since it happened.

        Then it is one of the profile's inner sightings, which leave its members alone and whose trusts and ages come
        out alike in any order.
        """
        observation, identifiers = sighting.observation, sighting.identifiers
        cluster = self.find(identifiers[0])
        if cluster is None or observation.key <= cluster.since:
            return False
        return all(self.find(i) is cluster for i in identifiers) and not self.expired(identifiers, observation.at)

    def _reached(self, identifiers: Sequence[Identifier]) -> list[Cluster]:
        """Give the profiles of these identifiers and of those that must be with them, each once."""
        reached: Iterable[Identifier] = identifiers
        verdicts = self.terms.verdicts
        if verdicts.groups:
            reached = [partner for i in identifiers for partner in verdicts.group(i)]
        found = {id(c): c for i in reached if (c := self.find(i)) is not None}
        return list(found.values())

    def _settle(self, touched: Touched, expired: AbstractSet[Identifier]) -> set[Identifier]:
        """Take what is touched by the shortest way; give who moved."""
        if expired:
            return rebuild(self, touched, expired)
        groups = self.terms.verdicts.groups
        judged = any(i in groups for i in touched.fresh)
        if not judged and fits(self.terms, touched.old, touched.fresh):
            return self._join(touched)
        moved = shorten(self, touched)
        return rebuild(self, touched, expired) if moved is None else moved

    def _join(self, touched: Touched) -> set[Identifier]:
        """Make one profile of all that is touched."""
        old, fresh = touched.old, touched.fresh
        if len(old) + len(fresh) == 1:
            self.unite(touched)
            return set(fresh)
        before = self.before(old)
        return self.moved(before, [self.unite(touched)])
