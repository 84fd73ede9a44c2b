"""A profile in the making: what the replay knows of its members, and joins, and lets come off."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from identity.core import Core, core_of
from identity.founding import Rank
from identity.identifiers import Identifier
from identity.judgements import Pair
from identity.observations import ReplayKey
from identity.ranking import Ranked, Ranking, Weight
from identity.tree import Tree


@dataclass(slots=True, eq=False)
class Cluster:
    """A profile in the making.

    `counts` has the distinct values of each limited namespace and `size` all identifiers, must-linked ones once.
    `founder` and `person` are the least by rank among all and among the person-class ones. `since` is the place in the
    replay from which on it has consisted of these members. `holder` alone may change it. `core` is kept from its first
    contest on.
    """

    members: set[Identifier]
    links: dict[Pair, Weight]
    counts: dict[str, int]
    size: int
    founder: tuple[Rank, Identifier]
    person: tuple[Rank, Identifier] | None
    since: ReplayKey
    holder: object
    core: Core | None = None

    def take_in(self, other: "Cluster") -> None:
        """Take in another one, of other members."""
        self.members |= other.members
        self.links |= other.links
        if self.core is not None:
            self.core.see(other.links)
        for name, count in other.counts.items():
            self.counts[name] = self.counts.get(name, 0) + count
        self.size += other.size
        self.founder = min(self.founder, other.founder)
        if other.person is not None:
            self.person = other.person if self.person is None else min(self.person, other.person)

    def tree(self, ranking: Ranking) -> Tree:
        """Give the least spanning tree of its links, ranked as none of them is at hand."""
        if self.core is None:
            self.core = core_of(self.links, ranking)
        return self.core.settle(self.links, ranking)

    def below(self, last: Ranked) -> set[Identifier]:
        """Give the members on one side of a link of its tree."""
        return set() if self.core is None else self.core.below(last)

    def part(self, off: "Cluster") -> list[Pair]:
        """Hand some members' links over to the cluster that they are now; give those left behind, in between.

        This one was asked for its tree before. Neither founders nor persons are told anew.
        """
        between = []
        for pair in () if self.core is None else self.core.release(off.members):
            weight = self.links.pop(pair)
            if off.members.issuperset(pair):
                off.links[pair] = weight
            else:
                between.append(pair)
        self.members -= off.members
        for name, count in off.counts.items():
            self.counts[name] -= count
        self.size -= off.size
        return between

    def copy(self, holder: object) -> "Cluster":
        """Give the same for another holder."""
        return replace(
            self,
            members=set(self.members),
            links=dict(self.links),
            counts=dict(self.counts),
            holder=holder,
            core=None if self.core is None else self.core.copy(),
        )


def comes_off(
    old: Collection[Cluster], fresh: Collection[Identifier], placed: Sequence[Ranked], ranking: Ranking, cap: int
) -> tuple[Cluster, set[Identifier]] | None:
    """Give the members that come off, and of which cluster, where nothing but the cap keeps some from being one.

    `placed` are the links at hand. Where the last of all links in the order is none of these, what it joins is
    complete on either side before its turn. So it is refused, and with it each link across, if only both sides
    together are too many. None where that is not so, or where what is at hand holds both sides together.
    """
    incoming = frozenset(order[-1] for order, _ in placed)
    others = ((next((e for e in reversed(c.tree(ranking).links) if e[0][-1] not in incoming), None), c) for c in old)
    ends = [(entry, cluster) for entry, cluster in others if entry is not None]
    last, home = max(ends, key=lambda end: end[0][0], default=(None, None))
    if last is None or home is None or last[0] < placed[-1][0]:
        return None
    below, named = home.below(last), {i for pair in incoming for i in pair if i in home.members}
    if named <= below:
        off = home.members - below
    elif named.isdisjoint(below):
        off = below
    else:
        return None
    return (home, off) if sum(len(c.members) for c in old) + len(fresh) - len(off) <= cap else None
