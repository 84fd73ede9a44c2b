"""Why two identifiers are one person's, or are not: the way from one to the other, and the least that holds them.

The way is the most probable chain of links (and judgements), taken as independent of each other. The weakest cut is the
set of links that would most probably all be wrong if the two were two persons after all.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from heapq import heappop, heappush
from math import exp, inf, log, log1p

from identity.component import Component
from identity.cut import minimum_cut
from identity.hubs import Hubs
from identity.identifiers import Identifier
from identity.judgements import Judgement, JudgementKind, Pair, Verdicts, pair, settle
from identity.links import Link, LinkState, links


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the way: from an identifier to the next, over a link or by a must-link judgement."""

    left: Identifier
    right: Identifier
    link: Link | None
    judgement: Judgement | None

    @property
    def holds(self) -> bool:
        """Whether it holds its two ends together today."""
        return self.judgement is not None or (self.link is not None and self.link.state is LinkState.KEPT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """The weakest cut: what would have to be wrong for two identifiers to be two persons'.

    `side` are the identifiers that would go with the first. `doubt` is the probability that all the links are wrong, if
    each is wrong independently of the others: between 0 and 1.
    """

    links: tuple[Link, ...]
    side: frozenset[Identifier]
    doubt: float


class Apart(StrEnum):
    """Why two identifiers are not in one profile."""

    UNKNOWN = "unknown"
    """One of them was never seen."""
    SHARED = "shared"
    """One of them is a hub: too many persons share it."""
    SHARED_BETWEEN = "shared_between"
    """Both were seen with a hub, which links nothing."""
    JUDGEMENT = "judgement"
    """A person decided so."""
    REFUSED = "refused"
    """A link on the only ways between them is refused."""
    EXPIRED = "expired"
    """A link on the way was dropped, for an end of it had not been seen for longer than its ttl."""
    NEVER_SEEN_TOGETHER = "never_seen_together"
    """No chain of observations leads from one to the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One reason why two identifiers are not in one profile, with the identifiers, link or judgement that make it."""

    why: Apart
    identifiers: tuple[Identifier, ...] = ()
    link: Link | None = None
    judgement: Judgement | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why two identifiers are in one profile, or why not.

    `way` leads from one to the other: together, over what holds; apart, over as few broken links as possible; empty if
    there is none. `cut` is there only where nothing but links holds them together. `reasons` tell why they are apart.
    """

    left: Identifier
    right: Identifier
    together: bool
    way: tuple[Step, ...]
    cut: Cut | None
    reasons: tuple[Reason, ...]


def explain(
    left: Identifier, right: Identifier, found: Sequence[Component], judgements: Sequence[Judgement], hubs: Hubs
) -> Explanation:
    """Explain why two identifiers are in one profile, or why not.

    `found` are the components that hold them (one, two or none), `judgements` those in force, oldest first, `hubs`
    those of the identifiers that were seen beside them (`seen_beside`). O(n log n) for n sightings of the components.
    Raises ContradictionError if the judgements cannot all hold.
    """
    decided = _Decided(judgements)
    homes = {i: c for i in (left, right) for c in found if i in c.known}
    if left not in homes or right not in homes or homes[left] is not homes[right]:
        return _parted(left, right, (), _outside(left, right, homes, decided, hubs))
    component = homes[left]
    known = links(component)
    way = _way(left, right, _steps(known.values(), decided.musts))
    if component.replay.cluster(left) is not component.replay.cluster(right):
        reasons = _reasons(left, right, component, way, decided) or _shared_between(left, right, homes, hubs)
        return _parted(left, right, way, reasons or [Reason(why=Apart.NEVER_SEEN_TOGETHER)])
    kept = [link for link in known.values() if link.state is LinkState.KEPT]
    cut = None if left == right else _cut(left, right, kept, decided.musts)
    return Explanation(left=left, right=right, together=True, way=way, cut=cut, reasons=())


class _Decided:
    """What people decided, as far as no newer word overrules it: the judgement behind each pair."""

    def __init__(self, judgements: Sequence[Judgement]) -> None:
        self.verdicts: Verdicts = settle(judgements)
        newest = {ends: judgement for judgement in judgements for ends in _pairs(judgement)}
        self.musts = {ends: j for ends, j in newest.items() if j.kind is JudgementKind.MUST_LINK}
        self.cannots = {ends: j for ends, j in newest.items() if j.kind is JudgementKind.CANNOT_LINK}

    def between(self, one: Iterable[Identifier], other: Iterable[Identifier]) -> list[Reason]:
        """Give the judgements that keep one side from the other, or who must be with one of each; one pair of each."""
        mine, theirs = (frozenset().union(*map(self.verdicts.group, side)) for side in (one, other))
        found: dict[int, Reason] = {}
        for (a, b), judgement in sorted(self.cannots.items(), key=lambda item: item[0]):
            if (a in mine and b in theirs) or (b in mine and a in theirs):
                reason = Reason(why=Apart.JUDGEMENT, identifiers=(a, b), judgement=judgement)
                found.setdefault(id(judgement), reason)
        return list(found.values())


def seen_beside(identifiers: Iterable[Identifier], found: Sequence[Component]) -> frozenset[Identifier]:
    """Give all that was seen together with the profiles of some identifiers: what `explain` asks the hubs of."""
    named = frozenset(identifiers)
    members = named.union(*(c.replay.cluster(i).members for c in found for i in named & c.known))
    beside = (o.identifiers for c in found for o in c.observations() if not members.isdisjoint(o.identifiers))
    return members.union(*beside)


def _parted(left: Identifier, right: Identifier, way: tuple[Step, ...], reasons: Sequence[Reason]) -> Explanation:
    return Explanation(left=left, right=right, together=False, way=way, cut=None, reasons=tuple(reasons))


# --- the way ---


def _steps(known: Iterable[Link], musts: Mapping[Pair, Judgement]) -> dict[Identifier, dict[Identifier, Step]]:
    """Give all steps from each identifier; where a person decided, that is the step."""
    steps: dict[Identifier, dict[Identifier, Step]] = {}
    for link in known:
        _both_ways(steps, link.left, link.right, link, None)
    for (one, other), judgement in musts.items():
        _both_ways(steps, one, other, None, judgement)
    return steps


def _both_ways(
    steps: dict[Identifier, dict[Identifier, Step]],
    one: Identifier,
    other: Identifier,
    link: Link | None,
    judgement: Judgement | None,
) -> None:
    """Note a step in both directions."""
    for a, b in ((one, other), (other, one)):
        steps.setdefault(a, {})[b] = Step(left=a, right=b, link=link, judgement=judgement)


def _pairs(judgement: Judgement) -> list[Pair]:
    """Give the pairs a judgement speaks of, in order."""
    return sorted({pair(one, other) for one in judgement.left for other in judgement.right if one != other})


def _way(
    left: Identifier, right: Identifier, steps: Mapping[Identifier, Mapping[Identifier, Step]]
) -> tuple[Step, ...]:
    """Find the way with the fewest broken steps, and of these the most probable (Dijkstra 1959)."""
    best: dict[Identifier, tuple[int, float]] = {left: (0, 0.0)}
    came: dict[Identifier, Step] = {}
    queue = [(0, 0.0, left)]
    while queue:
        broken, cost, node = heappop(queue)
        if node == right:
            break
        if (broken, cost) > best[node]:
            continue
        for other, step in steps.get(node, {}).items():
            longer = (broken + (not step.holds), cost + _cost(step))
            if longer < best.get(other, (len(steps) + 1, inf)):
                best[other], came[other] = longer, step
                heappush(queue, (*longer, other))
    return _back(left, right, came)


def _back(left: Identifier, right: Identifier, came: Mapping[Identifier, Step]) -> tuple[Step, ...]:
    """Follow the steps back to where the way began."""
    way: list[Step] = []
    at = right
    while at != left:
        if at not in came:
            return ()
        way.append(came[at])
        at = came[at].left
    return tuple(reversed(way))


def _cost(step: Step) -> float:
    """Give −ln of the probability that a step is right; what a person decided is."""
    return 0.0 if step.judgement is not None or step.link is None else -log(step.link.probability)


# --- the cut ---


def _cut(left: Identifier, right: Identifier, kept: Sequence[Link], musts: Iterable[Pair]) -> Cut | None:
    """Find the links that are most probably all wrong if the two are two persons; None where a judgement holds them.

    A link's capacity is −ln(1 − p) = ln(1 + odds), so that a cut's is −ln of the probability that all of it is wrong.
    """
    edges = [(link.left, link.right, log1p(link.odds)) for link in kept]
    bound = 1 + sum(capacity for _, _, capacity in edges)
    value, side = minimum_cut([*edges, *((*ends, bound) for ends in musts)], left, right)
    if value >= bound:
        return None
    crossing = tuple(link for link in kept if (link.left in side) is not (link.right in side))
    seen = frozenset(i for link in kept for i in (link.left, link.right)) | {left}
    return Cut(links=crossing, side=side & seen, doubt=exp(-value))


# --- why not ---


def _outside(
    left: Identifier, right: Identifier, homes: Mapping[Identifier, Component], decided: _Decided, hubs: Hubs
) -> list[Reason]:
    """Tell why two identifiers that no chain of links joins are apart."""
    reasons = [Reason(why=Apart.SHARED, identifiers=(i,)) for i in (left, right) if i in hubs.shared]
    unknown = [i for i in (left, right) if i not in homes and i not in hubs.shared]
    reasons += [Reason(why=Apart.UNKNOWN, identifiers=(i,)) for i in unknown]
    reasons += decided.between([left], [right])
    if left in homes and right in homes:
        reasons += _shared_between(left, right, homes, hubs)
    return reasons or [Reason(why=Apart.NEVER_SEEN_TOGETHER)]


def _shared_between(
    left: Identifier, right: Identifier, homes: Mapping[Identifier, Component], hubs: Hubs
) -> list[Reason]:
    """Give the hubs that the profiles of both were seen with."""
    one, other = (seen_beside([i], [homes[i]]) for i in (left, right))
    between = sorted(one & other & (hubs.shared | hubs.flooded))
    return [Reason(why=Apart.SHARED_BETWEEN, identifiers=(hub,)) for hub in between]


def _reasons(
    left: Identifier, right: Identifier, component: Component, way: Sequence[Step], decided: _Decided
) -> list[Reason]:
    """Tell why two identifiers of one raw component are in two profiles."""
    one, other = (component.replay.cluster(i).members for i in (left, right))
    reasons = decided.between(one, other)
    for step in way:
        if not step.holds and step.link is not None:
            why = Apart.EXPIRED if step.link.state is LinkState.EXPIRED else Apart.REFUSED
            reasons.append(Reason(why=why, identifiers=(step.left, step.right), link=step.link))
    return reasons
