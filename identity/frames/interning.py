"""Each distinct value gets a number, in the order of first sight; equal hashes are told apart by their bytes.

An entry is a value in a namespace. Its text and its namespace are kept; a table of slots, open addressing with linear
probing, finds it again (Knuth, The Art of Computer Programming 3, 6.4, algorithm L). A slot holds the entry's number
plus one and the upper half of its hash, which also says where the slot is: so the table grows without the hashes.
"""

from dataclasses import dataclass
from typing import Self, TypeVar

import numpy as np
import numpy.typing as npt
from numba import njit

from identity.frames.arrow import Texts
from identity.frames.bytes import Lengths, Starts, copy, equal, hashed, prefetch
from identity.frames.demand import ENTRY

Ids = npt.NDArray[np.int32]
Hashes = npt.NDArray[np.uint64]

_LOAD = 2 / 3
"""How full the table may be."""
_STEP = 4
"""How many times larger a table gets at once, if as many entries are expected."""
_AHEAD = 32
"""Texts whose slots are asked for before any of them is looked up: hides what memory takes to answer."""
_TAG = np.uint64(0xFFFFFFFF00000000)
_ID = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_SPARE = 1.25
"""How much more entries there is room for than are expected: a few too many would have all of them copied."""
_SLACK = 1.05
"""How much more room texts get than so many of those before took."""
_Kind = TypeVar("_Kind", bound=np.generic)
MOST = 2**31 - 2
"""Entries that there may be."""
ALL_BITS = 2**64 - 1


class TooMany(ValueError):  # noqa: N818 - what there are
    """More distinct values than one machine's numbering holds."""


@dataclass(slots=True, eq=False)
class Named:
    """Texts, each in the namespace of that number, and the hash of both."""

    texts: Texts
    names: Ids
    codes: Hashes

    @classmethod
    def of(cls, texts: Texts, names: Ids, seeds: Hashes) -> Self:
        """Hash them; `seeds` are by namespace."""
        codes = np.empty(len(texts), np.uint64)
        _hash(texts.starts, texts.lengths, names, seeds, codes)
        return cls(texts, names, codes)

    def __len__(self) -> int:
        """Count the texts."""
        return len(self.texts)

    @property
    def size(self) -> int:
        """The bytes of all texts."""
        return int(self.texts.lengths.sum(dtype=np.int64))


class Interner:
    """Numbers values; `bits` masks the hash (the tests make it collide)."""

    def __init__(self, bits: int = ALL_BITS) -> None:
        self.count = 0
        self._used = 0
        self._likely = 0
        self._bits = np.uint64(bits)
        self._slots = np.zeros(1 << 10, np.uint64)
        self._names = np.zeros(0, np.int32)
        self._ends = np.zeros(1, np.int64)
        self._data = np.zeros(0, np.uint8)

    def expect(self, count: int) -> None:
        """Make room for so many entries when room is next made; memory is taken only as it is used."""
        self._likely = count

    def close(self) -> None:
        """Let go of what only `intern` needs; nothing can be interned after that."""
        self._slots = np.zeros(0, np.uint64)

    @property
    def names(self) -> Ids:
        """The entries' namespaces, by number."""
        return self._names[: self.count]

    @property
    def offsets(self) -> Starts:
        """Where each entry's text begins among `data`, and where the last one ends."""
        return self._ends[: self.count + 1]

    @property
    def data(self) -> npt.NDArray[np.uint8]:
        """The texts, end to end."""
        return self._data[: self._used]

    @property
    def bytes(self) -> int:
        """The bytes of all texts."""
        return self._used

    def table(self, more: int, size: int) -> int:
        """Give the bytes beside texts and entries that it takes to find so many more, of so many bytes, and to grow."""
        entries, data, slots = self._rooms(more, size)
        taken = slots * self._slots.itemsize
        taken += 0 if slots == len(self._slots) else self._slots.nbytes
        taken += 0 if data == len(self._data) else self._used
        return taken + (0 if entries == len(self._names) else ENTRY * self.count)

    def text(self, entry: int) -> str:
        """Give an entry's text."""
        return bytes(self._data[self._ends[entry] : self._ends[entry + 1]]).decode()

    def intern(self, values: Named) -> Ids:
        """Give numbers to values."""
        if self.count + len(values) > MOST:
            raise TooMany(f"there are more than {MOST:,} distinct values")
        texts = values.texts
        self._reserve(len(values), values.size)
        found = np.empty(len(values), np.int32)
        kept = (self._slots, self._names, self._ends, self._data)
        self.count = _intern(
            texts.starts, texts.lengths, values.names, values.codes, self._bits, *kept, np.int64(self.count), found
        )
        self._used = int(self._ends[self.count])
        return found

    def _rooms(self, more: int, size: int) -> tuple[int, int, int]:
        """Tell for how many entries, bytes and slots there must be room for so many entries more, of so many bytes."""
        need, entries = self.count + more, len(self._names)
        if need > entries:
            entries = max(need, int(self._likely * _SPARE), entries * 3 // 2)
        data = len(self._data)
        if self._used + size > data:
            data = max(self._used + size, int(self._used / max(self.count, 1) * entries * _SLACK))
        slots = len(self._slots)
        if need > _LOAD * slots:
            slots = max(_slots(need), min(_STEP * slots, _slots(self._likely)))
        return entries, data, slots

    def _reserve(self, more: int, size: int) -> None:
        """Make room for so many entries more, of so many bytes."""
        entries, data, slots = self._rooms(more, size)
        if entries > len(self._names):
            self._names, self._ends = _grown(self._names, entries), _grown(self._ends, entries + 1)
        if data > len(self._data):
            self._data = _grown(self._data, data)
        if slots > len(self._slots):
            before = self._slots
            self._slots = np.zeros(slots, np.uint64)
            _place(self._slots, before)


def _slots(count: int) -> int:
    """Give the size of a table for so many entries: a power of two."""
    return 1 << max(int(count / _LOAD), 1).bit_length()


def _grown(array: npt.NDArray[_Kind], room: int) -> npt.NDArray[_Kind]:
    """Give an array with more room; a new one, for NumPy asks for huge pages only where it allocates."""
    grown = np.empty(room, array.dtype)
    grown[: len(array)] = array
    return grown


@njit(cache=True, nogil=True)
def _hash(starts: Starts, lengths: Lengths, names: Ids, seeds: Hashes, codes: Hashes) -> None:
    """Hash each text; the hash begins with its namespace's."""
    for row in range(len(codes)):
        codes[row] = hashed(starts[row], lengths[row], seeds[names[row]])


@njit(cache=True, nogil=True)
def _place(slots: Hashes, before: Hashes) -> None:
    """Put all entries of one table into a bigger one that is empty."""
    mask = np.uint64(len(slots) - 1)
    for place in range(len(before)):
        if place + _AHEAD < len(before):
            ahead = (before[place + _AHEAD] >> _HALF) & mask
            prefetch(np.int64(slots.ctypes.data + np.int64(ahead) * 8))
        if before[place] != 0:
            slot = (before[place] >> _HALF) & mask
            while slots[slot] != 0:
                slot = (slot + np.uint64(1)) & mask
            slots[slot] = before[place]


@njit(cache=True, nogil=True)
def _intern(
    starts: Starts,
    lengths: Lengths,
    of: Ids,
    codes: Hashes,
    bits: int,
    slots: Hashes,
    names: Ids,
    ends: Starts,
    data: npt.NDArray[np.uint8],
    count: int,
    found: Ids,
) -> int:
    """Look each text up, and enter it where it is new; give how many entries there are then.

    What a slot, an entry, a text will be compared with is asked for, for many, before it is looked at; of an entry and
    a text where they end as well, for that may be in another cache line.
    """
    mask = np.uint64(len(slots) - 1)
    table, texts = slots.ctypes.data, data.ctypes.data
    places = np.empty(_AHEAD, np.uint64)
    for first in range(0, len(starts), _AHEAD):
        last = min(first + _AHEAD, len(starts))
        for row in range(first, last):
            prefetch(np.int64(table + np.int64(((codes[row] & bits) >> _HALF) & mask) * 8))
        for row in range(first, last):
            code = codes[row] & bits
            slot = _tagged(slots, code, (code >> _HALF) & mask, mask)
            places[row - first] = slot
            found[row] = np.int64(slots[slot] & _ID) - 1
            if found[row] >= 0:
                prefetch(np.int64(ends.ctypes.data + np.int64(found[row]) * 8))
                prefetch(np.int64(ends.ctypes.data + np.int64(found[row]) * 8 + 8))
                prefetch(np.int64(names.ctypes.data + np.int64(found[row]) * 4))
        for row in range(first, last):
            if found[row] >= 0:
                prefetch(np.int64(texts + ends[found[row]]))
                prefetch(np.int64(texts + ends[found[row]] + lengths[row]))
        for row in range(first, last):
            code, start, length = codes[row] & bits, starts[row], lengths[row]
            slot = _tagged(slots, code, places[row - first], mask)
            entry = -1
            while slots[slot] != 0:
                known = np.int64((slots[slot] & _ID) - np.uint64(1))
                begins = ends[known]
                if names[known] == of[row] and ends[known + 1] - begins == length:
                    if equal(texts + begins, start, length):
                        entry = known
                        break
                slot = _tagged(slots, code, (slot + np.uint64(1)) & mask, mask)
            if entry < 0:
                entry = count
                slots[slot] = (code & _TAG) | np.uint64(count + 1)
                names[count] = of[row]
                begins = ends[count]
                copy(start, length, texts + begins)
                ends[count + 1] = begins + length
                count += 1
            found[row] = entry
    return count


@njit(cache=True)
def _tagged(slots: Hashes, code: int, slot: int, mask: int) -> int:
    """Find the first slot, from one on, whose entry's hash has the same upper half, or that is empty."""
    while slots[slot] != 0 and (slots[slot] ^ code) & _TAG != 0:
        slot = (slot + np.uint64(1)) & mask
    return slot
