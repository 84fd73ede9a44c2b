"""A contest that divides what it touches into no more than two: the links of the old clusters go to the new ones."""

from collections.abc import Sequence

from identity.identifiers import Identifier
from identity.judgements import Pair
from identity.judgements import pair as linking
from identity.replaying.clusters import Cluster
from identity.replaying.core import Core
from identity.replaying.ranking import Ranked, Weight


class Division:
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

    def see(self, link: Pair, weight: Weight) -> bool:
        """Note a link of the observation at hand; False if its ends are in two clusters."""
        cluster = self._home[link[0]]
        if self._home[link[1]] is not cluster:
            return False
        cluster.links[link] = weight
        self._cores[id(cluster)].see([link])
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
        core.loose += stays
        heir.links |= old.links
        if old.core is not None:
            core.near |= old.core.near

    def _carry(self, identifier: Identifier, heir: Cluster) -> dict[Pair, Weight]:
        """Take an identifier's links along to where it is now; give those it leaves behind."""
        home = self._home[identifier]
        parted: dict[Pair, Weight] = {}
        for other in self._cores[id(heir)].part(identifier):
            linked = linking(identifier, other)
            weight = heir.links.pop(linked)
            if other in home.members:
                home.links[linked] = weight
                self._cores[id(home)].see([linked])
            else:
                parted[linked] = weight
        return parted
