"""What is kept of a contested profile from one contest to the next, so that the next one costs what is new."""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet

from identity.identifiers import Identifier
from identity.judgements import Pair
from identity.judgements import pair as linking
from identity.replaying.ranking import Ranked, Ranking, Weight
from identity.replaying.tree import Tree, spanning


class Core:
    """A profile's least spanning tree and neighbourhoods.

    The links of its `tree`, or where none stands yet the `loose` ones, have with those seen `again` since every link
    of the least spanning tree. `near` are the neighbours of each member.
    """

    __slots__ = ("again", "loose", "near", "tree")

    def __init__(self) -> None:
        self.tree: Tree | None = None
        self.loose: list[Ranked] = []
        self.again: set[Pair] = set()
        self.near: dict[Identifier, set[Identifier]] = {}

    def copy(self) -> "Core":
        """Give the same, of its own."""
        core = Core()
        core.tree = None if self.tree is None else self.tree.copy()
        core.loose, core.again = self.loose.copy(), self.again.copy()
        core.near = {identifier: others.copy() for identifier, others in self.near.items()}
        return core

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

    @property
    def _settled(self) -> Tree:
        if self.tree is None or self.again:
            raise RuntimeError("settle() comes first")
        return self.tree

    def release(self, gone: Iterable[Identifier]) -> Iterator[Pair]:
        """Let go of identifiers; give the pairs they were linked in."""
        for identifier in gone:
            for other in self.part(identifier):
                linked = linking(identifier, other)
                link = self._settled.find(linked)
                if link is not None:
                    self._settled.cut(link)
                yield linked

    def below(self, link: Ranked) -> set[Identifier]:
        """Give one of the two sides that a link of the tree holds together."""
        return self._settled.below(link, self.near)

    def settle(self, links: Mapping[Pair, Weight], ranking: Ranking) -> Tree:
        """Bring the tree in step with a profile's links."""
        again = [_ranked(pair, links, ranking) for pair in self.again]
        if self.tree is not None:
            self._take(self.tree, again, links, ranking)
        elif any(order[3] for order, _ in again):
            # It may come later in the order than it did, and another, which is not at hand here, before it.
            self.tree = Tree(spanning([_ranked(pair, links, ranking) for pair in links]))
        else:
            self.tree = Tree(spanning([*(e for e in self.loose if e[0][-1] not in self.again), *again]))
        self.loose, self.again = [], set()
        return self.tree

    def _take(self, tree: Tree, again: Iterable[Ranked], links: Mapping[Pair, Weight], ranking: Ranking) -> None:
        """Let the tree take links seen again: first those that come no later in the order than they did."""
        later = []
        for entry in again:
            former = tree.find(entry[0][-1])
            if former is not None and former[0] < entry[0]:
                later.append(entry[0][-1])
            else:
                tree.take(entry)
        for pair in later:
            former = tree.find(pair)
            if former is not None:
                side = tree.below(former, self.near)
                tree.cut(former)
                tree.join(min(_ranked(each, links, ranking) for each in self._across(side)))

    def _across(self, side: AbstractSet[Identifier]) -> Iterator[Pair]:
        """Give the links between some members and the others."""
        return (linking(i, other) for i in side for other in self.near[i] if other not in side)


def core_of(links: Mapping[Pair, Weight], ranking: Ranking) -> Core:
    """Make the core of a profile with these links."""
    core = Core()
    core.loose = [_ranked(pair, links, ranking) for pair in links]
    for pair in links:
        core.meet(pair)
    return core


def _ranked(pair: Pair, links: Mapping[Pair, Weight], ranking: Ranking) -> Ranked:
    """Give a link with its place in the order."""
    return ranking.standing(pair, links[pair]), links[pair]
