"""Who is connected: plain union-find, and where it could differ from R.

A *component* is all that links ever joined once hubs are out. It is *contested* where R could refuse or drop a link, or
a judgement speaks of it. Of every other component R makes one profile: no subset of it breaks a limit that it keeps,
and whatever is first by rank was so from its first sighting on, so its generation is 0.
Source: union by index with path halving (Tarjan, van Leeuwen 1984).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit, prange

from identity.frames.bytes import prefetch
from identity.frames.chunks import UNDATED, Chunk, Starts
from identity.frames.interning import Ids
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
_TOGETHER = 1 << 20
"""Entries whose spans are looked at together."""
_SIEVE = 1 << 14
"""Bits of an entry that tell, without looking further, of nearly all that they are not among a few."""


@dataclass(slots=True, kw_only=True)
class Seen:
    """What the observations say of each entry: how often it was seen, when first and last, and which is its root.

    Roots are the least entries of their components. `weak` marks entries that an observation below server trust saw
    together with others. `first` and `last` are of those observations that say when they were (none did: UNDATED, and
    the least number); the others, of which there are some if `undated`, were at `latest`, as late as any. `hubs` marks
    SHARED entries, which are left out, and FLOODED ones.
    """

    hubs: Flags
    parent: Ids
    times: Ids
    first: npt.NDArray[np.int64]
    last: npt.NDArray[np.int64]
    weak: Bools
    latest: int
    undated: bool = False
    _sieve: Bools

    @classmethod
    def nothing(cls, hubs: Flags, latest: int = UNDATED) -> "Seen":
        """Begin with as many entries as there are marks of hubs, none of them seen."""
        count = len(hubs)
        return cls(
            hubs=hubs,
            parent=np.arange(count, dtype=np.int32),
            times=np.zeros(count, np.int32),
            first=np.full(count, UNDATED, np.int64),
            last=np.full(count, np.iinfo(np.int64).min, np.int64),
            weak=np.zeros(count, np.bool_),
            latest=latest,
            _sieve=sieve(hubs),
        )

    def add(self, chunk: Chunk) -> None:
        """Take in observations."""
        at = _NO_TIMES if chunk.at is None else chunk.at
        self.undated = self.undated or chunk.at is None or bool((chunk.at == UNDATED).any())
        trust = _NO_TRUSTS if chunk.trust is None else chunk.trust
        hubs = (self.hubs, self._sieve)
        _see(chunk.starts, chunk.entries, at, trust, hubs, self.parent, self.times, self.first, self.last, self.weak)

    def spans(self, begin: int, end: int) -> npt.NDArray[np.float64]:
        """Give how long some entries were seen at most, in microseconds: so long if all observations are dated."""
        first, last = self.first[begin:end], self.last[begin:end]
        if self.undated:
            first, last = np.minimum(first, self.latest), np.full_like(last, self.latest)
        return last.astype(np.float64) - first

    def join(self, left: int, right: int) -> None:
        """Put two entries into one component."""
        _join(self.parent, left, right)

    def flatten(self) -> None:
        """Let every entry know its root."""
        _flatten(self.parent)


def sieve(marks: Bools | Flags) -> Bools:
    """Tell by an entry's last bits where it may be marked: if few are, nearly all others need not be looked up."""
    found = np.zeros(_SIEVE, np.bool_)
    found[np.flatnonzero(marks) & (_SIEVE - 1)] = True
    return found


@njit(cache=True, inline="always")
def sifted(sieve: Bools, entry: int) -> bool:
    """Tell whether an entry may be marked."""
    return bool(sieve[entry & (_SIEVE - 1)])


def contested(seen: Seen, names: Ids, spaces: NameRules, rules: LinkingRules, judged: Ids) -> Bools:
    """Mark the roots whose components must be replayed; `judged` are entries that a judgement speaks of."""
    count = len(names)
    live = seen.times > 0
    marks = np.zeros(count, np.bool_)
    marks[seen.parent[judged]] = True
    held = np.zeros(count, np.int32)
    tally(seen.parent, live, held)
    marks |= held > rules.profile_cap
    for space, limit in spaces.limits.items():
        held[:] = 0
        tally(seen.parent, live & (names == space), held)
        marks |= held > limit
    for space, ttl in spaces.ttls.items():
        for begin in range(0, count, _TOGETHER):
            some = slice(begin, begin + _TOGETHER)
            long = (seen.times[some] > 1) & (names[some] == space) & (seen.spans(begin, begin + _TOGETHER) > ttl)
            marks[seen.parent[some][long]] = True
    if seen.weak.any():
        held[:] = 0
        tally(seen.parent, live & spaces.person[names], held)
        weak = np.zeros(count, np.bool_)
        weak[seen.parent[seen.weak]] = True
        marks |= weak & (held > 1)
    return marks


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
    hubs: tuple[Flags, Bools],
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
def _connect(
    starts: Starts,
    entries: Ids,
    trust: npt.NDArray[np.int8],
    hubs: tuple[Flags, Bools],
    parent: Ids,
    weak: Bools,
) -> None:
    """Join what each observation saw together; its entries' parents are asked for ahead, then the parents of those."""
    marks, sieve = hubs
    for each in range(len(starts) - 1):
        begin, end = starts[each], starts[each + 1]
        for place in range(begin + _AHEAD, min(end + _AHEAD, len(entries))):
            prefetch(np.int64(parent.ctypes.data + np.int64(entries[place]) * 4))
            near = np.int64(parent[entries[place - _AHEAD // 2]])
            prefetch(np.int64(parent.ctypes.data + near * 4))
        trusted = len(trust) == 0 or trust[each] >= _SERVER
        into, together = -1, 0
        for place in range(begin, end):
            entry = entries[place]
            mark = marks[entry] if sifted(sieve, entry) else 0
            if mark == SHARED or (mark == FLOODED and not trusted and end - begin > 1):
                continue
            together += 1
            if into < 0:
                into = entry
            else:
                _join(parent, into, entry)
        if not trusted and together > 1:
            weak[into] = True


@njit(cache=True)
def _note(
    starts: Starts, entries: Ids, at: Starts, hubs: tuple[Flags, Bools], times: Ids, first: Starts, last: Starts
) -> None:
    """Count each entry's observations, and note the first and the last of them."""
    marks, sieve = hubs
    for each in range(len(starts) - 1):
        for place in range(starts[each], starts[each + 1]):
            if place + _AHEAD < len(entries):
                ahead = np.int64(entries[place + _AHEAD])
                prefetch(times.ctypes.data + ahead * 4)
                if len(at):
                    prefetch(first.ctypes.data + ahead * 8)
                    prefetch(last.ctypes.data + ahead * 8)
            entry = entries[place]
            if sifted(sieve, entry) and marks[entry] == SHARED:
                continue
            times[entry] += 1
            if len(at):
                first[entry] = min(first[entry], at[each])
                if at[each] != UNDATED:
                    last[entry] = max(last[entry], at[each])


@njit(cache=True)
def tally(parent: Ids, counted: Bools, found: Ids) -> None:
    """Count the entries of each root."""
    for entry in range(len(parent)):
        if entry + _AHEAD < len(parent):
            prefetch(np.int64(found.ctypes.data + np.int64(parent[entry + _AHEAD]) * 4))
        if counted[entry]:
            found[parent[entry]] += 1
