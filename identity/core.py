"""What decides how a contested profile divides: the least spanning tree of its links, in the order they are added in.

A link that is not in the tree comes after all those on the way between its ends, and so never joins anything.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from identity.identifiers import Identifier
from identity.judgements import Pair
from identity.observations import Trust


class Weight(NamedTuple):
    """What a link weighs: its highest trust and its latest sighting, since it was last refused."""

    trust: Trust
    age: datetime


Order = tuple[int, int, int, bool, float, Pair]
"""A link's place in a rebuild: trust, place, sum of priorities, whether the first counts, age, the pair."""

Ranked = tuple[Order, Weight]


class Core:
    """A profile's tree and neighbourhoods, kept from one contest to the next.

    `links`, with those seen `again` since, hold every link of the least spanning tree. `near` are the neighbours of
    each member.
    """

    __slots__ = ("again", "links", "near")

    def __init__(self) -> None:
        self.links: list[Ranked] = []
        self.again: set[Pair] = set()
        self.near: dict[Identifier, set[Identifier]] = {}

    def see(self, pairs: Iterable[Pair]) -> None:
        """Note links made, seen again or come from elsewhere."""
        for pair in pairs:
            self.again.add(pair)
            self.meet(pair)

    def meet(self, pair: Pair) -> None:
        """Note two neighbours."""
        left, right = pair
        self.near.setdefault(left, set()).add(right)
        self.near.setdefault(right, set()).add(left)

    def part(self, identifier: Identifier) -> set[Identifier]:
        """Let go of an identifier; give its neighbours."""
        others = self.near.pop(identifier, set())
        for other in others:
            self.near[other].discard(identifier)
        return others

    def absorb(self, other: "Core") -> None:
        """Take over the core of a profile that shares no identifier with this one."""
        self.links += other.links
        self.again |= other.again
        self.near |= other.near


def spanning(links: list[Ranked]) -> list[Ranked]:
    """Sort links, and give the least spanning forest of them, in order (Kruskal 1956)."""
    links.sort(key=_by_order)
    parent: dict[Identifier, Identifier] = {}
    tree: list[Ranked] = []
    for entry in links:
        left, right = entry[0][-1]
        while (up := parent.get(left, left)) != left:
            parent[left] = left = parent.get(up, up)
        while (up := parent.get(right, right)) != right:
            parent[right] = right = parent.get(up, up)
        if left != right:
            parent[left] = right
            tree.append(entry)
    return tree


def _by_order(link: Ranked) -> Order:
    """Give what a link is sorted by."""
    return link[0]
