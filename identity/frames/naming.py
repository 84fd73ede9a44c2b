"""Profile ids of many founders at once: what `identity.profiles.profile_id` gives, in compiled code."""

from typing import NamedTuple

import numpy as np
from numba import njit, prange

from identity.frames.blake2b import BLOCK, LANES, ROOM, begun, digests
from identity.frames.bytes import Bytes, copy, load_8, load_64, prefetch, store_8, store_16, store_64
from identity.frames.chunks import Starts
from identity.frames.interning import Hashes, Ids

DIGEST = 16
"""Bytes of a profile id."""
DIGITS = 2 * DIGEST
"""Hexadecimal digits of a profile id."""
_TOGETHER = 1 << 14
"""Founders named by one processor before it asks for more."""
_PERSON = b"homing.profile"
_TEXT = 1_152
"""Bytes for what is hashed: a namespace of at most 64, a value of at most 512, a generation, and zeros."""
_AHEAD = 32
"""Founders whose texts are asked for before they are hashed."""
_PAIRS = np.frombuffer(b"".join(b"%02x" % byte for byte in range(256)), np.uint16)
"""The two digits of each byte, as they stand in memory."""


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
    """Give the ids of founders, DIGEST bytes each, end to end.

    A founder is an entry `e`, the text data[offsets[e]:offsets[e + 1]] in the namespace names[of[e]], and a generation.
    The key has at most 64 bytes.
    """
    spaces = np.frombuffer(b"".join(names), np.uint8) if names else np.zeros(0, np.uint8)
    ends = np.concatenate([[0], np.cumsum([len(name) for name in names])]).astype(np.int64)
    begin, before = begun(key, _PERSON, DIGEST)
    digests = np.empty(DIGEST * len(entries), np.uint8)
    _name_all(Founders(entries, generations, of, offsets, data, spaces, ends), begin, before, digests)
    return digests


def spelled(digests: Bytes, which: Ids) -> Bytes:
    """Give some of the ids as they are written: DIGITS hexadecimal digits each, end to end."""
    digits = np.empty(DIGITS * len(which), np.uint8)
    _spell_out(digests, which, digits)
    return digits


@njit(cache=True, parallel=True)
def _name_all(founders: Founders, begin: Hashes, before: int, into: Bytes) -> None:
    """Name all founders, a part of them on each processor."""
    count = len(founders.entries)
    for part in prange(count // _TOGETHER + 1):
        first = part * _TOGETHER
        texts, room = np.empty(_TEXT * LANES, np.uint8), np.empty(ROOM // 8, np.uint64)
        sizes = np.zeros(LANES, np.uint64)
        _name(founders, begin, before, first, min(first + _TOGETHER, count), texts, sizes, room, into)


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
    into: Bytes,
) -> None:
    """Hash namespace, NUL, value, NUL, generation of some founders, eight at a time; write the digests.

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
            for word in range(DIGEST // 8):
                digest = load_64(room.ctypes.data + 8 * (LANES * word + lane))
                store_64(into.ctypes.data + DIGEST * (row + lane) + 8 * word, digest)


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


@njit(cache=True, nogil=True)
def _spell_out(digests: Bytes, which: Ids, digits: Bytes) -> None:
    """Write ids out; those to come are asked for, since they stand anywhere."""
    for row in range(len(which)):
        if row + _AHEAD < len(which):
            prefetch(np.int64(digests.ctypes.data + DIGEST * np.int64(which[row + _AHEAD])))
        start, into = digests.ctypes.data + DIGEST * np.int64(which[row]), digits.ctypes.data + DIGITS * row
        for place in range(DIGEST):
            store_16(into + 2 * place, _PAIRS[load_8(start + place)])
