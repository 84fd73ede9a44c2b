"""The canonical replay: observations, taken in the order of their keys, make and unmake profiles (DESIGN 4.4).

After every step each profile is within its limits, and what it is depends on the observations alone, for their order
is their own. A step costs the pairs of its observation. Where joining would break a limit, the links of the profiles it
touches are put in order and added anew, if what comes off cannot be told by less (`_shed`, `_contest`).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from typing import NamedTuple

from identity.clusters import Cluster
from identity.division import Division
from identity.erasures import NO_GRAVES, Graves
from identity.forest import Forest, Reasons, RefusalReason, Terms
from identity.founding import Rank, ranks
from identity.identifiers import Identifier, NamespaceClass
from identity.judgements import Pair, Verdicts
from identity.observations import Observation, ReplayKey
from identity.profiles import ProfileRef
from identity.ranking import Ranked, Ranking, Weight, seen_again
from identity.rules import LinkingRules
from identity.shedding import comes_off
from identity.tree import spanning

Moved = dict[Identifier, ProfileRef | None]
"""Identifiers whose profile is another than before, and which it is now (None: in none, a hub or erased)."""


class Sighting(NamedTuple):
    """A part of an observation that is still seen together once hubs are out; `main`: it is attributed by this part."""

    observation: Observation
    identifiers: tuple[Identifier, ...]
    main: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A link not made: its ends, the reason, and the id of the observation at which it was last refused."""

    left: Identifier
    right: Identifier
    reason: RefusalReason
    by: str


class _Before(NamedTuple):
    """What a cluster was before a step."""

    ref: ProfileRef
    founder: Identifier
    members: frozenset[Identifier]


class Replay:
    """The state after some sightings; `step` takes the next one, in the order of keys."""

    def __init__(self, rules: LinkingRules, verdicts: Verdicts, graves: Graves = NO_GRAVES) -> None:
        self._rules = rules
        self._verdicts = verdicts
        self._graves = graves
        self._terms = Terms(rules, verdicts)
        self._ranks: dict[Identifier, tuple[Rank, Rank]] = {}
        self._ranking = Ranking(rules)
        self._first_seen: dict[Identifier, datetime] = {}
        self._last_seen: dict[Identifier, datetime] = {}
        self._clusters: dict[Identifier, Cluster] = {}
        self._generations: dict[Identifier, int] = {}
        self._holder = object()
        self.refused: dict[Pair, Refused] = {}
        self.redirects: dict[ProfileRef, ProfileRef] = {}

    def copy(self) -> "Replay":
        """Give the same state, of its own; clusters are shared until either changes them. O(identifiers + refusals)."""
        other = Replay(self._rules, self._verdicts, self._graves)
        other._ranking = self._ranking  # what it says depends on its rules alone
        other.absorb(self)
        self._holder = object()
        return other

    # --- what is known after the steps taken ---

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

    def identifiers(self) -> Iterable[Identifier]:
        """Give all identifiers seen."""
        return self._clusters.keys()

    def first_seen(self, identifier: Identifier) -> datetime:
        """Tell when an identifier was first seen."""
        return self._first_seen[identifier]

    def last_seen(self, identifier: Identifier) -> datetime:
        """Tell when an identifier was last seen."""
        return self._last_seen[identifier]

    def differs(self, before: "Replay") -> Moved:
        """Give the identifiers whose profile another replay, maybe one that this is a copy of, has otherwise or not."""
        moved: Moved = dict.fromkeys(before._clusters.keys() - self._clusters.keys())
        # A cluster that both hold has changed in neither since the one was copied.
        kept = {id(cluster) for cluster in before._clusters.values()}
        changed = {id(cluster): cluster for cluster in self._clusters.values() if id(cluster) not in kept}
        for ref, cluster in ((self._ref(cluster), cluster) for cluster in changed.values()):
            others = {i: before._clusters.get(i) for i in cluster.members}
            same = {id(c) for c in set(others.values()) if c is not None and before._ref(c) == ref}
            moved.update((i, ref) for i, other in others.items() if id(other) not in same)
        return moved

    # --- taking the next sighting ---

    def step(self, sighting: Sighting) -> set[Identifier]:
        """Take the next sighting; give the identifiers whose profile is another than before."""
        observation, identifiers = sighting.observation, sighting.identifiers
        if not identifiers:
            return set()
        expired = self._expired(identifiers, observation.at)
        fresh = [i for i in identifiers if i not in self._clusters]
        old = [self._held(cluster) for cluster in self._touched(identifiers)]
        for identifier in fresh:
            self._appear(identifier, observation.at)
        for identifier in identifiers:
            self._last_seen[identifier] = max(self._last_seen.get(identifier, observation.at), observation.at)
        pairs = list(combinations(sorted(identifiers), 2))
        judged = any(i in self._verdicts.groups for i in fresh)
        if not expired and not judged and self._fits(old, fresh):
            return self._join(old, fresh, pairs, observation)
        return self._rebuild(old, fresh, pairs, observation, expired)

    def commutes(self, sighting: Sighting) -> bool:
        """Tell whether a sighting may be taken late: its profile has had these members ever since it happened.

        Then it is one of the profile's inner sightings, which leave its members alone and whose trusts and ages come
        out alike in any order.
        """
        observation, identifiers = sighting.observation, sighting.identifiers
        cluster = self._clusters.get(identifiers[0])
        if cluster is None or observation.key <= cluster.since:
            return False
        return all(self._clusters.get(i) is cluster for i in identifiers) and not self._expired(
            identifiers, observation.at
        )

    def absorb(self, other: "Replay") -> None:
        """Take over the state of a replay that shares no identifier and no must-link with this one."""
        self._ranks |= other._ranks
        self._first_seen |= other._first_seen
        self._last_seen |= other._last_seen
        self._clusters |= other._clusters
        self._generations |= other._generations
        self.refused |= other.refused
        self.redirects |= other.redirects

    def adopt(self, verdicts: Verdicts, graves: Graves) -> None:
        """Go on under judgements and erasures that concern nothing seen so far."""
        self._verdicts, self._graves = verdicts, graves
        self._terms = Terms(self._rules, verdicts)

    def _appear(self, identifier: Identifier, at: datetime) -> None:
        """Note an identifier's first sighting, on which its ranks and, after erasures, its generation depend."""
        self._first_seen[identifier] = at
        self._ranks[identifier] = ranks(identifier, at, self._rules)
        generation = self._graves.generation(identifier)
        if generation:
            self._generations[identifier] = generation

    def _expired(self, identifiers: Iterable[Identifier], now: datetime) -> set[Identifier]:
        """Give those unseen for longer than their namespace's ttl."""
        expired = set()
        for identifier in identifiers:
            ttl = self._rules.namespace(identifier.namespace).ttl
            if ttl is not None and identifier in self._last_seen and now - self._last_seen[identifier] > ttl:
                expired.add(identifier)
        return expired

    def _touched(self, identifiers: Sequence[Identifier]) -> list[Cluster]:
        """Give the profiles of these identifiers and of those that must be with them, each once."""
        reached: Iterable[Identifier] = identifiers
        if self._verdicts.groups:
            reached = [partner for i in identifiers for partner in self._verdicts.group(i)]
        found = {id(c): c for i in reached if (c := self._clusters.get(i)) is not None}
        return list(found.values())

    def _held(self, cluster: Cluster) -> Cluster:
        """Give a cluster that no copy of this replay shares, and so may be changed."""
        if cluster.holder is self._holder:
            return cluster
        held = cluster.copy(self._holder)
        self._clusters.update(dict.fromkeys(held.members, held))
        return held

    # --- the common case: all fit into one profile ---

    def _fits(self, old: Sequence[Cluster], fresh: Sequence[Identifier]) -> bool:
        """Tell whether one profile may hold all of these.

        If so, no link of theirs can be refused, in whatever order: the limits only ever grow tighter on the way to
        that one profile, and with at most one person among them an asserted link joins no two (proven equal to the
        ordered rebuild by tests/identity/test_replay.py).
        """
        if len(old) + len(fresh) == 1:
            return True
        return sum(c.size for c in old) + len(fresh) <= self._rules.profile_cap and self._agree(old, fresh)

    def _agree(self, old: Sequence[Cluster], fresh: Sequence[Identifier]) -> bool:
        """Tell whether one profile may hold all of these, but for the cap: one person, the limits, the judgements."""
        kind = self._rules.kind
        persons = sum(c.person is not None for c in old) + sum(kind(i) is NamespaceClass.PERSON for i in fresh)
        return persons <= 1 and self._within_limits(old, fresh) and not self._bars_within(old, fresh)

    def _within_limits(self, old: Sequence[Cluster], fresh: Sequence[Identifier]) -> bool:
        """Tell whether no namespace would exceed its limit."""
        limits = self._terms.limits
        counts: dict[str, int] = {}
        for cluster in old:
            for name, count in cluster.counts.items():
                counts[name] = counts.get(name, 0) + count
        for identifier in fresh:
            if identifier.namespace in limits:
                counts[identifier.namespace] = counts.get(identifier.namespace, 0) + 1
        return all(count <= limits[name] for name, count in counts.items())

    def _bars_within(self, old: Sequence[Cluster], fresh: Sequence[Identifier]) -> bool:
        """Tell whether a cannot-link stands between any of these."""
        if not self._verdicts.barred:
            return False
        together = set(fresh).union(*(c.members for c in old))
        return any(not together.isdisjoint(self._verdicts.barred.get(i, ())) for i in together)

    def _join(
        self, old: Sequence[Cluster], fresh: Sequence[Identifier], pairs: Iterable[Pair], observation: Observation
    ) -> set[Identifier]:
        """Make one profile of all these."""
        if len(old) + len(fresh) == 1:
            self._united(old, fresh, pairs, observation)
            return set(fresh)
        before = self._before(old)
        return self._moved(before, [self._united(old, fresh, pairs, observation)])

    def _united(
        self, old: Sequence[Cluster], fresh: Sequence[Identifier], pairs: Iterable[Pair], observation: Observation
    ) -> Cluster:
        """Let the biggest of all these take in the others, and see the pairs."""
        atoms = [self._cluster((i,), observation.key) for i in fresh]
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

    # --- the contested case: links are put in order and added one by one ---

    def _rebuild(
        self,
        old: Sequence[Cluster],
        fresh: Sequence[Identifier],
        pairs: Sequence[Pair],
        observation: Observation,
        expired: set[Identifier],
    ) -> set[Identifier]:
        """Add the links of the profiles touched anew, in the order of DESIGN 4.4; refuse those that break a limit."""
        if not expired:
            known, placed = self._at_hand(old, pairs, observation)
            moved = self._shed(old, fresh, placed, observation)
            if moved is None:
                moved = self._contest(old, fresh, known, placed, observation)
            if moved is not None:
                return moved
        links: dict[Pair, Weight] = {}
        for cluster in old:
            links |= cluster.links
        for pair in [pair for pair in links if not expired.isdisjoint(pair)] if expired else ():
            del links[pair]
            self._ranking.forget(pair)
        incoming = frozenset(pairs)
        made = incoming - links.keys()
        for pair in pairs:
            links[pair] = seen_again(links.get(pair), observation)
            self.refused.pop(pair, None)
        before = self._before(old)
        members = [*(i for c in old for i in c.members), *fresh]
        clusters = self._add(members, self._ranking.placed(links, incoming, made), observation)
        for cluster in clusters:
            self._clusters.update(dict.fromkeys(cluster.members, cluster))
        return self._moved(before, clusters)

    def _add(
        self,
        members: Sequence[Identifier],
        ranked: Sequence[Ranked],
        observation: Observation,
    ) -> list[Cluster]:
        """Join must-linked members, then the ends of each link in turn unless that breaks a limit."""
        forest = Forest(self._terms, members)
        broken = forest.grow((order[-1], weight.trust) for order, weight in ranked)
        for order, weight in ranked if broken else ():
            pair = order[-1]
            if pair in broken:
                self._refuse(pair, broken[pair].of(weight.trust), observation)
        made = [self._cluster(group, observation.key) for group in forest.trees()]
        links = {identifier: cluster.links for cluster in made for identifier in cluster.members}
        for order, weight in ranked:
            pair = order[-1]
            if not broken or pair not in broken:
                links[pair[0]][pair] = weight
        return made

    # --- the same where only the cap is in the way: the ends of the last links come off ---

    def _shed(
        self, old: Sequence[Cluster], fresh: Sequence[Identifier], placed: Sequence[Ranked], observation: Observation
    ) -> set[Identifier] | None:
        """Rebuild by the last links of the least spanning trees alone; None where that does not suffice."""
        once = all(c.size == len(c.members) for c in old) and self._verdicts.groups.keys().isdisjoint(fresh)
        if not once or not self._agree(old, fresh):
            return None
        parts = comes_off(old, fresh, placed, self._ranking, self._rules.profile_cap)
        if parts is None:
            return None
        before = self._before(old)
        apart = [self._come_off(home, off, observation) for home, off in parts]
        into = self._united(old, fresh, [order[-1] for order, _ in placed], observation)
        for part, between in apart:
            persons = part.person is not None and into.person is not None
            asserted = RefusalReason.PERSONS_NEED_TRUST if persons else RefusalReason.PROFILE_CAP
            for pair, weight in between.items():
                self._refuse(pair, Reasons(RefusalReason.PROFILE_CAP, asserted).of(weight.trust), observation)
        return self._moved(before, [into, *(part for part, _ in apart)])

    def _come_off(
        self, home: Cluster, off: AbstractSet[Identifier], observation: Observation
    ) -> tuple[Cluster, dict[Pair, Weight]]:
        """Make a profile of its own of some members; give it with what linked them to the others."""
        part = self._cluster(off, observation.key)
        between = home.hand_over(part)
        home.since = observation.key
        if home.founder[1] in off:
            home.founder = self._founder(home.members)
        if home.person is not None and home.person[1] in off:
            home.person = self._person(home.members)
        self._clusters.update(dict.fromkeys(off, part))
        return part, between

    # --- the same where it divides what it touches into no more than two ---

    def _contest(
        self,
        old: Sequence[Cluster],
        fresh: Sequence[Identifier],
        known: Mapping[Pair, Weight],
        placed: Sequence[Ranked],
        observation: Observation,
    ) -> set[Identifier] | None:
        """Rebuild by the least spanning tree alone; None where that does not suffice.

        If of that tree only one link is refused, so is every link between the two sides: it comes later in the order,
        for the refused one lies on the way between its ends, and what may not be joined once never may. No other link
        is refused, for its ends are joined before its turn (tests/identity/test_replay.py compares whole rebuilds).
        """
        if any(self._ranking.standing(pair, weight)[3] for pair, weight in known.items()):
            return None
        incoming = frozenset(order[-1] for order, _ in placed)
        trees = [cluster.tree(self._ranking).links for cluster in old]
        ranked = spanning([*(e for tree in trees for e in tree if e[0][-1] not in incoming), *placed])
        forest = Forest(self._terms, [*(i for c in old for i in c.members), *fresh])
        broken = forest.grow(((entry[0][-1], entry[1].trust) for entry in ranked), most=1)
        if len(broken) > 1 or any(reasons != forest.reasons(pair) for pair, reasons in broken.items()):
            return None
        reasons = next(iter(broken.values()), Reasons(None, None))
        made = [self._cluster(group, observation.key) for group in forest.trees()]
        return self._divide(Division(old, trees, made), placed, reasons, observation)

    def _divide(
        self, division: Division, placed: Sequence[Ranked], reasons: Reasons, observation: Observation
    ) -> set[Identifier]:
        """Let clusters take the place of old ones, with the links between their members; refuse those in between."""
        before = self._before(division.old)
        parted = division.inherit()
        for order, weight in placed:
            pair = order[-1]
            self.refused.pop(pair, None)
            parted.pop(pair, None)
            if not division.see(pair, weight):
                parted[pair] = weight
        for pair, weight in parted.items():
            self._refuse(pair, reasons.of(weight.trust), observation)
        division.close()
        for cluster in division.made:
            self._clusters.update(dict.fromkeys(cluster.members, cluster))
        return self._moved(before, division.made)

    def _at_hand(
        self, old: Sequence[Cluster], pairs: Sequence[Pair], observation: Observation
    ) -> tuple[Mapping[Pair, Weight], list[Ranked]]:
        """Give what links at hand weighed before, where they were, and all of them, in order, as they are sighted."""
        known = {pair: weight for c in old for pair in pairs if (weight := c.links.get(pair)) is not None}
        links = {pair: seen_again(known.get(pair), observation) for pair in pairs}
        return known, self._ranking.placed(links, links.keys(), links.keys() - known.keys())

    def _refuse(self, pair: Pair, reason: RefusalReason, observation: Observation) -> None:
        """Note that a link is not made."""
        self.refused[pair] = Refused(left=pair[0], right=pair[1], reason=reason, by=observation.id)
        self._ranking.forget(pair)

    # --- clusters, founders and generations ---

    def _cluster(self, members: Collection[Identifier], since: ReplayKey) -> Cluster:
        """Make a cluster of identifiers, as yet without links; must-linked ones count as one."""
        counts, size = self._terms.counted(members)
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

    def _founder(self, members: Iterable[Identifier]) -> tuple[Rank, Identifier]:
        """Give who founds a profile of these."""
        return min((self._ranks[i][0], i) for i in members)

    def _person(self, members: Iterable[Identifier]) -> tuple[Rank, Identifier] | None:
        """Give the first person among these."""
        return min(((self._ranks[i][1], i) for i in members if self._terms.is_person(i)), default=None)

    def _before(self, old: Iterable[Cluster]) -> list[_Before]:
        """Keep what clusters are now, until `_moved`."""
        return [_Before(self._ref(c), c.founder[1], frozenset(c.members)) for c in old]

    def _moved(self, before: Sequence[_Before], made: Iterable[Cluster]) -> set[Identifier]:
        """Let founders that found nothing now give up their ids; give the members whose profile is another now."""
        self._retire(b.founder for b in before)
        now = [(self._ref(c), c.members) for c in made]
        return {i for ref, members in now for i in members.difference(*(b.members for b in before if b.ref == ref))}

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
