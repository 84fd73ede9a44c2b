"""R of DESIGN 4 by brute force: every step is recomputed from plain sets, so that one can see that it is right.

It shares no code with the engine beyond the words (identifiers, observations, judgements, rules), and no cleverness:
clusters are sets merged one link at a time, limits are counted again for every link, claims are walked from the start
for every question. Profiles are named by (founder, generation), since the keyed hash of the two is opaque.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import combinations
from typing import NamedTuple

from identity.identifiers import Identifier, Namespace, NamespaceClass
from identity.judgements import Judgement, JudgementKind, Pair, Undo, Word, pair
from identity.observations import Observation, ReplayKey, Trust
from identity.rules import LinkingRules

Group = frozenset[Identifier]


class Named(NamedTuple):
    """What a ProfileId is the hash of."""

    founder: Identifier
    generation: int


class Refusal(NamedTuple):
    """Every limit that a link would have broken, and the observation whose rebuild refused it."""

    reasons: frozenset[str]
    by: str


class Buried(NamedTuple):
    """An erasure in plain words: when, and of which values."""

    at: datetime
    values: Group


class Owned(NamedTuple):
    """A half-open interval during which a device's events belong to a profile (None: nobody's)."""

    identifier: Identifier
    start: datetime | None
    end: datetime | None
    profile: Named | None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Everything R says."""

    profiles: Mapping[Named, Group]
    refused: Mapping[Pair, Refusal]
    redirects: Mapping[Named, Named]
    attribution: Mapping[ReplayKey, Named | None]
    owners: tuple[Owned, ...]
    shared: Mapping[Identifier, frozenset[Named]]


@dataclass(frozen=True, kw_only=True)
class Sight:
    """What of an observation is still seen together after cleaning: hubs and evidence are gone.

    An asserted flood stands apart: each flooded identifier is seen alone, in its turn after the rest. The observation
    belongs to whom its `main` part, the first, says; nothing left of it: nobody's.
    """

    key: ReplayKey
    seen: Group
    main: bool


@dataclass(frozen=True, kw_only=True)
class Link:
    """Trust and age of a link since it was last refused."""

    trust: Trust
    age: datetime


@dataclass(kw_only=True)
class World:
    """Where the replay stands."""

    clusters: list[Group] = field(default_factory=list)
    links: dict[Pair, Link] = field(default_factory=dict)
    refused: dict[Pair, Refusal] = field(default_factory=dict)
    first_seen: dict[Identifier, datetime] = field(default_factory=dict)
    last_seen: dict[Identifier, datetime] = field(default_factory=dict)
    founding: frozenset[Identifier] = frozenset()
    generations: dict[Identifier, int] = field(default_factory=dict)
    redirects: dict[Named, Named] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Oracle:
    """The rules and judgements under which everything is decided."""

    rules: LinkingRules
    must: tuple[Group, ...]
    cannot: frozenset[Pair]

    # -- words --------------------------------------------------------------------------------------------------

    def namespace(self, identifier: Identifier) -> Namespace:
        """Give the namespace's rules; a name that the rules do not know is a contact of priority 5."""
        name = identifier.namespace
        known = self.rules.namespaces.get(name)
        return Namespace(name=name, kind=NamespaceClass.CONTACT, priority=5) if known is None else known

    def kind(self, identifier: Identifier) -> NamespaceClass:
        """Give the class of an identifier."""
        return self.namespace(identifier).kind

    def persons(self, identifiers: Iterable[Identifier]) -> Group:
        """Keep the person-class identifiers."""
        return frozenset(i for i in identifiers if self.kind(i) is NamespaceClass.PERSON)

    def contacts(self, identifiers: Iterable[Identifier]) -> Group:
        """Keep the contact-class identifiers."""
        return frozenset(i for i in identifiers if self.kind(i) is NamespaceClass.CONTACT)

    def devices(self, identifiers: Iterable[Identifier]) -> Group:
        """Keep the device- and browser-class identifiers."""
        return frozenset(i for i in identifiers if self.kind(i) in {NamespaceClass.DEVICE, NamespaceClass.BROWSER})

    def first(self, identifiers: Iterable[Identifier]) -> Identifier:
        """Give the first identifier by priority, then value (DESIGN 4.6); the namespace breaks what ties are left."""
        return min(identifiers, key=lambda i: (self.namespace(i).priority, i.value, i.namespace))

    def group(self, identifier: Identifier) -> Group:
        """Give all that the judgements hold to be the same as this identifier."""
        return next((g for g in self.must if identifier in g), frozenset({identifier}))

    # -- cleaning -----------------------------------------------------------------------------------------------

    def companions(self, identifier: Identifier, observations: Iterable[Observation]) -> Group:
        """Give the person-class values seen with an identifier."""
        seen_with = [set(o.identifiers) for o in observations if identifier in o.identifiers]
        return self.persons(set().union(*seen_with))

    def crossing(self, observations: Sequence[Observation], least: Trust) -> Group:
        """Give the identifiers seen with more than `hub_limit` persons by observations of at least this trust."""
        limit = self.rules.hub_limit
        if limit is None:
            return frozenset()
        counted = [o for o in observations if o.trust >= least]
        everything = {i for o in counted for i in o.identifiers if self.kind(i) is not NamespaceClass.EVIDENCE}
        candidates = everything - self.persons(everything)
        return frozenset(i for i in candidates if len(self.companions(i, counted)) > limit)

    def clean(self, observations: Sequence[Observation]) -> list[Sight]:
        """Sort into the replay's order and take out hubs, evidence and asserted floods."""
        by_key = {o.key: o for o in observations}
        hubs = self.crossing(observations, Trust.SERVER)
        flooded = self.crossing(observations, Trust.PROBABLE) - hubs
        return [sight for key in sorted(by_key) for sight in self.parts(by_key[key], hubs, flooded)]

    def parts(self, observation: Observation, hubs: Group, flooded: Group) -> list[Sight]:
        """Give what is left of an observation, then each flooded identifier of an asserted one that names several."""
        seen = frozenset(i for i in observation.identifiers if self.kind(i) is not NamespaceClass.EVIDENCE) - hubs
        apart = observation.trust <= Trust.ASSERTED and len(observation.identifiers) > 1
        alone = seen & flooded if apart else frozenset[Identifier]()
        rest = [Sight(key=observation.key, seen=frozenset({i}), main=False) for i in sorted(alone)]
        return [Sight(key=observation.key, seen=seen - alone, main=True), *rest]

    # -- replay -------------------------------------------------------------------------------------------------

    def step(self, world: World, sight: Sight) -> None:
        """Replay one observation, or a part of it."""
        self.expire(world, sight)
        touching = {j for i in sight.seen for j in self.group(i)}
        touched = [c for c in world.clusters if c & touching]
        pool = sight.seen.union(*touched)
        sighted = {pair(a, b) for a, b in combinations(sight.seen, 2)}
        new = sighted - set(world.links)
        for p in sighted:
            old = world.links.get(p, Link(trust=sight.key.trust, age=sight.key.at))
            world.links[p] = Link(trust=max(old.trust, sight.key.trust), age=max(old.age, sight.key.at))
        rebuilt = self.rebuild(world, pool, sighted, new, by=sight.key.id)
        world.clusters = [c for c in world.clusters if c not in touched] + rebuilt
        self.name(world)

    def expire(self, world: World, sight: Sight) -> None:
        """Drop the links of an identifier unseen for longer than its namespace's ttl, and note the sighting."""
        at = sight.key.at
        for i in sight.seen:
            ttl = self.namespace(i).ttl
            if ttl is not None and i in world.last_seen and at - world.last_seen[i] > ttl:
                world.links = {p: link for p, link in world.links.items() if i not in p}
            world.first_seen.setdefault(i, at)
            world.last_seen[i] = at

    def rebuild(self, world: World, pool: Group, sighted: set[Pair], new: set[Pair], *, by: str) -> list[Group]:
        """Give the clusters that the pool's links make, added in order, each skipped that would break a limit."""
        clusters = {self.group(i) & pool for i in pool}
        inside = [ends for ends in world.links if pool.issuperset(ends)]
        for ends in sorted(inside, key=lambda p: self.order(p, world.links[p], sighted=p in sighted, new=p in new)):
            left = next(c for c in clusters if ends[0] in c)
            right = next(c for c in clusters if ends[1] in c)
            broken = frozenset[str]() if left == right else self.broken(left, right, world.links[ends].trust)
            if broken:
                del world.links[ends]
                world.refused[ends] = Refusal(broken, by)
                continue
            world.refused.pop(ends, None)
            clusters = (clusters - {left, right}) | {left | right}
        return list(clusters)

    def order(self, ends: Pair, link: Link, *, sighted: bool, new: bool) -> tuple[object, ...]:
        """Give the place of a link in a rebuild."""
        asserted_contact = link.trust <= Trust.ASSERTED and bool(self.contacts(ends))
        first = self.rules.conflict == "first" or (self.rules.asserted_contacts == "first" and asserted_contact)
        position = (2 if new else 1) if first else (0 if sighted else 1)
        total = self.namespace(ends[0]).priority + self.namespace(ends[1]).priority
        age = link.age.timestamp() if first else -link.age.timestamp()
        return (-link.trust, position, total, first, age, *ends)

    def broken(self, left: Group, right: Group, trust: Trust) -> frozenset[str]:
        """Name every limit that joining two clusters would break."""
        both = left | right
        reasons = set()
        for name in {i.namespace for i in both}:
            limit = self.namespace(Identifier(name, "")).limit
            if limit is not None and len({self.group(i) for i in both if i.namespace == name}) > limit:
                reasons.add("limit")
        if len({self.group(i) for i in both}) > self.rules.profile_cap:
            reasons.add("profile_cap")
        groups = {self.group(i) for i in both}
        if any(self.group(a) in groups and self.group(b) in groups for a, b in self.cannot):
            reasons.add("cannot_link")
        if trust <= Trust.ASSERTED and self.persons(left) and self.persons(right):
            reasons.add("asserted")
        return frozenset(reasons)

    # -- names --------------------------------------------------------------------------------------------------

    def founder(self, cluster: Group, first_seen: Mapping[Identifier, datetime]) -> Identifier:
        """Give the identifier after which a profile is named."""
        leading = cluster if self.rules.founder == "any" else self.leading(cluster)
        return min(leading, key=lambda i: (first_seen[i], self.namespace(i).priority, i.namespace, i.value))

    def leading(self, cluster: Group) -> Group:
        """Keep the persons with limit 1, else the other persons, else the contacts, else all."""
        persons = self.persons(cluster)
        single = frozenset(i for i in persons if self.namespace(i).limit == 1)
        return single or persons or self.contacts(cluster) or cluster

    def name(self, world: World) -> None:
        """Count up the generation of founders that ceased, and redirect what they gave up."""
        founders = {self.founder(c, world.first_seen): c for c in world.clusters}
        for gone in world.founding - set(founders):
            old = Named(gone, world.generations.get(gone, 0))
            heir = next(f for f, c in founders.items() if gone in c)
            world.redirects[old] = Named(heir, world.generations.get(heir, 0))
            world.generations[gone] = old.generation + 1
        world.founding = frozenset(founders)


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """Whose each observation and device is: claims walked in the replay's order, profiles as they are today."""

    oracle: Oracle
    sights: Sequence[Sight]
    after: Mapping[ReplayKey, Sequence[Group]]
    today: Mapping[Identifier, Named]
    first_seen: Mapping[Identifier, datetime]

    def claims(self, identifiers: Group) -> list[Sight]:
        """Give the claims that any of these identifiers carries."""
        o = self.oracle
        return [s for s in self.sights if s.seen & identifiers and (o.persons(s.seen) or o.contacts(s.seen))]

    def standing(self, claims: Iterable[Sight]) -> Sight | None:
        """Walk claims: each takes the place of the standing one unless its trust is lower."""
        stands: Sight | None = None
        for claim in claims:
            if stands is None or claim.key.trust >= stands.key.trust:
                stands = claim
        return stands

    def held(self, sight: Sight, identifier: Identifier) -> Named:
        """Give the person whom the identifier's profile held right after the observation, else its own profile."""
        cluster = next(c for c in self.after[sight.key] if identifier in c)
        persons = self.oracle.persons(cluster)
        if not persons:
            return self.today[identifier]
        return self.today[self.oracle.founder(self.oracle.leading(persons), self.first_seen)]

    def of(self, sight: Sight) -> Named | None:
        """Give the profile an observation belongs to; None: nobody's."""
        o = self.oracle
        if not sight.seen:
            return None
        if o.persons(sight.seen):
            return self.today[o.first(o.persons(sight.seen))]
        if o.contacts(sight.seen):
            return self.of_contact(sight, o.first(o.contacts(sight.seen)))
        return self.of_devices(sight, sight.seen)

    def of_contact(self, sight: Sight, contact: Identifier) -> Named:
        """Give the profile of a claim that names no person."""
        o = self.oracle
        claims = [s for s in self.claims(frozenset({contact})) if o.persons(s.seen)]
        before = self.standing(s for s in claims if s.key < sight.key)
        after = next((s for s in claims if s.key > sight.key), None)
        claim = before or after
        return self.held(sight, contact) if claim is None else self.today[o.first(o.persons(claim.seen))]

    def of_devices(self, sight: Sight, devices: Group) -> Named | None:
        """Give the profile of an observation without claim."""
        rules = self.oracle.rules
        claims = self.claims(devices)
        before = [c for c in claims if c.key < sight.key]
        after = [c for c in claims if c.key > sight.key]
        if rules.after_logout == "anonymous" and before:
            return None
        if not claims:
            return self.held(sight, self.oracle.first(devices))
        if rules.device_owner == "first_login":
            return self.of(claims[0])
        if rules.device_owner == "nobody":
            owners = {self.of(c) for c in claims}
            return owners.pop() if len(owners) == 1 else None
        known = claims if rules.device_owner == "newest_login" else before
        each = [self.standing(c for c in known if device in c.seen) for device in devices]
        latest = max((c for c in each if c is not None), key=lambda c: c.key, default=None)
        return self.of(after[0] if latest is None else latest)

    def intervals(self, device: Identifier) -> list[Owned]:
        """Give the owners of a device over all of time; one that nobody claimed is its own profile's."""
        claims = self.claims(frozenset({device}))
        rules = self.oracle.rules
        newest = self.standing(claims)
        if newest is None:
            return [Owned(device, None, None, self.today[device])]
        if rules.device_owner == "interval":
            starts = self.changes(claims)
        elif rules.device_owner == "newest_login":
            starts = [(None, self.of(newest))]
        elif rules.device_owner == "first_login":
            starts = [(None, self.of(claims[0]))]
        else:
            owners = {self.of(c) for c in claims}
            starts = [(None, owners.pop() if len(owners) == 1 else None)]
        if rules.after_logout == "anonymous":
            starts = [starts[0], (claims[0].key.at, None)]
        return self.joined(device, starts)

    def changes(self, claims: Sequence[Sight]) -> list[tuple[datetime | None, Named | None]]:
        """Give the moments at which the standing claim changes; the first reaches back without bound."""
        starts: list[tuple[datetime | None, Named | None]] = []
        for n, claim in enumerate(claims):
            if self.standing(claims[: n + 1]) is claim:
                starts.append((claim.key.at if starts else None, self.of(claim)))
        return starts

    def joined(self, device: Identifier, starts: Sequence[tuple[datetime | None, Named | None]]) -> list[Owned]:
        """Make intervals of starts: empty ones are left out, equal neighbours joined."""
        ends = [start for start, _ in starts[1:]] + [None]
        whole: list[Owned] = []
        for (start, profile), end in zip(starts, ends, strict=True):
            if start is not None and start == end:
                continue
            if whole and whole[-1].profile == profile:
                whole[-1] = whole[-1]._replace(end=end)
            else:
                whole.append(Owned(device, start, end, profile))
        return whole


class Said(NamedTuple):
    """The newest word on a pair."""

    kind: JudgementKind
    ends: Pair


def standing(words: Sequence[Word], as_of: datetime | None) -> list[Said]:
    """Give the newest word on each pair (by time, then id, then place) of the judgements known and not undone then."""
    known = [(n, w) for n, w in enumerate(words) if as_of is None or w.at is None or w.at <= as_of]
    undone = [w.judgement for _, w in known if isinstance(w, Undo)]
    valid = [(n, w) for n, w in known if isinstance(w, Judgement) and w.id not in undone]
    dated = sorted(valid, key=lambda nw: (nw[1].at is not None and nw[1].at.timestamp(), nw[1].id, nw[0]))
    newest = {pair(a, b): j.kind for _, j in dated for a in sorted(j.left) for b in sorted(j.right)}
    return [Said(kind, ends) for ends, kind in newest.items()]


def must_groups(said: Iterable[Said]) -> tuple[Group, ...]:
    """Give the sets of identifiers that must-links hold together, transitively."""
    groups: set[Group] = set()
    for kind, ends in said:
        if kind is JudgementKind.MUST_LINK:
            both = frozenset(ends)
            met = {g for g in groups if g & both}
            groups = (groups - met) | {both.union(*met)}
    return tuple(groups)


def contradictory(words: Sequence[Word], as_of: datetime | None = None) -> bool:
    """Tell whether the must-links join what a cannot-link holds apart."""
    said = standing(words, as_of)
    groups = must_groups(said)
    return any(
        set(ends) <= g or ends[0] == ends[1]
        for kind, ends in said
        if kind is JudgementKind.CANNOT_LINK
        for g in (*groups, frozenset(ends[:1]))
    )


def forbidden(observation: Observation, erasures: Iterable[Buried]) -> bool:
    """Tell whether an observation names what was erased, and is older than that or not trusted."""
    return any(
        e.values.intersection(observation.identifiers) and (observation.at <= e.at or observation.trust < Trust.SERVER)
        for e in erasures
    )


def oracle(
    observations: Sequence[Observation],
    rules: LinkingRules,
    judgements: Sequence[Word] = (),
    as_of: datetime | None = None,
    erasures: Sequence[Buried] = (),
) -> Answer:
    """Give R(facts, rules) as of a moment (None: of all facts); what was erased is so as of every moment."""
    valid = standing(judgements, as_of)
    judge = Oracle(
        rules=rules,
        must=must_groups(valid),
        cannot=frozenset(said.ends for said in valid if said.kind is JudgementKind.CANNOT_LINK),
    )
    believed = [o for o in observations if not forbidden(o, erasures)]
    known = [o for o in believed if as_of is None or o.known_at <= as_of]
    sights = judge.clean(known)
    world = World(generations=dict(Counter(value for e in erasures for value in e.values)))
    after: dict[ReplayKey, Sequence[Group]] = {}
    for sight in sights:
        judge.step(world, sight)
        if sight.main:
            after[sight.key] = world.clusters
    return _answer(judge, world, known, [s for s in sights if s.main], after)


def _answer(
    judge: Oracle,
    world: World,
    known: Sequence[Observation],
    sights: Sequence[Sight],
    after: Mapping[ReplayKey, Sequence[Group]],
) -> Answer:
    """Say what the end of the replay means."""
    profiles = {}
    for cluster in world.clusters:
        founder = judge.founder(cluster, world.first_seen)
        profiles[Named(founder, world.generations.get(founder, 0))] = cluster
    today = {i: name for name, cluster in profiles.items() for i in cluster}
    ledger = Ledger(oracle=judge, sights=sights, after=after, today=today, first_seen=world.first_seen)
    hubs = judge.crossing(known, Trust.SERVER)
    return Answer(
        profiles=profiles,
        refused=world.refused,
        redirects={old: _follow(new, world.redirects) for old, new in world.redirects.items()},
        attribution={s.key: ledger.of(s) for s in sights},
        owners=tuple(o for device in sorted(judge.devices(today)) for o in ledger.intervals(device)),
        shared={h: frozenset(today[p] for p in judge.companions(h, known)) for h in hubs},
    )


def _follow(name: Named, redirects: Mapping[Named, Named]) -> Named:
    """Follow redirects to a live profile."""
    while name in redirects:
        name = redirects[name]
    return name
