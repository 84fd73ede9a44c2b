"""How components grow, fact by fact and block by block: what `identity.incremental` leaves in a store, in numbers.

It holds where nothing is contested and no hub is about: then each component is one profile at every moment, its founder
the first by rank of those seen so far, and of components that become one the one with the most facts keeps its number.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit

from identity.frames.chunks import Starts
from identity.frames.components import Bools, find
from identity.frames.interning import Ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Grown:
    """What one block changes: entries whose component or founder is another, founders that are new, components.

    `former`: the founder that each of `changed` had, -1 where it was never seen.
    """

    changed: Ids
    former: Ids
    founders: Ids
    touched: list[int]


@dataclass(slots=True, kw_only=True)
class Growth:
    """Components as they stand; entries[starts[i]:starts[i + 1]] are what fact `i` names, in the order that counts.

    `hard` marks entries that are left to others; `rank` orders founders. By entry: `node` is its number in the store
    (-1: not seen yet), `number` and `head` its component's number and founder, as they were last given out.
    """

    starts: Starts
    entries: Ids
    hard: Bools
    rank: Ids
    names: int
    node: Starts
    number: Starts
    head: Ids
    _component: "_Components"
    _issued: Bools

    @classmethod
    def nothing(cls, starts: Starts, entries: Ids, hard: Bools, rank: Ids, names: int) -> "Growth":
        """Begin with no fact; `names` is how many numbers each fact has for what it names first."""
        count = len(rank)
        return cls(
            starts=starts,
            entries=entries,
            hard=hard,
            rank=rank,
            names=names,
            node=np.full(count, -1, np.int64),
            number=np.full(count, -1, np.int64),
            head=np.full(count, -1, np.int32),
            _component=_Components.alone(count),
            _issued=np.zeros(count, np.bool_),
        )

    def hard_facts(self, begin: int, end: int) -> Bools:
        """Tell which of some facts are left to others; those that name nobody are, too."""
        sizes = np.diff(self.starts[begin : end + 1])
        firsts = self.entries[np.minimum(self.starts[begin:end], max(len(self.entries) - 1, 0))]
        return (sizes == 0) | self.hard[firsts] if len(self.entries) else np.ones(end - begin, np.bool_)

    def block(self, begin: int, seqs: Starts) -> Grown:
        """Take in the facts from `begin` on, under these numbers; -1 passes over one."""
        c = self._component
        first = np.full(len(seqs), -1, np.int32)
        of = (c.parent, c.number, c.facts, c.expected, c.head, c.following)
        _take(self.starts, self.entries, self.hard, self.rank, begin, self.names, seqs, self.node, *of, first)
        changed, former = np.empty(len(self.rank), np.int32), np.empty(len(self.rank), np.int32)
        founders = np.empty(len(seqs), np.int32)
        touched = np.empty(len(seqs), np.int64)
        counts = _settle(first, *of, self.number, self.head, self._issued, changed, former, founders, touched)
        return Grown(
            changed=changed[: counts[0]],
            former=former[: counts[0]],
            founders=founders[: counts[1]],
            touched=touched[: counts[2]].tolist(),
        )


@dataclass(slots=True, kw_only=True)
class _Components:
    """By entry, and of a component where its root is: its number, facts taken in and expected, founder, members."""

    parent: Ids
    number: Starts
    facts: Starts
    expected: Starts
    head: Ids
    following: Ids

    @classmethod
    def alone(cls, count: int) -> "_Components":
        each = np.arange(count, dtype=np.int32)
        return cls(
            parent=each.copy(),
            number=np.full(count, -1, np.int64),
            facts=np.zeros(count, np.int64),
            expected=np.zeros(count, np.int64),
            head=each.copy(),
            following=each.copy(),
        )


@njit(cache=True)
def _take(
    starts: Starts,
    entries: Ids,
    hard: Bools,
    rank: Ids,
    begin: int,
    names: int,
    seqs: Starts,
    node: Starts,
    parent: Ids,
    number: Starts,
    facts: Starts,
    expected: Starts,
    head: Ids,
    following: Ids,
    first: Ids,
) -> None:
    """Join what each fact names into the biggest component that it reaches, the first of equals."""
    for place in range(len(seqs)):
        one, last = starts[begin + place], starts[begin + place + 1]
        if seqs[place] < 0 or one == last or hard[entries[one]]:
            continue
        into = -1
        for at in range(one, last):
            if node[entries[at]] >= 0:
                root = find(parent, entries[at])
                if into < 0 or facts[root] > facts[into]:
                    into = root
        for at in range(one, last):
            if node[entries[at]] < 0:
                node[entries[at]] = seqs[place] * names + (at - one)
        if into < 0:
            into = entries[one]
            number[into] = node[into]
        for at in range(one, last):
            root = find(parent, entries[at])
            if root != into:
                parent[root] = into
                facts[into] += facts[root]
                expected[into] += expected[root]
                if rank[head[root]] < rank[head[into]]:
                    head[into] = head[root]
                following[into], following[root] = following[root], following[into]
        expected[into] += 1
        first[place] = entries[one]


@njit(cache=True)
def _settle(
    first: Ids,
    parent: Ids,
    number: Starts,
    facts: Starts,
    expected: Starts,
    head: Ids,
    following: Ids,
    number_of: Starts,
    head_of: Ids,
    issued: Bools,
    changed: Ids,
    former: Ids,
    founders: Ids,
    touched: Starts,
) -> tuple[int, int, int]:
    """Count what was expected as taken in, and give what is another than before: entries, founders, components."""
    entries, new, components = 0, 0, 0
    for entry in first:
        root = find(parent, entry) if entry >= 0 else -1
        if root < 0 or expected[root] == 0:
            continue
        facts[root] += expected[root]
        expected[root] = 0
        touched[components] = number[root]
        components += 1
        if not issued[head[root]]:
            issued[head[root]] = True
            founders[new] = head[root]
            new += 1
        member = root
        while True:
            if number_of[member] != number[root] or head_of[member] != head[root]:
                changed[entries], former[entries] = member, head_of[member]
                number_of[member], head_of[member] = number[root], head[root]
                entries += 1
            member = following[member]
            if member == root:
                break
    return entries, new, components
