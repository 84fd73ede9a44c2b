"""A least spanning tree, kept from link to link: what decides how a contested profile divides.

A link that is not in it comes after all those on the way between its ends, and so never joins anything.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping

from identity.identifiers import Identifier
from identity.judgements import Pair
from identity.replaying.ranking import Ranked, by_order

Near = Mapping[Identifier, Iterable[Identifier]]
"""Everybody's neighbours, by links of the tree or others."""


def spanning(links: list[Ranked]) -> list[Ranked]:
    """Sort links, and give the least spanning forest of them, in order (Kruskal 1956)."""
    links.sort(key=by_order)
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


class Tree:
    """The least spanning tree of the links it took; `links` are those in it, in order.

    All but one identifier know the link that leads up, towards that one. A link costs the ways from its ends up: few
    steps, for most links end in the person (Sleator and Tarjan 1983 bound them, at a price that does not pay here).
    """

    __slots__ = ("_up", "links")

    def __init__(self, links: Iterable[Ranked]) -> None:
        self.links = list(links)
        self._up: dict[Identifier, Ranked] = {}
        for entry in self.links:
            self._hang(entry)

    def copy(self) -> "Tree":
        """Give the same, of its own."""
        tree = Tree(())
        tree.links, tree._up = self.links.copy(), self._up.copy()
        return tree

    def find(self, pair: Pair) -> Ranked | None:
        """Give the link between two identifiers, if it is in the tree."""
        for end in pair:
            up = self._up.get(end)
            if up is not None and up[0][-1] == pair:
                return up
        return None

    def take(self, entry: Ranked) -> None:
        """Take a link, or one that comes earlier in the order now."""
        way = self._way(entry[0][-1])
        if way is not None:
            last = max(way, key=by_order)
            if last[0] < entry[0]:
                return
            self.cut(last)
        self.join(entry)

    def join(self, entry: Ranked) -> None:
        """Let a link join two that hang together by no other."""
        insort(self.links, entry, key=by_order)
        self._hang(entry)

    def cut(self, entry: Ranked) -> None:
        """Let go of a link of the tree."""
        del self._up[self._lower(entry)]
        self._strike(entry)

    def below(self, entry: Ranked, near: Near) -> set[Identifier]:
        """Give one of the two sides that a link of the tree holds together."""
        found = [self._lower(entry)]
        for above in found:
            found += [i for i in near[above] if (up := self._up.get(i)) is not None and _other(up, i) == above]
        return set(found)

    def _way(self, pair: Pair) -> list[Ranked] | None:
        """Give the links of the tree between two identifiers; None if it does not join them."""
        at, right = pair
        ups: list[Ranked] = []
        steps = {at: 0}
        while (up := self._up.get(at)) is not None:
            ups.append(up)
            at = _other(up, at)
            steps[at] = len(ups)
        way: list[Ranked] = []
        at = right
        while at not in steps:
            up = self._up.get(at)
            if up is None:
                return None
            way.append(up)
            at = _other(up, at)
        return [*ups[: steps[at]], *way]

    def _hang(self, entry: Ranked) -> None:
        """Let a link lead up from one of its ends, and turn the links that led up from there."""
        left, right = entry[0][-1]
        at, up = (right, entry) if right not in self._up else (left, entry)
        while (former := self._up.get(at)) is not None:
            self._up[at] = up
            at, up = _other(former, at), former
        self._up[at] = up

    def _lower(self, entry: Ranked) -> Identifier:
        """Give the end of a link of the tree that it leads up from."""
        left, right = entry[0][-1]
        return left if self._up.get(left) is entry else right

    def _strike(self, entry: Ranked) -> None:
        """Take a link out of the order."""
        del self.links[bisect_left(self.links, entry[0], key=by_order)]


def _other(entry: Ranked, end: Identifier) -> Identifier:
    """Give a link's other end."""
    left, right = entry[0][-1]
    return right if left == end else left
