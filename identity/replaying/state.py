"""Who is with whom at one point of the replay, and under which id: profiles in the making, their founders, refusals."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Self

from identity.erasures import NO_GRAVES, Graves
from identity.identifiers import Identifier
from identity.judgements import Pair, Verdicts
from identity.observations import Observation, ReplayKey
from identity.profiles import ProfileRef
from identity.replaying.clusters import Cluster
from identity.replaying.forest import RefusalReason, Terms
from identity.replaying.founding import Rank, ranks
from identity.replaying.ranking import Ranking, seen_again
from identity.rules import LinkingRules

Moved = dict[Identifier, ProfileRef | None]
"""Identifiers whose profile is another than before, and which it is now (None: in none, a hub or erased)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A link not made: its ends, the reason, and the id of the observation at which it was last refused."""

    left: Identifier
    right: Identifier
    reason: RefusalReason
    by: str


class Touched(NamedTuple):
    """What a sighting touches: old clusters, none of them shared with a copy, fresh identifiers, and its own pairs."""

    old: Sequence[Cluster]
    fresh: Sequence[Identifier]
    pairs: Sequence[Pair]
    observation: Observation


class Before(NamedTuple):
    """What a cluster was before a step."""

    ref: ProfileRef
    founder: Identifier
    members: frozenset[Identifier]


class State:
    """The profiles after some sightings, and how they are changed by the next; what changes them is elsewhere."""

    def __init__(self, rules: LinkingRules, verdicts: Verdicts, graves: Graves = NO_GRAVES) -> None:
        self.terms = Terms(rules, verdicts)
        self.ranking = Ranking(rules)
        self.refused: dict[Pair, Refused] = {}
        self.redirects: dict[ProfileRef, ProfileRef] = {}
        self._graves = graves
        self._ranks: dict[Identifier, tuple[Rank, Rank]] = {}
        self._first_seen: dict[Identifier, datetime] = {}
        self._last_seen: dict[Identifier, datetime] = {}
        self._clusters: dict[Identifier, Cluster] = {}
        self._generations: dict[Identifier, int] = {}
        self._holder = object()

    # --- what is known ---

    def ref(self, identifier: Identifier) -> ProfileRef:
        """Give the profile that holds an identifier seen."""
        return self._ref(self._clusters[identifier])

    def person(self, identifier: Identifier) -> Identifier | None:
        """Give the person whose profile holds an identifier seen."""
        person = self._clusters[identifier].person
        return None if person is None else person[1]

    def given_up(self, founder: Identifier) -> Iterator[ProfileRef]:
        """Give the refs that a founder gave up, each of which redirects."""
        refs = (ProfileRef(founder, generation) for generation in range(self._generations.get(founder, 0)))
        return (ref for ref in refs if ref in self.redirects)

    def profiles(self) -> Iterator[tuple[ProfileRef, Cluster]]:
        """Give each profile once."""
        distinct = {id(cluster): cluster for cluster in self._clusters.values()}
        return ((self._ref(cluster), cluster) for cluster in distinct.values())

    def cluster(self, identifier: Identifier) -> Cluster:
        """Give the members of the profile that holds an identifier seen."""
        return self._clusters[identifier]

    def find(self, identifier: Identifier) -> Cluster | None:
        """Give the members of the profile that holds an identifier; None if it was not seen."""
        return self._clusters.get(identifier)

    def identifiers(self) -> Iterable[Identifier]:
        """Give all identifiers seen."""
        return self._clusters.keys()

    def first_seen(self, identifier: Identifier) -> datetime:
        """Tell when an identifier was first seen."""
        return self._first_seen[identifier]

    def last_seen(self, identifier: Identifier) -> datetime:
        """Tell when an identifier was last seen."""
        return self._last_seen[identifier]

    def expired(self, identifiers: Iterable[Identifier], now: datetime) -> set[Identifier]:
        """Give those unseen for longer than their namespace's ttl."""
        expired = set()
        for identifier in identifiers:
            ttl = self.terms.rules.namespace(identifier.namespace).ttl
            if ttl is not None and identifier in self._last_seen and now - self._last_seen[identifier] > ttl:
                expired.add(identifier)
        return expired

    def differs(self, before: "State") -> Moved:
        """Give the identifiers whose profile another state, maybe one that this is a copy of, has otherwise or not."""
        moved: Moved = dict.fromkeys(before._clusters.keys() - self._clusters.keys())
        # A cluster that both hold has changed in neither since the one was copied.
        kept = {id(cluster) for cluster in before._clusters.values()}
        changed = {id(cluster): cluster for cluster in self._clusters.values() if id(cluster) not in kept}
        for ref, cluster in ((self._ref(cluster), cluster) for cluster in changed.values()):
            others = {i: before._clusters.get(i) for i in cluster.members}
            same = {id(c) for c in set(others.values()) if c is not None and before._ref(c) == ref}
            moved.update((i, ref) for i, other in others.items() if id(other) not in same)
        return moved

    # --- other states ---

    def copy(self) -> Self:
        """Give the same state, of its own; clusters are shared until either changes them. O(identifiers + refusals)."""
        other = type(self)(self.terms.rules, self.terms.verdicts, self._graves)
        other.ranking = self.ranking  # what it says depends on its rules alone
        other.absorb(self)
        self._holder = object()
        return other

    def absorb(self, other: "State") -> None:
        """Take over a state that shares no identifier and no must-link with this one."""
        self._ranks |= other._ranks
        self._first_seen |= other._first_seen
        self._last_seen |= other._last_seen
        self._clusters |= other._clusters
        self._generations |= other._generations
        self.refused |= other.refused
        self.redirects |= other.redirects

    def adopt(self, verdicts: Verdicts, graves: Graves) -> None:
        """Go on under judgements and erasures that concern nothing seen so far."""
        self._graves = graves
        self.terms = Terms(self.terms.rules, verdicts)

    # --- identifiers and clusters come and change ---

    def see(self, identifiers: Iterable[Identifier], at: datetime) -> list[Identifier]:
        """Note a sighting of identifiers; give those never seen before."""
        fresh = [i for i in identifiers if i not in self._clusters]
        for identifier in fresh:
            self._appear(identifier, at)
        for identifier in identifiers:
            self._last_seen[identifier] = max(self._last_seen.get(identifier, at), at)
        return fresh

    def held(self, cluster: Cluster) -> Cluster:
        """Give a cluster that no copy of this state shares, and so may be changed."""
        if cluster.holder is self._holder:
            return cluster
        held = cluster.copy(self._holder)
        self.place([held])
        return held

    def place(self, clusters: Iterable[Cluster]) -> None:
        """Let clusters be those of their members."""
        for cluster in clusters:
            self._clusters.update(dict.fromkeys(cluster.members, cluster))

    def make(self, members: Collection[Identifier], since: ReplayKey) -> Cluster:
        """Make a cluster of identifiers seen, as yet without links or a place; must-linked ones count as one."""
        counts, size = self.terms.counted(members)
        return Cluster(
            members=set(members),
            links={},
            counts=counts,
            size=size,
            founder=self._founder(members),
            person=self._person(members),
            since=since,
            holder=self._holder,
        )

    def unite(self, touched: Touched) -> Cluster:
        """Let the biggest of all that is touched take in the others, and see the pairs."""
        old, fresh, pairs, observation = touched
        atoms = [self.make((i,), observation.key) for i in fresh]
        into = max(old, key=lambda c: len(c.members), default=None) or atoms[0]
        for other in (c for c in (*old, *atoms) if c is not into):
            into.take_in(other)
            into.since = observation.key
            self._clusters.update(dict.fromkeys(other.members, into))
        for pair in pairs:
            into.links[pair] = seen_again(into.links.get(pair), observation)
            if self.refused:
                self.refused.pop(pair, None)
        if into.core is not None:
            into.core.see(pairs)
        if fresh:
            self._clusters[fresh[0]] = into
        return into

    def lead_anew(self, cluster: Cluster, gone: Collection[Identifier]) -> None:
        """Tell who founds a cluster and who is its person, now that some members are gone."""
        if cluster.founder[1] in gone:
            cluster.founder = self._founder(cluster.members)
        if cluster.person is not None and cluster.person[1] in gone:
            cluster.person = self._person(cluster.members)

    def refuse(self, pair: Pair, reason: RefusalReason, observation: Observation) -> None:
        """Note that a link is not made."""
        self.refused[pair] = Refused(left=pair[0], right=pair[1], reason=reason, by=observation.id)
        self.ranking.forget(pair)

    def before(self, old: Iterable[Cluster]) -> list[Before]:
        """Keep what clusters are now, until `moved`."""
        return [Before(self._ref(c), c.founder[1], frozenset(c.members)) for c in old]

    def moved(self, before: Sequence[Before], made: Iterable[Cluster]) -> set[Identifier]:
        """Let founders that found nothing now give up their ids; give the members whose profile is another now."""
        self._retire(b.founder for b in before)
        now = [(self._ref(c), c.members) for c in made]
        return {i for ref, members in now for i in members.difference(*(b.members for b in before if b.ref == ref))}

    # --- founders and generations ---

    def _appear(self, identifier: Identifier, at: datetime) -> None:
        """Note an identifier's first sighting, on which its ranks and, after erasures, its generation depend."""
        self._first_seen[identifier] = at
        self._ranks[identifier] = ranks(identifier, at, self.terms.rules)
        generation = self._graves.generation(identifier)
        if generation:
            self._generations[identifier] = generation

    def _founder(self, members: Iterable[Identifier]) -> tuple[Rank, Identifier]:
        """Give who founds a profile of these."""
        return min((self._ranks[i][0], i) for i in members)

    def _person(self, members: Iterable[Identifier]) -> tuple[Rank, Identifier] | None:
        """Give the first person among these."""
        return min(((self._ranks[i][1], i) for i in members if self.terms.is_person(i)), default=None)

    def _ref(self, cluster: Cluster) -> ProfileRef:
        """Give a cluster's founder with its present generation."""
        founder = cluster.founder[1]
        return ProfileRef(founder, self._generations.get(founder, 0))

    def _retire(self, founders: Iterable[Identifier]) -> None:
        """Let those of the former founders that found no profile now give up their id to the one that holds them."""
        for founder in founders:
            cluster = self._clusters[founder]
            if cluster.founder[1] != founder:
                given_up = ProfileRef(founder, self._generations.get(founder, 0))
                self._generations[founder] = given_up.generation + 1
                self.redirects[given_up] = self._ref(cluster)
