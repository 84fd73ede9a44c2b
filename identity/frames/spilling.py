"""More distinct texts than memory holds get the very numbers that `interning` would give them.

What was interned so far is a *part*: it is put aside, divided by hash into buckets, and interning begins anew. At the
end each bucket is interned by itself, over all parts; then the parts are gone through in order, and each text gets its
number where it comes first. Source: partitioned hashing as in GRACE (Kitsuregawa, Tanaka, Moto-Oka 1983).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from numba import njit

from identity.frames.arrow import Texts
from identity.frames.bytes import Bytes, Lengths, Starts, copy, hashed
from identity.frames.interning import MOST, Hashes, Ids, Interner, Named, TooMany

BUCKETS = 256
_BUCKET = np.uint64(56)
"""The bits of a hash above these tell its bucket."""


class Space(Protocol):
    """Where arrays are put aside, each under a name; what is added to a name stands behind what was there."""

    def add(self, name: str, array: npt.NDArray[Any]) -> None:
        """Put an array aside."""
        ...

    def read(self, name: str, kind: Any, begin: int = 0, count: int = -1) -> npt.NDArray[Any]:
        """Give so many items of what stands under a name (-1: all the others), in memory."""
        ...

    def map(self, name: str, kind: Any) -> npt.NDArray[Any]:
        """Give all that stands under a name, to be read where it is."""
        ...

    def drop(self, name: str) -> None:
        """Forget a name."""
        ...


class Entries(Protocol):
    """Distinct texts by number: what there is to know of an `Interner` that is done."""

    @property
    def count(self) -> int:
        """How many there are."""
        ...

    @property
    def names(self) -> Ids:
        """Their namespaces, by number."""
        ...

    @property
    def offsets(self) -> Starts:
        """Where each begins among `data`, and where the last one ends."""
        ...

    @property
    def data(self) -> Bytes:
        """The texts, end to end."""
        ...

    def text(self, entry: int) -> str:
        """Give one."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptEntries:
    """Entries whose texts stay where they were put aside."""

    names: Ids
    offsets: Starts
    data: Bytes

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.names)

    def text(self, entry: int) -> str:
        """Give one."""
        return bytes(self.data[self.offsets[entry] : self.offsets[entry + 1]]).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """Texts put aside, by bucket: `entries` and `bytes` tell where each bucket begins; `written` come before others."""

    entries: Starts
    bytes: Starts
    written: int

    @property
    def count(self) -> int:
        return int(self.entries[-1])


class Spill:
    """The parts of one set of texts, put aside in `space` under names that begin with `name`."""

    def __init__(self, space: Space, name: str, bits: int) -> None:
        self._space = space
        self._name = name
        self._bits = bits
        self._parts: list[_Part] = []

    def add(self, known: Interner, seeds: Hashes, written: int) -> None:
        """Put a part aside: all that an interner knows, of which so many stand in the input as they are."""
        number = len(self._parts)
        lengths = np.diff(known.offsets).astype(np.int32)
        bucket = _buckets(known.offsets, known.data, known.names, seeds, np.uint64(self._bits))
        order = np.argsort(bucket, kind="stable").astype(np.int32)
        ends = np.concatenate([[0], np.cumsum(lengths[order], dtype=np.int64)])
        data = np.empty(len(known.data), np.uint8)
        _gather(known.offsets, known.data, order, ends, data)
        begins = np.searchsorted(bucket[order], np.arange(BUCKETS + 1))
        for what, array in (("order", order), ("lengths", lengths[order]), ("names", known.names[order])):
            self._space.add(self._of(number, what), array)
        self._space.add(self._of(number, "data"), data)
        self._parts.append(_Part(entries=begins, bytes=ends[begins], written=written))

    def merged(self, seeds: Hashes) -> tuple[KeptEntries, list[str]]:
        """Give all texts, and under which names the numbers of each part's are kept."""
        sizes = [self._bucket(bucket, seeds) for bucket in range(BUCKETS)]
        if sum(sizes) > MOST:
            raise TooMany(f"there are more than {MOST:,} distinct values")
        begins = np.concatenate([[0], np.cumsum(sizes)])
        numbers = np.full(begins[-1], -1, np.int32)
        lengths, names = np.empty(begins[-1], np.int32), np.empty(begins[-1], np.int32)
        count = 0
        for written in (True, False):
            for number, part in enumerate(self._parts):
                some = (0, part.written) if written else (part.written, part.count)
                count = self._number(number, begins, some, (numbers, lengths, names), count)
        kept = [self._keep(number, begins, numbers) for number in range(len(self._parts))]
        offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
        data = self._space.map(f"{self._name} texts", np.uint8)
        return KeptEntries(names=names, offsets=offsets, data=data), kept

    def _of(self, part: int, what: str) -> str:
        return f"{self._name} {part} {what}"

    def _bucket(self, bucket: int, seeds: Hashes) -> int:
        """Intern a bucket's texts; put their numbers within it aside, and give how many there are."""
        interner = Interner(self._bits)
        for number, part in enumerate(self._parts):
            begin, end = (int(n) for n in part.entries[bucket : bucket + 2])
            if begin == end:
                continue
            lengths = self._space.read(self._of(number, "lengths"), np.int32, begin, end - begin)
            names = self._space.read(self._of(number, "names"), np.int32, begin, end - begin)
            first, last = (int(n) for n in part.bytes[bucket : bucket + 2])
            data = self._space.read(self._of(number, "data"), np.uint8, first, last - first)
            starts = data.ctypes.data + np.concatenate([[0], np.cumsum(lengths[:-1], dtype=np.int64)])
            found = interner.intern(Named.of(Texts(starts, lengths, data), names, seeds))
            self._space.add(self._of(number, "found"), found)
        return interner.count

    def _placed(self, number: int, begins: Starts) -> tuple[Ids, Ids]:
        """Give each text of a part a number of all (by bucket, then by first sight), and its place among them there."""
        part = self._parts[number]
        order = self._space.read(self._of(number, "order"), np.int32)
        found = self._space.read(self._of(number, "found"), np.int32)
        found = found + np.repeat(begins[:-1], np.diff(part.entries)).astype(np.int32)
        placed, place = np.empty(part.count, np.int32), np.empty(part.count, np.int32)
        placed[order] = found
        place[order] = np.arange(part.count, dtype=np.int32)
        return placed, place

    def _number(
        self, number: int, begins: Starts, some: tuple[int, int], known: tuple[Ids, Lengths, Ids], count: int
    ) -> int:
        """Give numbers to those of a part's texts that come first here, and put them behind the others; count all."""
        if some[0] == some[1]:
            return count
        placed, place = self._placed(number, begins)
        numbers, lengths, names = known
        fresh = some[0] + _first(placed[some[0] : some[1]], numbers, count)
        rows = place[fresh]
        sizes = self._space.read(self._of(number, "lengths"), np.int32)
        offsets = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
        ends = np.concatenate([[0], np.cumsum(sizes[rows], dtype=np.int64)])
        data = np.empty(ends[-1], np.uint8)
        _gather(offsets, self._space.map(self._of(number, "data"), np.uint8), rows, ends, data)
        lengths[count : count + len(rows)] = sizes[rows]
        names[count : count + len(rows)] = self._space.read(self._of(number, "names"), np.int32)[rows]
        self._space.add(f"{self._name} texts", data)
        return count + len(rows)

    def _keep(self, number: int, begins: Starts, numbers: Ids) -> str:
        """Put the numbers of a part's texts aside; nothing else of it is needed any more."""
        placed, _ = self._placed(number, begins)
        self._space.add(self._of(number, "numbers"), numbers[placed])
        for what in ("order", "lengths", "names", "data", "found"):
            self._space.drop(self._of(number, what))
        return self._of(number, "numbers")


def cut(count: int, size: int) -> Iterator[tuple[int, int]]:
    """Divide so many into stretches of a size."""
    for begin in range(0, count, size):
        yield begin, min(begin + size, count)


@njit(cache=True)
def _buckets(offsets: Starts, data: Bytes, names: Ids, seeds: Hashes, bits: int) -> Bytes:
    """Give the bucket of each text."""
    found = np.empty(len(names), np.uint8)
    for row in range(len(names)):
        start, length = data.ctypes.data + offsets[row], offsets[row + 1] - offsets[row]
        found[row] = (hashed(start, length, seeds[names[row]]) & bits) >> _BUCKET
    return found


@njit(cache=True)
def _gather(offsets: Starts, data: Bytes, rows: Ids, ends: Starts, into: Bytes) -> None:
    """Put some texts end to end."""
    for place in range(len(rows)):
        begin = offsets[rows[place]]
        length = offsets[rows[place] + 1] - begin
        copy(data.ctypes.data + begin, length, into.ctypes.data + ends[place])


@njit(cache=True)
def _first(placed: Ids, numbers: Ids, count: int) -> Starts:
    """Give the next numbers to those that have none; tell which they are."""
    fresh = np.empty(len(placed), np.int64)
    found = 0
    for place in range(len(placed)):
        if numbers[placed[place]] < 0:
            numbers[placed[place]] = count + found
            fresh[found] = place
            found += 1
    return fresh[:found]
