"""Profile ids of many founders at once: what `identity.profiles.profile_id` gives, in compiled code."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit, prange

from identity.frames.blake2b import BLOCK, STATE, begun, digest
from identity.frames.bytes import copy, load_8, store_8, store_64
from identity.frames.chunks import Starts
from identity.frames.interning import Hashes, Ids

Bytes = npt.NDArray[np.uint8]

DIGITS = 32
"""Hexadecimal digits of a profile id."""
_TOGETHER = 1 << 14
"""Founders named by one processor before it asks for more."""
_PERSON = b"homing.profile"
_ROOM = 4_096
"""Bytes for what is hashed: a namespace, a value, a generation."""
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
        text, state = np.empty(_ROOM, np.uint8), np.empty(STATE, np.uint8)
        _name(founders, begin, before, first, min(first + _TOGETHER, count), text, state, digits)


@njit(cache=True)
def _name(
    founders: Founders, begin: Hashes, before: int, first: int, last: int, text: Bytes, state: Bytes, digits: Bytes
) -> None:
    """Hash namespace, NUL, value, NUL, generation of some founders; write the digits.

    `text` and `state` are room for one of them. They are the caller's: an array made here would be let go of as soon as
    its address alone is used.
    """
    start, h, into = text.ctypes.data, state.ctypes.data, digits.ctypes.data
    spaces, data = founders.spaces.ctypes.data, founders.data.ctypes.data
    for row in range(first, last):
        entry = founders.entries[row]
        space = founders.of[entry]
        end = _append(spaces + founders.ends[space], founders.ends[space + 1] - founders.ends[space], start)
        end = _append(data + founders.offsets[entry], founders.offsets[entry + 1] - founders.offsets[entry], end)
        end = _count(founders.generations[row], end)
        for place in range(end, end + BLOCK, 8):
            store_64(place, np.uint64(0))
        digest(begin.ctypes.data, before, start, end - start, h)
        _write(h, into + DIGITS * row)


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
    """Write a digest in hexadecimal digits."""
    for place in range(DIGITS // 2):
        byte = load_8(h + place)
        store_8(into + 2 * place, _HEX[byte >> np.uint8(4)])
        store_8(into + 2 * place + 1, _HEX[byte & np.uint8(15)])
