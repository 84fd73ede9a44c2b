"""What comes off where nothing but the cap keeps some from being one profile: the ends of its last links.

Links are added in order. Let the last of all come after those at hand: what it joins is complete on either side before
its turn. So it is refused, and with it every link across, if only both sides together are too many; and so is the last
one of the side that is at hand, as long as that is too many by itself. No two must-linked identifiers are among them,
every limit but the cap holds for all together, and at most one old cluster or fresh identifier has a person.
(tests/identity/replaying/test_replay.py compares whole rebuilds.)
"""

from collections.abc import Collection, Iterator, Sequence
from collections.abc import Set as AbstractSet
from heapq import merge

from identity.identifiers import Identifier
from identity.replaying.clusters import Cluster
from identity.replaying.ranking import Order, Ranked, Ranking
from identity.replaying.tree import spanning

Part = tuple[Cluster, set[Identifier]]
"""A cluster, and the members that come off it."""


def comes_off(
    old: Collection[Cluster], fresh: Collection[Identifier], placed: Sequence[Ranked], ranking: Ranking, cap: int
) -> list[Part] | None:
    """Give what comes off old clusters as links at hand join them and fresh ones; None where more is at stake."""
    at_hand = frozenset(order[-1] for order, _ in placed)
    named = frozenset(identifier for pair in at_hand for identifier in pair)
    latest = spanning(list(placed))[-1][0]
    size = sum(len(cluster.members) for cluster in old) + len(fresh)
    gone: set[Identifier] = set()
    parts: list[Part] = []
    for order, link, home in _last_first(old, ranking):
        if size <= cap:
            break
        if order[-1] in at_hand or not gone.isdisjoint(order[-1]):
            continue
        off = _beyond(link, home, named)
        if order < latest or not off:
            return None
        parts.append((home, off))
        gone |= off
        size -= len(off)
    return parts if size <= cap and _stay_off(parts, gone, cap - size) else None


def _last_first(old: Collection[Cluster], ranking: Ranking) -> Iterator[tuple[Order, Ranked, Cluster]]:
    """Give the links of the clusters' least spanning trees, the last in the order first."""
    return merge(*(_of_one(cluster, ranking) for cluster in old), key=lambda each: each[0], reverse=True)


def _of_one(cluster: Cluster, ranking: Ranking) -> Iterator[tuple[Order, Ranked, Cluster]]:
    return ((link[0], link, cluster) for link in reversed(cluster.tree(ranking).links))


def _beyond(link: Ranked, home: Cluster, named: AbstractSet[Identifier]) -> set[Identifier]:
    """Give the side of a link on which none is that was named; empty if some are on either."""
    below = home.below(link)
    here = named & home.members
    if here.isdisjoint(below):
        return below
    return home.members - below if here <= below else set()


def _stay_off(parts: Sequence[Part], gone: AbstractSet[Identifier], room: int) -> bool:
    """Tell whether none of these parts may be joined again, to the rest or to one another."""
    if any(len(off) <= room for _, off in parts):
        return False
    if len(parts) == 1:
        return True
    return all((home.neighbours(off) & gone) <= off for home, off in parts)
