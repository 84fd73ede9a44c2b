"""The canonical replay: observations, taken in the order of their keys, make and unmake profiles (DESIGN 4.4).

After every step each profile is within its limits, and what it is depends on the observations alone, for their order
is their own. A step costs the pairs of its observation; only where joining would break a limit are the links of the
profiles it touches put in order and added anew.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from typing import NamedTuple

from identity.core import Core, Order, Ranked, Weight, spanning
from identity.erasures import NO_GRAVES, Graves
from identity.forest import Forest, Reasons, RefusalReason, Terms
from identity.identifiers import Identifier, Namespace, NamespaceClass
from identity.judgements import Pair, Verdicts
from identity.observations import Observation, ReplayKey, Trust
from identity.profiles import ProfileRef
from identity.rules import Conflict, Founder, LinkingRules


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


Rank = tuple[int, datetime, int, str, str]


@dataclass(slots=True, eq=False)
class Cluster:
    """A profile in the making.

    `counts` has the distinct values of each limited namespace and `size` all identifiers, must-linked ones once.
    `founder` and `person` are the least by rank among all and among the person-class ones. `since` is the place in the
    replay from which on it has consisted of these members.
    """

    members: set[Identifier]
    links: dict[Pair, Weight]
    counts: dict[str, int]
    size: int
    founder: tuple[Rank, Identifier]
    person: tuple[Rank, Identifier] | None
    since: ReplayKey
    core: Core | None = None


class _Contest:
    """Old clusters, and the one or two that take their place; each has an heir, in which most of it stays."""

    def __init__(self, old: Sequence[Cluster], trees: Sequence[Sequence[Ranked]], made: Sequence[Cluster]) -> None:
        self.old = old
        self.made = made
        self._trees = trees
        self._cores = {id(cluster): Core() for cluster in made}
        self._loose: set[int] = set()
        self._home = {i: cluster for cluster in made for i in cluster.members}

    def inherit(self) -> dict[Pair, Weight]:
        """Hand the old ones' links on; give those whose ends are in two clusters now."""
        heirs = [max(self.made, key=lambda c: len(c.members & old.members)) for old in self.old]
        for old, tree, heir in zip(self.old, self._trees, heirs, strict=True):
            self._stay(old, tree, heir)
        parted: dict[Pair, Weight] = {}
        for old, heir in zip(self.old, heirs, strict=True):
            for identifier in sorted(old.members - heir.members):
                parted |= self._carry(identifier, heir)
        return parted

    def see(self, pair: Pair, weight: Weight) -> bool:
        """Note a link of the observation at hand; False if its ends are in two clusters."""
        cluster = self._home[pair[0]]
        if self._home[pair[1]] is not cluster:
            return False
        cluster.links[pair] = weight
        self._cores[id(cluster)].see([pair])
        return True

    def close(self) -> None:
        """Keep the cores for the next contest, but of those whose trees may not be what they were."""
        for cluster in self.made:
            cluster.core = None if id(cluster) in self._loose else self._cores[id(cluster)]

    def _stay(self, old: Cluster, tree: Sequence[Ranked], heir: Cluster) -> None:
        """Let an heir have an old one's links, and its tree, if what stays still hangs together by that."""
        core, members = self._cores[id(heir)], heir.members
        stays = [entry for entry in tree if entry[0][-1][0] in members and entry[0][-1][1] in members]
        if len(stays) != len(members & old.members) - 1:
            self._loose.add(id(heir))
        core.links += stays
        heir.links |= old.links
        if old.core is not None:
            core.near |= old.core.near

    def _carry(self, identifier: Identifier, heir: Cluster) -> dict[Pair, Weight]:
        """Take an identifier's links along to where it is now; give those it leaves behind."""
        home = self._home[identifier]
        parted: dict[Pair, Weight] = {}
        for other in self._cores[id(heir)].part(identifier):
            pair = (identifier, other) if identifier <= other else (other, identifier)
            weight = heir.links.pop(pair)
            if other in home.members:
                home.links[pair] = weight
                self._cores[id(home)].see([pair])
            else:
                parted[pair] = weight
        return parted


class Replay:
    """The state after some sightings; `step` takes the next one, in the order of keys."""

    def __init__(self, rules: LinkingRules, verdicts: Verdicts, graves: Graves = NO_GRAVES) -> None:
        self._rules = rules
        self._verdicts = verdicts
        self._graves = graves
        self._terms = Terms(rules, verdicts)
        self._ranks: dict[Identifier, tuple[Rank, Rank]] = {}
        self._orders: dict[Pair, tuple[Weight, Order]] = {}
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

    # --- taking the next sighting ---

    def step(self, sighting: Sighting) -> set[Identifier]:
        """Take the next sighting; give the identifiers whose profile is another than before."""
        observation, identifiers = sighting.observation, sighting.identifiers
        if not identifiers:
            return set()
        expired = self._expired(identifiers, observation.at)
        fresh = [i for i in identifiers if i not in self._clusters]
        old = self._touched(identifiers)
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
        self._orders |= other._orders
        self._first_seen |= other._first_seen
        self._last_seen |= other._last_seen
        self._clusters |= other._clusters
        self._generations |= other._generations
        self.refused |= other.refused
        self.redirects |= other.redirects

    def adopt(self, verdicts: Verdicts) -> None:
        """Go on under judgements that concern nothing seen so far."""
        self._verdicts = verdicts
        self._terms = Terms(self._rules, verdicts)

    def _appear(self, identifier: Identifier, at: datetime) -> None:
        """Note an identifier's first sighting, on which its ranks and, after erasures, its generation depend."""
        self._first_seen[identifier] = at
        namespace = self._rules.namespace(identifier.namespace)
        rest = (at, namespace.priority, *identifier)
        by_class = (_tier(namespace), *rest)
        self._ranks[identifier] = ((0, *rest) if self._rules.founder is Founder.ANY else by_class, by_class)
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
        """Make one profile of all these, the biggest taking in the others."""
        atoms = [self._cluster((i,), observation.key) for i in fresh]
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
        if into.core is not None:
            into.core.see(pairs)
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
        if not expired:
            moved = self._contest(old, fresh, pairs, observation)
            if moved is not None:
                return moved
        links: dict[Pair, Weight] = {}
        for cluster in old:
            links |= cluster.links
        if expired:
            links = {pair: weight for pair, weight in links.items() if expired.isdisjoint(pair)}
        incoming = frozenset(pairs)
        made = incoming - links.keys()
        for pair in pairs:
            links[pair] = _seen_again(links.get(pair), observation)
            self.refused.pop(pair, None)
        before = {i: ref for c in old for ref in (self._ref(c),) for i in c.members}
        members = [*before, *fresh]
        clusters = self._add(members, self._in_order(links, incoming, made), observation)
        for cluster in clusters:
            self._clusters.update(dict.fromkeys(cluster.members, cluster))
        self._retire([c.founder for c in old])
        return {i for c in clusters for ref in (self._ref(c),) for i in c.members if before.get(i) != ref}

    def _in_order(self, links: dict[Pair, Weight], incoming: frozenset[Pair], made: frozenset[Pair]) -> list[Ranked]:
        """Sort links: the least is added first.

        Higher trust; the incoming observation's; lower sum of priorities; newer. Where the first claim counts
        (`conflict = first`, or an asserted link that ends in a contact) what is newly made comes last, older first.
        """
        ordered = [(self._order(pair, weight), weight) for pair, weight in links.items()]
        for place, (order, weight) in enumerate(ordered):
            if order[-1] in incoming:
                at_hand = (2 if order[-1] in made else 1) if order[3] else 0
                ordered[place] = ((order[0], at_hand, *order[2:]), weight)
        ordered.sort(key=_by_order)
        return ordered

    def _order(self, pair: Pair, weight: Weight) -> Order:
        """Rank a link that the observation at hand does not sight; kept, for a profile's links are ranked again often.

        Its parts: trust, place, sum of priorities, whether the first counts, age, the pair.
        """
        kept = self._orders.get(pair)
        if kept is not None and kept[0] is weight:
            return kept[1]
        left, right = (self._rules.namespace(i.namespace) for i in pair)
        first_counts = self._first_counts(left.kind, right.kind, weight.trust)
        seconds = weight.age.timestamp()
        order = (
            -weight.trust,
            1,
            left.priority + right.priority,
            first_counts,
            seconds if first_counts else -seconds,
            pair,
        )
        self._orders[pair] = (weight, order)
        return order

    def _first_counts(self, left: NamespaceClass, right: NamespaceClass, trust: Trust) -> bool:
        """Tell whether a link is settled by who came first rather than by who came last."""
        if self._rules.conflict is Conflict.FIRST:
            return True
        if self._rules.asserted_contacts is Conflict.NEWEST or trust > Trust.ASSERTED:
            return False
        return NamespaceClass.CONTACT in (left, right)

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
                reason = broken[pair].of(weight.trust)
                self.refused[pair] = Refused(left=pair[0], right=pair[1], reason=reason, by=observation.id)
                self._orders.pop(pair, None)
        made = [self._cluster(group, observation.key) for group in forest.trees()]
        links = {identifier: cluster.links for cluster in made for identifier in cluster.members}
        for order, weight in ranked:
            pair = order[-1]
            if not broken or pair not in broken:
                links[pair[0]][pair] = weight
        return made

    # --- the same where it divides what it touches into no more than two ---

    def _contest(
        self, old: Sequence[Cluster], fresh: Sequence[Identifier], pairs: Sequence[Pair], observation: Observation
    ) -> set[Identifier] | None:
        """Rebuild by the least spanning tree alone; None where that does not suffice.

        If of that tree only one link is refused, so is every link between the two sides: it comes later in the order,
        for the refused one lies on the way between its ends, and what may not be joined once never may. No other link
        is refused, for its ends are joined before its turn (tests/identity/test_replay.py compares whole rebuilds).
        """
        incoming = frozenset(pairs)
        known = {pair: weight for c in old for pair in pairs if (weight := c.links.get(pair)) is not None}
        if any(self._order(pair, weight)[3] for pair, weight in known.items()):
            return None
        trees = [self._tree(cluster) for cluster in old]
        at_hand = {pair: _seen_again(known.get(pair), observation) for pair in pairs}
        placed = self._in_order(at_hand, incoming, incoming - known.keys())
        ranked = spanning([*(e for tree in trees for e in tree if e[0][-1] not in incoming), *placed])
        forest = Forest(self._terms, [*(i for c in old for i in c.members), *fresh])
        broken = forest.grow(((entry[0][-1], entry[1].trust) for entry in ranked), most=1)
        if len(broken) > 1 or any(reasons != forest.reasons(pair) for pair, reasons in broken.items()):
            return None
        reasons = next(iter(broken.values()), Reasons(None, None))
        made = [self._cluster(group, observation.key) for group in forest.trees()]
        return self._divide(_Contest(old, trees, made), at_hand, reasons, observation.id)

    def _divide(self, contest: _Contest, at_hand: Mapping[Pair, Weight], reasons: Reasons, by: str) -> set[Identifier]:
        """Let clusters take the place of old ones, with the links between their members; refuse those in between."""
        before = [(self._ref(c), c.members) for c in contest.old]
        parted = contest.inherit()
        for pair, weight in at_hand.items():
            self.refused.pop(pair, None)
            parted.pop(pair, None)
            if not contest.see(pair, weight):
                parted[pair] = weight
        for pair, weight in parted.items():
            self.refused[pair] = Refused(left=pair[0], right=pair[1], reason=reasons.of(weight.trust), by=by)
        contest.close()
        for cluster in contest.made:
            self._clusters.update(dict.fromkeys(cluster.members, cluster))
        self._retire([c.founder for c in contest.old])
        now = [(self._ref(cluster), cluster.members) for cluster in contest.made]
        return {i for ref, members in now for i in members.difference(*(m for was, m in before if was == ref))}

    def _tree(self, cluster: Cluster) -> list[Ranked]:
        """Give a profile's least spanning tree, in the order of links that the observation at hand does not sight."""
        core = cluster.core
        if core is not None:
            again = [(self._order(pair, cluster.links[pair]), cluster.links[pair]) for pair in core.again]
            if any(order[3] for order, _ in again):
                core = None
            else:
                standing = (entry for entry in core.links if entry[0][-1] not in core.again)
                tree = spanning([*standing, *again])
        if core is None:
            core = cluster.core = Core()
            tree = spanning([(self._order(pair, weight), weight) for pair, weight in cluster.links.items()])
            for pair in cluster.links:
                core.meet(pair)
        core.links, core.again = tree, set()
        return tree

    # --- clusters, founders and generations ---

    def _cluster(self, members: Sequence[Identifier], since: ReplayKey) -> Cluster:
        """Make a cluster of identifiers, as yet without links; must-linked ones count as one."""
        counts, size = self._terms.counted(members)
        persons = [i for i in members if self._terms.is_person(i)]
        return Cluster(
            members=set(members),
            links={},
            counts=counts,
            size=size,
            founder=min((self._ranks[i][0], i) for i in members),
            person=min(((self._ranks[i][1], i) for i in persons), default=None),
            since=since,
        )

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


def _by_order(link: Ranked) -> Order:
    """Give what a link is sorted by."""
    return link[0]


def _tier(namespace: Namespace) -> int:
    """Rank a class for founding: persons of limit 1, other persons, contacts, the rest."""
    if namespace.kind is NamespaceClass.PERSON:
        return 0 if namespace.limit == 1 else 1
    return 2 if namespace.kind is NamespaceClass.CONTACT else 3


def founding(identifiers: Iterable[Identifier], rules: LinkingRules) -> Identifier:
    """Give who founds the profile of some identifiers, at least one, that were seen once and together."""
    some = [(rules.namespace(i.namespace), i) for i in identifiers]
    any_class = rules.founder is Founder.ANY
    return min((0 if any_class else _tier(space), space.priority, i) for space, i in some)[-1]


def _take_in(into: Cluster, other: Cluster) -> None:
    """Let one cluster take in another."""
    into.members |= other.members
    if other.links:
        if into.core is not None and other.core is not None:
            into.core.absorb(other.core)
        else:
            into.core = None
    into.links |= other.links
    for name, count in other.counts.items():
        into.counts[name] = into.counts.get(name, 0) + count
    into.size += other.size
    into.founder = min(into.founder, other.founder)
    if other.person is not None:
        into.person = other.person if into.person is None else min(into.person, other.person)
