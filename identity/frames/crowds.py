"""Which entries are hubs: a byte counts the sightings beside each, and only what is crowded by that is counted."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from identity.frames.chunks import Chunk, Starts
from identity.frames.components import FLOODED, SHARED, Bools, Flags
from identity.frames.interning import Ids
from identity.frames.vocabulary import NameRules
from identity.observations import Trust

_SERVER = int(Trust.SERVER)
_NO_TIMES = np.zeros(0, np.int64)
_PERSON, _MOST = 255, 254
"""In a byte for each entry: it is a person itself; so many persons were seen beside it, or more."""
_SIEVE = 1 << 16
"""Bits of an entry that tell, without looking further, of nearly all that they are not among a few."""


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
