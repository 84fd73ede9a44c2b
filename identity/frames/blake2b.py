"""BLAKE2b of one short text after the other, with a key and a personalisation, in compiled code.

States `h` and blocks `m` are given by address: eight and sixteen words, for a call that is given an array counts who
refers to it. Source: RFC 7693; its letters are kept.
"""

import numpy as np
from numba import njit

from identity.frames.bytes import copy, load_64, store_64
from identity.frames.interning import Hashes

BLOCK = 128
"""Bytes that are taken in at once."""
STATE = 64
"""Bytes of a state; a digest is what it begins with."""
_IV = np.array(
    [
        0x6A09E667F3BCC908,
        0xBB67AE8584CAA73B,
        0x3C6EF372FE94F82B,
        0xA54FF53A5F1D36F1,
        0x510E527FADE682D1,
        0x9B05688C2B3E6C1F,
        0x1F83D9ABFB41BD6B,
        0x5BE0CD19137E2179,
    ],
    np.uint64,
)
_SIGMA = np.array(
    [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
        [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
        [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
        [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
        [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
        [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
        [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
        [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
        [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
        [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
        [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
    ],
    np.uint8,
)


def begun(key: bytes, person: bytes, size: int) -> tuple[Hashes, int]:
    """Give the state before any text, and how many bytes were taken in by then; `size` is that of the digest."""
    h = _IV.copy()
    h[0] ^= np.uint64(0x01010000 ^ (len(key) << 8) ^ size)
    h[6:] ^= np.frombuffer(person.ljust(16, b"\0"), np.uint64)
    if not key:
        return h, 0
    block = np.frombuffer(key.ljust(BLOCK, b"\0"), np.uint8)
    compress(h.ctypes.data, block.ctypes.data, BLOCK, last=False)
    return h, BLOCK


@njit(cache=True)
def digest(begin: int, before: int, text: int, size: int, h: int) -> None:
    """Hash so many bytes at an address, behind which there are zeros up to the block's end: `begin` becomes `h`."""
    copy(begin, STATE, h)
    at = 0
    while size - at > BLOCK:
        compress(h, text + at, before + at + BLOCK, False)
        at += BLOCK
    compress(h, text + at, before + size, True)


@njit(cache=True)
def compress(h: int, m: int, count: int, last: bool) -> None:
    """Take in a block: F of section 3.2, its vector v in sixteen variables, for speed."""
    v0, v1, v2, v3 = _word(h, 0), _word(h, 1), _word(h, 2), _word(h, 3)
    v4, v5, v6, v7 = _word(h, 4), _word(h, 5), _word(h, 6), _word(h, 7)
    v8, v9, va, vb, vc, vd, ve, vf = _IV[0], _IV[1], _IV[2], _IV[3], _IV[4], _IV[5], _IV[6], _IV[7]
    vc ^= np.uint64(count)
    if last:
        ve = ~ve
    for turn in range(12):
        s = _SIGMA[turn]
        v0, v4, v8, vc = _mix(v0, v4, v8, vc, _word(m, s[0]), _word(m, s[1]))
        v1, v5, v9, vd = _mix(v1, v5, v9, vd, _word(m, s[2]), _word(m, s[3]))
        v2, v6, va, ve = _mix(v2, v6, va, ve, _word(m, s[4]), _word(m, s[5]))
        v3, v7, vb, vf = _mix(v3, v7, vb, vf, _word(m, s[6]), _word(m, s[7]))
        v0, v5, va, vf = _mix(v0, v5, va, vf, _word(m, s[8]), _word(m, s[9]))
        v1, v6, vb, vc = _mix(v1, v6, vb, vc, _word(m, s[10]), _word(m, s[11]))
        v2, v7, v8, vd = _mix(v2, v7, v8, vd, _word(m, s[12]), _word(m, s[13]))
        v3, v4, v9, ve = _mix(v3, v4, v9, ve, _word(m, s[14]), _word(m, s[15]))
    _blend(h, 0, v0 ^ v8)
    _blend(h, 1, v1 ^ v9)
    _blend(h, 2, v2 ^ va)
    _blend(h, 3, v3 ^ vb)
    _blend(h, 4, v4 ^ vc)
    _blend(h, 5, v5 ^ vd)
    _blend(h, 6, v6 ^ ve)
    _blend(h, 7, v7 ^ vf)


@njit(cache=True)
def _word(words: int, place: int) -> int:
    """Give one of some words."""
    return load_64(words + 8 * np.int64(place))


@njit(cache=True)
def _blend(h: int, place: int, word: int) -> None:
    """Mix a word into one of a state's."""
    store_64(h + 8 * place, _word(h, place) ^ word)


@njit(cache=True)
def _turned(word: int, bits: int) -> int:
    """Rotate a word to the right."""
    return (word >> np.uint64(bits)) | (word << np.uint64(64 - bits))


@njit(cache=True)
def _mix(a: int, b: int, c: int, d: int, x: int, y: int) -> tuple[int, int, int, int]:
    """Mix two words in: G of section 3.1."""
    a = a + b + x
    d = _turned(d ^ a, 32)
    c = c + d
    b = _turned(b ^ c, 24)
    a = a + b + y
    d = _turned(d ^ a, 16)
    c = c + d
    b = _turned(b ^ c, 63)
    return a, b, c, d
