"""`namespace:value` is divided at the first colon; a namespace seen before is known by its bytes, without a look-up.

A name of at most sixteen bytes is told by two words, which overlap, and its length: equal words are equal names.
"""

import numpy as np
from numba import njit

from identity.frames.arrow import Texts
from identity.frames.bytes import Lengths, Starts, colon, load_8, load_64
from identity.frames.interning import Hashes, Ids
from identity.frames.vocabulary import Names

_SLOTS = 256
_FULL = 64
"""Names known by their bytes at most; the others are looked up."""
_LONGEST = 16
_FIRST = 1_000
"""Texts by which the names of the others are learned."""
_MIX = np.uint64(0x9E3779B97F4A7C15)
_TOP = np.uint64(56)
_ONE = np.uint64(1)


class Prefixes:
    """Divides texts; `names` numbers the namespaces."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._words = np.zeros((_SLOTS, 2), np.uint64)
        self._sizes = np.zeros(_SLOTS, np.int32)
        self._numbers = np.full(_SLOTS, -1, np.int32)
        self._known: set[int] = set()

    def divide(self, whole: Texts, source: str) -> tuple[Ids, Texts]:
        """Give each text's namespace and the rest of it; one without a colon is of the empty namespace, and whole."""
        found = np.empty(len(whole), np.int32)
        before = np.empty(len(whole), np.int32)
        if not self._known:
            self._divide(whole, slice(0, _FIRST), found, before, source)
        self._divide(whole, slice(0, len(whole)), found, before, source)
        skipped = before + 1
        return found, Texts(whole.starts + skipped, whole.lengths - skipped, whole.kept)

    def _divide(self, whole: Texts, some: slice, found: Ids, before: Lengths, source: str) -> None:
        starts, lengths, numbers, places = whole.starts[some], whole.lengths[some], found[some], before[some]
        if not _divide(starts, lengths, self._words, self._sizes, self._numbers, places, numbers):
            return
        missed = np.flatnonzero(numbers < 0)
        names = Texts(starts[missed], np.maximum(places[missed], 0), whole.kept)
        numbers[missed] = self._names.add(names, source)
        for number, first in zip(*np.unique(numbers[missed], return_index=True), strict=True):
            if number not in self._known and len(self._known) < _FULL and names.lengths[first] <= _LONGEST:
                self._known.add(int(number))
                _learn(names.starts[first], names.lengths[first], number, self._words, self._sizes, self._numbers)


@njit(cache=True)
def _spelled(start: int, length: int, room: int) -> tuple[int, int]:
    """Give the first and the last eight bytes of a name; of one shorter than that all of it, and zero.

    So many bytes may be read from where it begins.
    """
    if length >= 8:
        return load_64(start), load_64(start + length - 8)
    if room >= 8:
        return load_64(start) & ((_ONE << np.uint64(8 * length)) - _ONE), np.uint64(0)
    word = np.uint64(0)
    for place in range(length):
        word |= np.uint64(load_8(start + place)) << np.uint64(8 * place)
    return word, np.uint64(0)


@njit(cache=True)
def _slot(first: int, last: int, length: int) -> int:
    """Give the slot where a name is, unless others took it and those behind it."""
    return np.int64(((first ^ (last * _MIX) ^ np.uint64(length)) * _MIX) >> _TOP)


@njit(cache=True)
def _learn(start: int, length: int, number: int, words: Hashes, sizes: Lengths, numbers: Ids) -> None:
    """Know a name from now on."""
    first, last = _spelled(start, length, length)
    slot = _slot(first, last, length)
    while numbers[slot] >= 0:
        slot = (slot + 1) & (_SLOTS - 1)
    words[slot, 0], words[slot, 1], sizes[slot], numbers[slot] = first, last, length, number


@njit(cache=True, nogil=True)
def _divide(
    starts: Starts, lengths: Lengths, words: Hashes, sizes: Lengths, numbers: Ids, before: Lengths, found: Ids
) -> bool:
    """Find each text's colon and its name's number, -1 for a name that is not known; tell whether there are any."""
    missed = False
    for row in range(len(starts)):
        length = colon(starts[row], lengths[row])
        before[row] = length
        found[row] = -1
        if 0 <= length <= _LONGEST:
            first, last = _spelled(starts[row], length, lengths[row])
            slot = _slot(first, last, length)
            while numbers[slot] >= 0:
                if words[slot, 0] == first and words[slot, 1] == last and sizes[slot] == length:
                    break
                slot = (slot + 1) & (_SLOTS - 1)
            found[row] = numbers[slot]
        missed = missed or found[row] < 0
    return missed
