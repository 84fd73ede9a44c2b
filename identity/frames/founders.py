"""Who founds each component that is not contested: its least by class, first sighting, priority, namespace, value."""

import numpy as np
import numpy.typing as npt
from numba import njit, prange

from identity.frames.chunks import Starts
from identity.frames.components import Bools, Seen
from identity.frames.interning import Hashes, Ids
from identity.frames.vocabulary import NameRules

_LINE = 6
"""Entries that differ above these bits stand in different cache lines."""


def founders(seen: Seen, names: Ids, spaces: NameRules, words: "Words") -> Ids:
    """Give the founder of each root's component: the least by class, first sighting, priority, namespace, value.

    NOBODY (-1) for what is no root. Values are compared eight bytes at a time, and only those still equal.
    """
    founder = np.full(len(names), -1, np.int32)
    tied = _best(seen.parent, seen.times, names, spaces.tier, seen.since(), spaces.priority, spaces.rank, founder)
    candidates = np.flatnonzero(tied).astype(np.int32)
    depth = 0
    while len(candidates):
        candidates = _narrow(seen.parent, candidates, words.at(candidates, depth), founder)
        depth += 1
    return founder


class Words:
    """The texts of entries, eight bytes at a time, as numbers that compare as the texts do."""

    def __init__(self, offsets: Starts, data: npt.NDArray[np.uint8]) -> None:
        self._offsets = offsets
        self._data = data

    def at(self, entries: Ids, depth: int) -> Hashes:
        """Give the eight bytes from 8 × depth on, of each entry; what is shorter is filled with zeros."""
        found = np.empty(len(entries), np.uint64)
        _words(self._offsets, self._data, entries, depth, found)
        return found


@njit(cache=True, parallel=True)
def _best(
    parent: Ids,
    times: Ids,
    names: Ids,
    tier: npt.NDArray[np.int8],
    first: Starts,
    priority: Ids,
    rank: Ids,
    founder: Ids,
) -> Bools:
    """Find the least of each component but for its value; give those that only the value can tell apart."""
    tied = np.zeros(len(parent), np.bool_)
    for half in prange(2):
        _lead(parent, times, names, tier, first, priority, rank, founder, tied, half)
    chosen = np.zeros(len(parent), np.bool_)
    for entry in prange(len(parent)):
        best = founder[parent[entry]] if times[entry] and tied[parent[entry]] else -1
        if best >= 0:
            one, other = names[entry], names[best]
            same = tier[one] == tier[other] and first[entry] == first[best]
            chosen[entry] = same and priority[one] == priority[other] and rank[one] == rank[other]
    return chosen


@njit(cache=True)
def _lead(
    parent: Ids,
    times: Ids,
    names: Ids,
    tier: npt.NDArray[np.int8],
    first: Starts,
    priority: Ids,
    rank: Ids,
    founder: Ids,
    tied: Bools,
    half: int,
) -> None:
    """Find the least of every other component, whose roots share no cache line with the others', and whether it is."""
    for entry in range(len(parent)):
        root = parent[entry]
        if times[entry] == 0 or (root >> _LINE) & 1 != half:
            continue
        best = founder[root]
        if best < 0:
            founder[root] = entry
            continue
        one, other = names[entry], names[best]
        order = np.int64(tier[one]) - np.int64(tier[other])
        if order == 0:
            order = -1 if first[entry] < first[best] else (1 if first[entry] > first[best] else 0)
        if order == 0:
            order = np.int64(priority[one]) - np.int64(priority[other])
        if order == 0:
            order = np.int64(rank[one]) - np.int64(rank[other])
        if order < 0:
            founder[root] = entry
        elif order == 0:
            tied[root] = True


@njit(cache=True)
def _words(offsets: Starts, data: npt.NDArray[np.uint8], entries: Ids, depth: int, found: Hashes) -> None:
    """Read eight bytes of each text, the first the highest."""
    for row in range(len(entries)):
        begin = offsets[entries[row]] + 8 * depth
        end = min(begin + 8, offsets[entries[row] + 1])
        word = np.uint64(0)
        for place in range(begin, begin + 8):
            word = (word << np.uint64(8)) | (np.uint64(data[place]) if place < end else np.uint64(0))
        found[row] = word


def _narrow(parent: Ids, candidates: Ids, words: Hashes, founder: Ids) -> Ids:
    """Leave the candidates whose word is the least of their component's; none where that is one alone."""
    order = np.lexsort((words, parent[candidates]))
    candidates, words = candidates[order], words[order]
    roots = parent[candidates]
    begins = np.flatnonzero(np.concatenate([[True], roots[1:] != roots[:-1]]))
    sizes = np.diff(np.append(begins, len(roots)))
    founder[roots[begins]] = candidates[begins]
    kept = words == np.repeat(words[begins], sizes)
    alike = np.repeat(np.add.reduceat(kept, begins, dtype=np.int64), sizes)
    return candidates[kept & (alike > 1)]
