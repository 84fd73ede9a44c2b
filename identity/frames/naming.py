"""Profile ids of many founders at once: what `identity.profiles.profile_id` gives, in compiled code.

Source: RFC 7693 (BLAKE2b), with a key, 16 bytes of digest and a personalisation.
"""

import numpy as np
import numpy.typing as npt
from numba import njit, prange

from identity.frames.chunks import Starts
from identity.frames.interning import Hashes, Ids

Bytes = npt.NDArray[np.uint8]

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
_BLOCK = 128
DIGITS = 32
"""Hexadecimal digits of a profile id."""
_TOGETHER = 1 << 14
"""Founders named by one processor before it asks for more."""
_PERSON = b"homing.profile".ljust(16, b"\0")
_HEX = np.frombuffer(b"0123456789abcdef", np.uint8)


def profile_ids(
    names: list[bytes], of: Ids, entries: Ids, generations: Ids, offsets: Starts, data: Bytes, key: bytes
) -> Bytes:
    """Give the ids of founders, 32 digits each, end to end.

    A founder is an entry `e`, the text data[offsets[e]:offsets[e + 1]] in the namespace names[of[e]], and a generation.
    The key has at most 64 bytes.
    """
    prefixes = np.frombuffer(b"".join(names), np.uint8) if names else np.zeros(0, np.uint8)
    ends = np.concatenate([[0], np.cumsum([len(name) for name in names])]).astype(np.int64)
    secret = np.zeros(_BLOCK, np.uint8)
    secret[: len(key)] = np.frombuffer(key, np.uint8)
    digits = np.empty(DIGITS * len(entries), np.uint8)
    person = np.frombuffer(_PERSON, np.uint64)
    _name_all(prefixes, ends, of, entries, generations, offsets, data, secret, len(key), person, digits)
    return digits


@njit(cache=True, parallel=True)
def _name_all(
    prefixes: Bytes,
    ends: Starts,
    of: Ids,
    entries: Ids,
    generations: Ids,
    offsets: Starts,
    data: Bytes,
    secret: Bytes,
    secret_length: int,
    person: Hashes,
    digits: Bytes,
) -> None:
    """Name all founders, a part of them on each processor."""
    parts = len(entries) // _TOGETHER + 1
    for part in prange(parts):
        some = slice(part * _TOGETHER, min((part + 1) * _TOGETHER, len(entries)))
        digits_of = digits[DIGITS * some.start : DIGITS * some.stop]
        _name(
            prefixes,
            ends,
            of,
            entries[some],
            generations[some],
            offsets,
            data,
            secret,
            secret_length,
            person,
            digits_of,
        )


@njit(cache=True, inline="always")
def _turned(word: int, bits: int) -> int:
    """Rotate a word to the right."""
    return (word >> np.uint64(bits)) | (word << np.uint64(64 - bits))


@njit(cache=True, inline="always")
def _mix(a: int, b: int, c: int, d: int, x: int, y: int) -> tuple[int, int, int, int]:
    """Mix two words in: G of the RFC, section 3.1."""
    a = a + b + x
    d = _turned(d ^ a, 32)
    c = c + d
    b = _turned(b ^ c, 24)
    a = a + b + y
    d = _turned(d ^ a, 16)
    c = c + d
    b = _turned(b ^ c, 63)
    return a, b, c, d


@njit(cache=True)
def _compress(h: Hashes, m: Hashes, count: int, last: bool) -> None:
    """Take one block in: F of the RFC, section 3.2; its vector v in sixteen variables, for speed."""
    v0, v1, v2, v3, v4, v5, v6, v7 = h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7]
    v8, v9, va, vb, vc, vd, ve, vf = _IV[0], _IV[1], _IV[2], _IV[3], _IV[4], _IV[5], _IV[6], _IV[7]
    vc ^= np.uint64(count)
    if last:
        ve = ~ve
    for turn in range(12):
        s = _SIGMA[turn]
        v0, v4, v8, vc = _mix(v0, v4, v8, vc, m[s[0]], m[s[1]])
        v1, v5, v9, vd = _mix(v1, v5, v9, vd, m[s[2]], m[s[3]])
        v2, v6, va, ve = _mix(v2, v6, va, ve, m[s[4]], m[s[5]])
        v3, v7, vb, vf = _mix(v3, v7, vb, vf, m[s[6]], m[s[7]])
        v0, v5, va, vf = _mix(v0, v5, va, vf, m[s[8]], m[s[9]])
        v1, v6, vb, vc = _mix(v1, v6, vb, vc, m[s[10]], m[s[11]])
        v2, v7, v8, vd = _mix(v2, v7, v8, vd, m[s[12]], m[s[13]])
        v3, v4, v9, ve = _mix(v3, v4, v9, ve, m[s[14]], m[s[15]])
    h[0], h[1], h[2], h[3] = h[0] ^ v0 ^ v8, h[1] ^ v1 ^ v9, h[2] ^ v2 ^ va, h[3] ^ v3 ^ vb
    h[4], h[5], h[6], h[7] = h[4] ^ v4 ^ vc, h[5] ^ v5 ^ vd, h[6] ^ v6 ^ ve, h[7] ^ v7 ^ vf


@njit(cache=True)
def _load(block: Bytes, m: Hashes) -> None:
    """Read a block as sixteen words, the lowest byte first."""
    for n in range(16):
        word = np.uint64(0)
        for place in range(8):
            word |= np.uint64(block[8 * n + place]) << np.uint64(8 * place)
        m[n] = word


@njit(cache=True)
def _name(
    prefixes: Bytes,
    ends: Starts,
    of: Ids,
    entries: Ids,
    generations: Ids,
    offsets: Starts,
    data: Bytes,
    secret: Bytes,
    secret_length: int,
    person: Hashes,
    digits: Bytes,
) -> None:
    """Hash namespace, NUL, value, NUL, generation; write the digits."""
    h, m = np.empty(8, np.uint64), np.empty(16, np.uint64)
    keyed = _IV.copy()
    keyed[0] ^= np.uint64(0x01010000 ^ (secret_length << 8) ^ 16)
    keyed[6] ^= person[0]
    keyed[7] ^= person[1]
    before = 0
    if secret_length:
        _load(secret, m)
        _compress(keyed, m, 128, False)
        before = 128
    text = np.empty(4096, np.uint8)
    block = np.zeros(128, np.uint8)
    for row in range(len(entries)):
        entry, size = entries[row], 0
        for place in range(ends[of[entry]], ends[of[entry] + 1]):
            text[size] = prefixes[place]
            size += 1
        text[size] = 0
        size += 1
        for place in range(offsets[entry], offsets[entry + 1]):
            text[size] = data[place]
            size += 1
        text[size] = 0
        size += 1
        scale = 1
        while generations[row] // scale >= 10:
            scale *= 10
        while scale:
            text[size] = 48 + (generations[row] // scale) % 10
            size += 1
            scale //= 10
        h[:] = keyed
        begin = 0
        while True:
            end = min(begin + 128, size)
            block[: end - begin] = text[begin:end]
            block[end - begin :] = 0
            _load(block, m)
            _compress(h, m, before + end, end == size)
            begin = end
            if begin == size:
                break
        for place in range(16):
            byte = (h[place >> 3] >> np.uint64(8 * (place & 7))) & np.uint64(255)
            digits[32 * row + 2 * place] = _HEX[byte >> np.uint64(4)]
            digits[32 * row + 2 * place + 1] = _HEX[byte & np.uint64(15)]
