"""Who is connected: plain union-find, and where it could differ from R.

A *component* is all that links ever joined once hubs are out. It is *contested* where R could refuse or drop a link, or
a judgement speaks of it. Of every other component R makes one profile: no subset of it breaks a limit that it keeps,
and whatever is first by rank was so from its first sighting on, so its generation is 0.
Source: union by index with path halving (Tarjan, van Leeuwen 1984).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit, prange

from identity.frames.bytes import prefetch
from identity.frames.chunks import UNDATED, Chunk, Starts
from identity.frames.interning import Hashes, Ids
from identity.frames.vocabulary import NameRules
from identity.observations import Trust
from identity.rules import LinkingRules

Flags = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]

SHARED, FLOODED = 1, 2
_NO_TIMES = np.zeros(0, np.int64)
_NO_TRUSTS = np.zeros(0, np.int8)
_SERVER = int(Trust.SERVER)
_AHEAD = 32
"""Entries asked for before they are looked at."""
_PERSON, _MOST = 255, 254
"""In a byte for each entry: it is a person itself; so many persons were seen beside it, or more."""
_SIEVE = 1 << 16
"""Bits of an entry that tell, without looking further, of nearly all that they are not among a few."""
_LINE = 6
"""Entries that differ above these bits stand in different cache lines."""


@dataclass(slots=True, kw_only=True)
class Seen:
    """What the observations say of each entry: how often it was seen, when first and last, and which is its root.

    Roots are the least entries of their components. `weak` marks entries that an observation below server trust saw
    together with others. `first` and `last` are of those observations that say when they were (none did: UNDATED, and
    the least number); the others, of which there are some if `undated`, were at `latest`, as late as any.
    """

    parent: Ids
    times: Ids
    first: npt.NDArray[np.int64]
    last: npt.NDArray[np.int64]
    weak: Bools
    latest: int
    undated: bool = False

    @classmethod
    def nothing(cls, count: int, latest: int = UNDATED) -> "Seen":
        """Begin with so many entries, none of them seen."""
        return cls(
            parent=np.arange(count, dtype=np.int32),
            times=np.zeros(count, np.int32),
            first=np.full(count, UNDATED, np.int64),
            last=np.full(count, np.iinfo(np.int64).min, np.int64),
            weak=np.zeros(count, np.bool_),
            latest=latest,
        )

    def add(self, chunk: Chunk, hubs: Flags) -> None:
        """Take in observations; `hubs` marks SHARED entries, which are left out, and FLOODED ones."""
        at = _NO_TIMES if chunk.at is None else chunk.at
        self.undated = self.undated or chunk.at is None or bool((chunk.at == UNDATED).any())
        trust = _NO_TRUSTS if chunk.trust is None else chunk.trust
        _see(chunk.starts, chunk.entries, at, trust, hubs, self.parent, self.times, self.first, self.last, self.weak)

    def since(self) -> npt.NDArray[np.int64]:
        """Give when each entry was seen first, by whatever observation."""
        return np.minimum(self.first, self.latest) if self.undated else self.first

    def until(self) -> npt.NDArray[np.int64]:
        """Give a moment after which no entry was seen, and its last sighting where all observations are dated."""
        return np.full_like(self.last, self.latest) if self.undated else self.last

    def join(self, left: int, right: int) -> None:
        """Put two entries into one component."""
        _join(self.parent, left, right)

    def flatten(self) -> None:
        """Let every entry know its root."""
        _flatten(self.parent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """A hub and how many distinct persons it was seen with."""

    entry: int
    persons: int
    shared: bool


def find_hubs(chunks: Sequence[Chunk], names: Ids, spaces: NameRules, limit: int | None) -> tuple[Flags, list[Crowd]]:
    """Mark the entries that more than `limit` distinct persons were seen with (DESIGN 4.3)."""
    marks = np.zeros(len(names), np.uint8)
    if limit is None:
        return marks, []
    met = np.where(spaces.person, np.uint8(_PERSON), np.uint8(0))[names]
    for chunk in chunks:
        _meet(chunk.starts, chunk.entries, met)
    crowded = (met > min(limit, _MOST - 1)) & (met != _PERSON)
    if not crowded.any():
        return marks, []
    met_by = [_persons(chunk, names, spaces, crowded) for chunk in chunks]
    everybody = np.unique(np.concatenate([pairs for pairs, _ in met_by]))
    trusted = np.unique(np.concatenate([pairs[trust >= _SERVER] for pairs, trust in met_by]))
    all_of, each = np.unique(everybody >> 32, return_counts=True)
    trusted_of, trusted_each = np.unique(trusted >> 32, return_counts=True)
    shared = set(trusted_of[trusted_each > limit].tolist())
    crowds = [
        Crowd(entry=int(entry), persons=int(persons), shared=int(entry) in shared)
        for entry, persons in zip(all_of[each > limit], each[each > limit], strict=True)
    ]
    for crowd in crowds:
        marks[crowd.entry] = SHARED if crowd.shared else FLOODED
    return marks, crowds


def contested(seen: Seen, names: Ids, spaces: NameRules, rules: LinkingRules, judged: Ids) -> Bools:
    """Mark the roots whose components must be replayed; `judged` are entries that a judgement speaks of."""
    count = len(names)
    live = seen.times > 0
    marks = np.zeros(count, np.bool_)
    marks[seen.parent[judged]] = True
    tally = np.zeros(count, np.int32)
    _count(seen.parent, live, tally)
    marks |= tally > rules.profile_cap
    for space, limit in spaces.limits.items():
        tally[:] = 0
        _count(seen.parent, live & (names == space), tally)
        marks |= tally > limit
    for space, ttl in spaces.ttls.items():
        span = seen.until().astype(np.float64) - seen.since().astype(np.float64)
        marks[seen.parent[live & (names == space) & (seen.times > 1) & (span > ttl)]] = True
    if seen.weak.any():
        tally[:] = 0
        _count(seen.parent, live & spaces.person[names], tally)
        weak = np.zeros(count, np.bool_)
        weak[seen.parent[seen.weak]] = True
        marks |= weak & (tally > 1)
    return marks


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


@njit(cache=True)
def find(parent: Ids, entry: int) -> int:
    """Give the root, halving the path to it."""
    while parent[entry] != entry:
        parent[entry] = parent[parent[entry]]
        entry = parent[entry]
    return entry


@njit(cache=True)
def _join(parent: Ids, left: int, right: int) -> None:
    """Put two entries under the lesser of their roots."""
    one, other = find(parent, left), find(parent, right)
    if one < other:
        parent[other] = one
    elif other < one:
        parent[one] = other


@njit(cache=True)
def _flatten(parent: Ids) -> None:
    """Every parent is a lesser entry, so that one pass will do."""
    for entry in range(len(parent)):
        parent[entry] = parent[parent[entry]]


@njit(cache=True, parallel=True)
def _see(
    starts: Starts,
    entries: Ids,
    at: Starts,
    trust: npt.NDArray[np.int8],
    hubs: Flags,
    parent: Ids,
    times: Ids,
    first: Starts,
    last: Starts,
    weak: Bools,
) -> None:
    """Join what each observation saw together, and note when: two things that two processors do at once."""
    for half in prange(2):
        if half == 0:
            _connect(starts, entries, trust, hubs, parent, weak)
        else:
            _note(starts, entries, at, hubs, times, first, last)


@njit(cache=True)
def _connect(starts: Starts, entries: Ids, trust: npt.NDArray[np.int8], hubs: Flags, parent: Ids, weak: Bools) -> None:
    """Join what each observation saw together."""
    for each in range(len(starts) - 1):
        begin, end = starts[each], starts[each + 1]
        for place in range(begin + _AHEAD, min(end + _AHEAD, len(entries))):
            prefetch(np.int64(parent.ctypes.data + np.int64(entries[place]) * 4))
        trusted = len(trust) == 0 or trust[each] >= _SERVER
        into, together = -1, 0
        for place in range(begin, end):
            entry = entries[place]
            if hubs[entry] == SHARED or (hubs[entry] == FLOODED and not trusted and end - begin > 1):
                continue
            together += 1
            if into < 0:
                into = entry
            else:
                _join(parent, into, entry)
        if not trusted and together > 1:
            weak[into] = True


@njit(cache=True)
def _note(starts: Starts, entries: Ids, at: Starts, hubs: Flags, times: Ids, first: Starts, last: Starts) -> None:
    """Count each entry's observations, and note the first and the last of them."""
    for each in range(len(starts) - 1):
        for place in range(starts[each], starts[each + 1]):
            if place + _AHEAD < len(entries):
                ahead = np.int64(entries[place + _AHEAD])
                prefetch(times.ctypes.data + ahead * 4)
                if len(at):
                    prefetch(first.ctypes.data + ahead * 8)
                    prefetch(last.ctypes.data + ahead * 8)
            entry = entries[place]
            if hubs[entry] == SHARED:
                continue
            times[entry] += 1
            if len(at):
                first[entry] = min(first[entry], at[each])
                if at[each] != UNDATED:
                    last[entry] = max(last[entry], at[each])


@njit(cache=True)
def _meet(starts: Starts, entries: Ids, met: Flags) -> None:
    """Count, for each entry that is no person, the sightings of persons beside it, as far as a byte counts."""
    for each in range(len(starts) - 1):
        persons = 0
        for place in range(starts[each], starts[each + 1]):
            persons += met[entries[place]] == _PERSON
        for place in range(starts[each], starts[each + 1]):
            before = met[entries[place]]
            if persons and before != _PERSON:
                met[entries[place]] = min(before + persons, _MOST)


@njit(cache=True)
def _beside(
    starts: Starts,
    entries: Ids,
    names: Ids,
    person: Bools,
    crowded: Bools,
    sieve: Bools,
    pairs: Starts,
    of: Starts,
    count: int,
) -> int:
    """Write down who was seen beside crowded entries, and where; without room only count."""
    room = len(pairs)
    for each in range(len(starts) - 1):
        for place in range(starts[each], starts[each + 1]):
            if not sieve[entries[place] & (_SIEVE - 1)] or not crowded[entries[place]]:
                continue
            for other in range(starts[each], starts[each + 1]):
                if person[names[entries[other]]]:
                    if room:
                        pairs[count] = (np.int64(entries[place]) << 32) | np.int64(entries[other])
                        of[count] = each
                    count += 1
    return count


def _persons(chunk: Chunk, names: Ids, spaces: NameRules, crowded: Bools) -> tuple[Starts, npt.NDArray[np.int8]]:
    """Give the pairs of crowded entries and persons seen together, packed, with their trust."""
    sieve = np.zeros(_SIEVE, np.bool_)
    sieve[np.flatnonzero(crowded) & (_SIEVE - 1)] = True
    some = (chunk.starts, chunk.entries, names, spaces.person, crowded, sieve)
    count = _beside(*some, _NO_TIMES, _NO_TIMES, 0)
    pairs, of = np.empty(count, np.int64), np.empty(count, np.int64)
    if count:
        _beside(*some, pairs, of, 0)
    trust = np.full(count, _SERVER, np.int8) if chunk.trust is None else chunk.trust[of]
    return pairs, trust


@njit(cache=True)
def _count(parent: Ids, counted: Bools, tally: Ids) -> None:
    """Count the entries of each root."""
    for entry in range(len(parent)):
        if counted[entry]:
            tally[parent[entry]] += 1


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
