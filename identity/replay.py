"""The canonical replay: observations, taken in the order of their keys, make and unmake profiles (DESIGN 4.4).

After every step each profile is within its limits, and what it is depends on the observations alone, for their order
is their own. A step costs the pairs of its observation; only where joining would break a limit are the links of the
profiles it touches put in order and added anew.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import combinations
from typing import NamedTuple

from identity.identifiers import Identifier, NamespaceClass
from identity.judgements import Pair, Verdicts
from identity.observations import Observation, ReplayKey, Trust
from identity.profiles import ProfileRef
from identity.rules import Conflict, Founder, LinkingRules


class Sighting(NamedTuple):
    """A part of an observation that is still seen together once hubs are out; `main`: it is attributed by this part."""

    observation: Observation
    identifiers: tuple[Identifier, ...]
    main: bool


class Weight(NamedTuple):
    """What a link weighs: its highest trust and its latest sighting, since it was last refused."""

    trust: Trust
    age: datetime


class RefusalReason(StrEnum):
    """Why a link is not made."""

    NAMESPACE_LIMIT = "namespace_limit"
    PROFILE_CAP = "profile_cap"
    CANNOT_LINK = "cannot_link"
    PERSONS_NEED_TRUST = "persons_need_trust"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A link not made: its ends, the reason, and the id of the observation at which it was last refused."""

    left: Identifier
    right: Identifier
    reason: RefusalReason
    by: str


Rank = tuple[int, datetime, int, str, str]


@dataclass(slots=True, eq=False)
class Cluster:
    """A profile in the making.

    `counts` has the distinct values of each namespace and `size` all identifiers, must-linked ones once. `founder` and
    `person` are the least by rank among all and among the person-class ones. `since` is the place in the replay from
    which on it has consisted of these members.
    """

    members: set[Identifier]
    links: dict[Pair, Weight]
    counts: dict[str, int]
    size: int
    founder: tuple[Rank, Identifier]
    person: tuple[Rank, Identifier] | None
    since: ReplayKey


class Replay:
    """The state after some sightings; `step` takes the next one, in the order of keys."""

    def __init__(self, rules: LinkingRules, verdicts: Verdicts) -> None:
        self._rules = rules
        self._verdicts = verdicts
        self._first_seen: dict[Identifier, datetime] = {}
        self._last_seen: dict[Identifier, datetime] = {}
        self._clusters: dict[Identifier, Cluster] = {}
        self._generations: dict[Identifier, int] = {}
        self.refused: dict[Pair, Refused] = {}
        self.redirects: dict[ProfileRef, ProfileRef] = {}

    # --- what is known after the steps taken ---

    def ref(self, identifier: Identifier) -> ProfileRef:
        """Give the profile that holds an identifier seen."""
        return self._ref(self._clusters[identifier])

    def person(self, identifier: Identifier) -> Identifier | None:
        """Give the person whose profile holds an identifier seen."""
        person = self._clusters[identifier].person
        return None if person is None else person[1]

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

    # --- taking the next sighting ---

    def step(self, sighting: Sighting) -> set[Identifier]:
        """Take the next sighting; give the identifiers whose profile is another than before."""
        observation, identifiers = sighting.observation, sighting.identifiers
        if not identifiers:
            return set()
        expired = self._expired(identifiers, observation.at)
        fresh = [i for i in identifiers if i not in self._clusters]
        old = self._touched(identifiers)
        for identifier in identifiers:
            self._first_seen.setdefault(identifier, observation.at)
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
        self._first_seen |= other._first_seen
        self._last_seen |= other._last_seen
        self._clusters |= other._clusters
        self._generations |= other._generations
        self.refused |= other.refused
        self.redirects |= other.redirects

    def adopt(self, verdicts: Verdicts) -> None:
        """Go on under judgements that concern nothing seen so far."""
        self._verdicts = verdicts

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

    # --- the common case: all fit into one profile ---

    def _fits(self, old: Sequence[Cluster], fresh: Sequence[Identifier]) -> bool:
        """Tell whether one profile may hold all of these.

        If so, no link of theirs can be refused, in whatever order: the limits only ever grow tighter on the way to
        that one profile, and with at most one person among them an asserted link joins no two (proven equal to the
        ordered rebuild by tests/identity/test_replay.py).
        """
        if len(old) + len(fresh) == 1:
            return True
        kind = self._rules.kind
        persons = sum(c.person is not None for c in old) + sum(kind(i) is NamespaceClass.PERSON for i in fresh)
        if persons > 1 or sum(c.size for c in old) + len(fresh) > self._rules.profile_cap:
            return False
        return self._within_limits(old, fresh) and not self._bars_within(old, fresh)

    def _within_limits(self, old: Sequence[Cluster], fresh: Sequence[Identifier]) -> bool:
        """Tell whether no namespace would exceed its limit."""
        counts: dict[str, int] = {}
        for cluster in old:
            for name, count in cluster.counts.items():
                counts[name] = counts.get(name, 0) + count
        for identifier in fresh:
            counts[identifier.namespace] = counts.get(identifier.namespace, 0) + 1
        return all(
            (limit := self._rules.namespace(name).limit) is None or count <= limit for name, count in counts.items()
        )

    def _bars_within(self, old: Sequence[Cluster], fresh: Sequence[Identifier]) -> bool:
        """Tell whether a cannot-link stands between any of these."""
        if not self._verdicts.barred:
            return False
        together = set(fresh).union(*(c.members for c in old))
        return any(not together.isdisjoint(self._verdicts.barred.get(i, ())) for i in together)

    def _join(
        self, old: Sequence[Cluster], fresh: Sequence[Identifier], pairs: Iterable[Pair], observation: Observation
    ) -> set[Identifier]:
        """Make one profile of all these, the biggest taking in the others."""
        atoms = [self._atom((i,), observation.key) for i in fresh]
        into = max(old, key=lambda c: len(c.members), default=None) or atoms[0]
        others = [c for c in (*old, *atoms) if c is not into]
        before = [(self._ref(c), c.founder, frozenset(c.members)) for c in old] if others else []
        for other in others:
            _take_in(into, other)
            into.since = observation.key
            self._clusters.update(dict.fromkeys(other.members, into))
        for pair in pairs:
            into.links[pair] = _seen_again(into.links.get(pair), observation)
            if self.refused:
                self.refused.pop(pair, None)
        if fresh:
            self._clusters[fresh[0]] = into
        self._retire([founder for _, founder, _ in before])
        now = self._ref(into)
        return set(fresh).union(*(members for ref, _, members in before if ref != now))

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
        links = {
            pair: weight
            for cluster in old
            for pair, weight in cluster.links.items()
            if not expired or expired.isdisjoint(pair)
        }
        incoming = frozenset(pairs)
        made = incoming - links.keys()
        for pair in pairs:
            links[pair] = _seen_again(links.get(pair), observation)
        before = {i: self._ref(c) for c in old for i in c.members}
        members = set(before).union(fresh)
        order = sorted(links.items(), key=lambda link: self._order(link, incoming, made))
        into = self._add(members, order, observation)
        self._clusters |= into
        self._retire([c.founder for c in old])
        return {i for i in members if before.get(i) != self.ref(i)}

    def _order(
        self, link: tuple[Pair, Weight], incoming: frozenset[Pair], made: frozenset[Pair]
    ) -> tuple[int, int, int, bool, float, Pair]:
        """Rank a link: the least is added first.

        Higher trust; the incoming observation's; lower sum of priorities; newer. Where the first claim counts
        (`conflict = first`, or an asserted link that ends in a contact) what is newly made comes last, older first.
        """
        (left, right), (trust, age) = link
        first_counts = self._first_counts(left, right, trust)
        if first_counts:
            place = 2 if link[0] in made else 1
        else:
            place = 0 if link[0] in incoming else 1
        priorities = self._rules.namespace(left.namespace).priority + self._rules.namespace(right.namespace).priority
        seconds = age.timestamp()
        return (-trust, place, priorities, first_counts, seconds if first_counts else -seconds, link[0])

    def _first_counts(self, left: Identifier, right: Identifier, trust: Trust) -> bool:
        """Tell whether a link is settled by who came first rather than by who came last."""
        if self._rules.conflict is Conflict.FIRST:
            return True
        if self._rules.asserted_contacts is Conflict.NEWEST or trust > Trust.ASSERTED:
            return False
        return NamespaceClass.CONTACT in (self._rules.kind(left), self._rules.kind(right))

    def _add(
        self, members: set[Identifier], order: Iterable[tuple[Pair, Weight]], observation: Observation
    ) -> dict[Identifier, Cluster]:
        """Join must-linked members, then the ends of each link in turn unless that breaks a limit."""
        into: dict[Identifier, Cluster] = {}
        for identifier in members:
            if identifier not in into:
                group = self._verdicts.group(identifier)
                atom = self._atom(tuple(i for i in group if i in members), observation.key)
                into.update(dict.fromkeys(atom.members, atom))
        for (left, right), weight in order:
            a, b = into[left], into[right]
            reason = None if a is b else self._breaks(a, b, weight.trust)
            if reason is not None:
                self.refused[left, right] = Refused(left=left, right=right, reason=reason, by=observation.id)
                continue
            self.refused.pop((left, right), None)
            if a is not b:
                a, b = (a, b) if len(a.members) >= len(b.members) else (b, a)
                _take_in(a, b)
                into.update(dict.fromkeys(b.members, a))
            a.links[left, right] = weight
        return into

    def _breaks(self, a: Cluster, b: Cluster, trust: Trust) -> RefusalReason | None:
        """Give the reason why two clusters may not become one, or None."""
        if self._bars_within((a, b), ()):
            return RefusalReason.CANNOT_LINK
        if trust < Trust.SERVER and a.person is not None and b.person is not None:
            return RefusalReason.PERSONS_NEED_TRUST
        if not self._within_limits((a, b), ()):
            return RefusalReason.NAMESPACE_LIMIT
        if a.size + b.size > self._rules.profile_cap:
            return RefusalReason.PROFILE_CAP
        return None

    # --- clusters, founders and generations ---

    def _atom(self, members: tuple[Identifier, ...], since: ReplayKey) -> Cluster:
        """Make a cluster of identifiers that count as one: a single one, or those that must be together."""
        persons = [i for i in members if self._rules.kind(i) is NamespaceClass.PERSON]
        return Cluster(
            members=set(members),
            links={},
            counts=dict.fromkeys((i.namespace for i in members), 1),
            size=1,
            founder=min((self._founder_rank(i), i) for i in members),
            person=min(((self._class_rank(i), i) for i in persons), default=None),
            since=since,
        )

    def _founder_rank(self, identifier: Identifier) -> Rank:
        """Rank a founder: class (unless any class will do), first seen, priority, namespace, value."""
        if self._rules.founder is Founder.ANY:
            namespace = self._rules.namespace(identifier.namespace)
            return (0, self._first_seen[identifier], namespace.priority, *identifier)
        return self._class_rank(identifier)

    def _class_rank(self, identifier: Identifier) -> Rank:
        """Rank by class (persons of limit 1, other persons, contacts, the rest), then first seen."""
        namespace = self._rules.namespace(identifier.namespace)
        if namespace.kind is NamespaceClass.PERSON:
            tier = 0 if namespace.limit == 1 else 1
        else:
            tier = 2 if namespace.kind is NamespaceClass.CONTACT else 3
        return (tier, self._first_seen[identifier], namespace.priority, *identifier)

    def _ref(self, cluster: Cluster) -> ProfileRef:
        """Give a cluster's founder with its present generation."""
        founder = cluster.founder[1]
        return ProfileRef(founder, self._generations.get(founder, 0))

    def _retire(self, founders: Iterable[tuple[Rank, Identifier]]) -> None:
        """Let those of the former founders that found no profile now give up their id to the one that holds them."""
        for _, founder in founders:
            cluster = self._clusters[founder]
            if cluster.founder[1] != founder:
                given_up = ProfileRef(founder, self._generations.get(founder, 0))
                self._generations[founder] = given_up.generation + 1
                self.redirects[given_up] = self._ref(cluster)


def _seen_again(weight: Weight | None, observation: Observation) -> Weight:
    """Give a link's weight after one more sighting."""
    if weight is None:
        return Weight(observation.trust, observation.at)
    return Weight(max(weight.trust, observation.trust), max(weight.age, observation.at))


def _take_in(into: Cluster, other: Cluster) -> None:
    """Let one cluster take in another."""
    into.members |= other.members
    into.links |= other.links
    for name, count in other.counts.items():
        into.counts[name] = into.counts.get(name, 0) + count
    into.size += other.size
    into.founder = min(into.founder, other.founder)
    if other.person is not None:
        into.person = other.person if into.person is None else min(into.person, other.person)
