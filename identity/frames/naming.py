"""Profile ids of many founders at once: what `identity.profiles.profile_id` gives, in compiled code."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit, prange

from identity.frames.blake2b import BLOCK, LANES, ROOM, begun, digests
from identity.frames.bytes import copy, load_64, prefetch, store_8, store_64
from identity.frames.chunks import Starts
from identity.frames.interning import Hashes, Ids

Bytes = npt.NDArray[np.uint8]

DIGITS = 32
"""Hexadecimal digits of a profile id."""
_TOGETHER = 1 << 14
"""Founders named by one processor before it asks for more."""
_PERSON = b"homing.profile"
_TEXT = 1_152
"""Bytes for what is hashed: a namespace of at most 64, a value of at most 512, a generation, and zeros."""
_AHEAD = 32
"""Founders whose texts are asked for before they are hashed."""
_HEX = np.frombuffer(b"0123456789abcdef", np.uint8)


class Founders(NamedTuple):
    """Founder `i` is the entry `e` = entries[i], called data[offsets[e]:offsets[e + 1]], in the namespace `n` = of[e].

    A namespace is spaces[ends[n]:ends[n + 1]]; `generations` tell how often founders had ceased to found before.
    """

    entries: Ids
    generations: Ids
    of: Ids
    offsets: Starts
    data: Bytes
    spaces: Bytes
    ends: Starts


def profile_ids(
    names: list[bytes], of: Ids, entries: Ids, generations: Ids, offsets: Starts, data: Bytes, key: bytes
) -> Bytes:
    """Give the ids of founders, 32 digits each, end to end.

    A founder is an entry `e`, the text data[offsets[e]:offsets[e + 1]] in the namespace names[of[e]], and a generation.
    The key has at most 64 bytes.
    """
    spaces = np.frombuffer(b"".join(names), np.uint8) if names else np.zeros(0, np.uint8)
    ends = np.concatenate([[0], np.cumsum([len(name) for name in names])]).astype(np.int64)
    begin, before = begun(key, _PERSON, DIGITS // 2)
    digits = np.empty(DIGITS * len(entries), np.uint8)
    _name_all(Founders(entries, generations, of, offsets, data, spaces, ends), begin, before, digits)
    return digits


@njit(cache=True, parallel=True)
def _name_all(founders: Founders, begin: Hashes, before: int, digits: Bytes) -> None:
    """Name all founders, a part of them on each processor."""
    count = len(founders.entries)
    for part in prange(count // _TOGETHER + 1):
        first = part * _TOGETHER
        texts, room = np.empty(_TEXT * LANES, np.uint8), np.empty(ROOM // 8, np.uint64)
        sizes = np.zeros(LANES, np.uint64)
        _name(founders, begin, before, first, min(first + _TOGETHER, count), texts, sizes, room, digits)


@njit(cache=True)
def _name(
    founders: Founders,
    begin: Hashes,
    before: int,
    first: int,
    last: int,
    texts: Bytes,
    sizes: Hashes,
    room: Hashes,
    digits: Bytes,
) -> None:
    """Hash namespace, NUL, value, NUL, generation of some founders, eight at a time; write the digits.

    `texts`, `sizes` and `room` are the caller's: an array made here would be let go of as soon as its address alone is
    used.
    """
    for row in range(first, last, LANES):
        count = min(LANES, last - row)
        for lane in range(count):
            if row + lane + _AHEAD < last:
                _ask(founders, row + lane + _AHEAD)
            start = texts.ctypes.data + _TEXT * lane
            sizes[lane] = np.uint64(_spell(founders, row + lane, start))
        digests(begin.ctypes.data, before, texts.ctypes.data, _TEXT, sizes.ctypes.data, room.ctypes.data)
        for lane in range(count):
            _write(room.ctypes.data + 8 * lane, digits.ctypes.data + DIGITS * (row + lane))


@njit(cache=True)
def _ask(founders: Founders, row: int) -> None:
    """Ask for where a founder's text begins, and for the text of one that is nearer by half."""
    prefetch(np.int64(founders.offsets.ctypes.data + 8 * np.int64(founders.entries[row])))
    near = founders.offsets[founders.entries[row - _AHEAD // 2]]
    prefetch(np.int64(founders.data.ctypes.data + near))


@njit(cache=True)
def _spell(founders: Founders, row: int, start: int) -> int:
    """Write what is hashed of a founder, and zeros to the end of its block; give its size."""
    entry = founders.entries[row]
    space = founders.of[entry]
    name, value = founders.ends[space], founders.offsets[entry]
    end = _append(founders.spaces.ctypes.data + name, founders.ends[space + 1] - name, start)
    end = _append(founders.data.ctypes.data + value, founders.offsets[entry + 1] - value, end)
    end = _count(founders.generations[row], end)
    for place in range(end, end + BLOCK, 8):
        store_64(place, np.uint64(0))
    return end - start


@njit(cache=True)
def _append(start: int, length: int, into: int) -> int:
    """Copy a text, and NUL behind it; give where that ends."""
    copy(start, length, into)
    store_8(into + length, np.uint8(0))
    return into + length + 1


@njit(cache=True)
def _count(number: int, into: int) -> int:
    """Write a number in decimal digits; give where it ends."""
    scale = 1
    while number // scale >= 10:
        scale *= 10
    while scale:
        store_8(into, np.uint8(48 + (number // scale) % 10))
        into += 1
        scale //= 10
    return into


@njit(cache=True)
def _write(h: int, into: int) -> None:
    """Write a lane's digest in hexadecimal digits."""
    for place in range(DIGITS // 2):
        byte = (load_64(h + 8 * LANES * (place >> 3)) >> np.uint64(8 * (place & 7))) & np.uint64(255)
        store_8(into + 2 * place, _HEX[byte >> np.uint64(4)])
        store_8(into + 2 * place + 1, _HEX[byte & np.uint64(15)])
