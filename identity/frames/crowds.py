"""Which entries are hubs: a byte counts the sightings beside each, and only what is crowded by that is counted."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit, prange

from identity.frames.chunks import Chunk, Starts
from identity.frames.components import FLOODED, SHARED, Bools, Flags, sieve, sifted
from identity.frames.interning import Ids
from identity.frames.vocabulary import NameRules
from identity.observations import Trust

_SERVER = int(Trust.SERVER)
_NO_TIMES = np.zeros(0, np.int64)
_PERSON, _MOST = 255, 254
"""In a byte for each entry: it is a person itself; so many persons were seen beside it, or more."""


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
    crowded = _crowded(chunks, names, spaces, limit)
    if not crowded.any():
        return marks, []
    some = sieve(crowded)
    met_by = [_persons(chunk, names, spaces, crowded, some) for chunk in chunks]
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


def _crowded(chunks: Sequence[Chunk], names: Ids, spaces: NameRules, limit: int) -> Bools:
    """Tell which entries may have been seen with more persons: those that had more sightings beside one."""
    one = np.where(spaces.person, np.uint8(_PERSON), np.uint8(0))[names]
    other = one.copy()
    for chunk in chunks:
        _meet_all(chunk.starts, chunk.entries, one, other)
    found = np.add(one, other, dtype=np.uint16) > min(limit, _MOST - 1)
    found[one == _PERSON] = False
    return found


@njit(cache=True, parallel=True)
def _meet_all(starts: Starts, entries: Ids, one: Flags, other: Flags) -> None:
    """Count one half of the observations in `one`, and at once, on another processor, the other half in `other`."""
    middle = (len(starts) - 1) // 2
    for half in prange(2):
        if half == 0:
            _meet(starts[: middle + 1], entries, one)
        else:
            _meet(starts[middle:], entries, other)


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


def _persons(
    chunk: Chunk, names: Ids, spaces: NameRules, crowded: Bools, some: Bools
) -> tuple[Starts, npt.NDArray[np.int8]]:
    """Give the pairs of crowded entries and persons seen together, packed, with their trust; `some` is a sieve."""
    room = np.empty(len(chunk), np.int64)
    places = room[: _touching(chunk.starts, chunk.entries, crowded, some, room)]
    about = (chunk.starts, chunk.entries, names, spaces.person, crowded, places)
    count = _beside(*about, _NO_TIMES, _NO_TIMES)
    pairs, of = np.empty(count, np.int64), np.empty(count, np.int64)
    if count:
        _beside(*about, pairs, of)
    trust = np.full(count, _SERVER, np.int8) if chunk.trust is None else chunk.trust[of]
    return pairs, trust


@njit(cache=True)
def _touching(starts: Starts, entries: Ids, crowded: Bools, some: Bools, places: Starts) -> int:
    """Write down the observations that see anything crowded; give how many there are."""
    count = 0
    for each in range(len(starts) - 1):
        for place in range(starts[each], starts[each + 1]):
            if sifted(some, entries[place]) and crowded[entries[place]]:
                places[count] = each
                count += 1
                break
    return count


@njit(cache=True)
def _beside(
    starts: Starts, entries: Ids, names: Ids, person: Bools, crowded: Bools, places: Starts, pairs: Starts, of: Starts
) -> int:
    """Write down who was seen beside crowded entries in some observations, and where; without room only count."""
    count = 0
    for each in places:
        for place in range(starts[each], starts[each + 1]):
            if not crowded[entries[place]]:
                continue
            for other in range(starts[each], starts[each + 1]):
                if person[names[entries[other]]]:
                    if len(pairs):
                        pairs[count] = (np.int64(entries[place]) << 32) | np.int64(entries[other])
                        of[count] = each
                    count += 1
    return count
