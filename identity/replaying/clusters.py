"""A profile in the making: what the replay knows of its members, and joins, and lets come off."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from identity.identifiers import Identifier
from identity.judgements import Pair
from identity.observations import ReplayKey
from identity.replaying.core import Core, core_of
from identity.replaying.founding import Rank
from identity.replaying.ranking import Ranked, Ranking, Weight
from identity.replaying.tree import Tree


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

    @property
    def _core(self) -> Core:
        if self.core is None:
            raise RuntimeError("tree() comes first")
        return self.core

    def below(self, last: Ranked) -> set[Identifier]:
        """Give the members on one side of a link of its tree."""
        return self._core.below(last)

    def neighbours(self, members: Iterable[Identifier]) -> set[Identifier]:
        """Give all that some members are linked with; its tree was asked for before."""
        return {other for i in members for other in self._core.near.get(i, ())}

    def hand_over(self, off: "Cluster") -> dict[Pair, Weight]:
        """Hand some members' links over to the cluster that they are now; give those left behind, in between.

        This one was asked for its tree before. Neither founders nor persons are told anew.
        """
        between = {}
        for pair in self._core.release(off.members):
            weight = self.links.pop(pair)
            if off.members.issuperset(pair):
                off.links[pair] = weight
            else:
                between[pair] = weight
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
