"""Who founds each component that is not contested: its least by class, first sighting, priority, namespace, value."""

import numpy as np
from numba import njit, prange

from identity.frames.bytes import Bytes, Starts, less, prefetch
from identity.frames.components import Seen
from identity.frames.interning import Ids
from identity.frames.vocabulary import NameRules

_LINE = 6
"""Entries that differ above these bits stand in different cache lines."""
_TOGETHER = 1 << 14
"""Entries that one processor looks at before it asks for more."""
_AHEAD = 32
"""Entries whose founders so far are asked for before they are looked at."""


def founders(seen: Seen, names: Ids, offsets: Starts, data: Bytes, spaces: NameRules) -> Ids:
    """Give the founder of each root's component: the least by class, first sighting, priority, namespace, value.

    NOBODY (-1) for what is no root. Entry `e` is the text data[offsets[e]:offsets[e + 1]] in the namespace names[e].
    """
    founder = np.full(len(names), -1, np.int32)
    ranks = _ranks(spaces)
    _found(seen.parent, seen.times, seen.first, seen.latest, names, ranks, offsets, data, founder)
    return founder


def members(profile: Ids, seen: Seen) -> Ids:
    """Give each entry's profile, which is its root's; NOBODY (-1) for what was never seen."""
    found = np.empty(len(profile), np.int32)
    _follow(profile, seen.parent, seen.times, found)
    return found


def _ranks(spaces: NameRules) -> tuple[Ids, Ids]:
    """Order namespaces by class, and where they were first seen at one moment, by priority and name."""
    return spaces.tier.astype(np.int32), np.argsort(np.lexsort((spaces.rank, spaces.priority))).astype(np.int32)


@njit(cache=True, parallel=True)
def _found(
    parent: Ids,
    times: Ids,
    first: Starts,
    latest: int,
    names: Ids,
    ranks: tuple[Ids, Ids],
    offsets: Starts,
    data: Bytes,
    founder: Ids,
) -> None:
    """Find the founders of every other component on each of two processors; their roots share no cache line."""
    for half in prange(2):
        _lead(parent, times, first, latest, names, ranks, offsets, data, founder, half)


@njit(cache=True)
def _lead(
    parent: Ids,
    times: Ids,
    first: Starts,
    latest: int,
    names: Ids,
    ranks: tuple[Ids, Ids],
    offsets: Starts,
    data: Bytes,
    founder: Ids,
    half: int,
) -> None:
    """Find the least of every other component."""
    tier, rank = ranks
    for entry in range(len(parent)):
        if entry + _AHEAD < len(parent):
            prefetch(np.int64(founder.ctypes.data + np.int64(parent[entry + _AHEAD]) * 4))
            near = np.int64(max(founder[parent[entry + _AHEAD // 2]], 0))
            prefetch(np.int64(names.ctypes.data + near * 4))
            prefetch(np.int64(first.ctypes.data + near * 8))
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
            since, before = min(first[entry], latest), min(first[best], latest)
            order = -1 if since < before else (1 if since > before else 0)
        if order == 0:
            order = np.int64(rank[one]) - np.int64(rank[other])
        if order == 0:
            here, there = offsets[entry], offsets[best]
            size, its_size = offsets[entry + 1] - here, offsets[best + 1] - there
            order = -1 if less(data.ctypes.data + here, size, data.ctypes.data + there, its_size) else 1
        if order < 0:
            founder[root] = entry


@njit(cache=True, parallel=True)
def _follow(profile: Ids, parent: Ids, times: Ids, found: Ids) -> None:
    """Look up all roots, a part of them on each processor."""
    for part in prange(len(found) // _TOGETHER + 1):
        for entry in range(part * _TOGETHER, min((part + 1) * _TOGETHER, len(found))):
            if entry + _AHEAD < len(found):
                prefetch(np.int64(profile.ctypes.data + np.int64(parent[entry + _AHEAD]) * 4))
            found[entry] = -1 if times[entry] == 0 else profile[parent[entry]]
