"""BLAKE2b of eight short texts at once, with a key and a personalisation, in compiled code.

Each text has a lane of its own. What eight texts have of something stands side by side, word for word: a state `h` is
eight words of eight lanes, a block `m` sixteen. They are given by address, for a call that is given an array counts who
refers to it. Source: RFC 7693; its letters are kept.
"""

from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

from identity.frames.bytes import load_64, store_64
from identity.frames.interning import Hashes

LANES = 8
BLOCK = 128
"""Bytes of a text that are taken in at once."""
ROOM = 8 * LANES * (8 + 16 + 3)
"""Bytes for a state, a block, and what else there is to know of each lane."""
_WORD = 8 * LANES
"""Bytes from one word of a lane to the next."""
_M, _COUNT, _LAST, _LIVE = 8 * _WORD, 24 * _WORD, 25 * _WORD, 26 * _WORD
"""Where in that room the block begins, the counts `t`, the flags `f`, and which lanes are live: all bits, or none."""
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
_SIGMA = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
    (14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3),
    (11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4),
    (7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8),
    (9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13),
    (2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9),
    (12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11),
    (13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10),
    (6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5),
    (10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0),
)
_ROUNDS = 12
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)


def begun(key: bytes, person: bytes, size: int) -> tuple[Hashes, int]:
    """Give the state before any text, and how many bytes were taken in by then; `size` is that of the digests."""
    room = np.zeros(ROOM // 8, np.uint64)
    h = _IV.copy()
    h[0] ^= np.uint64(0x01010000 ^ (len(key) << 8) ^ size)
    h[6:] ^= np.frombuffer(person.ljust(16, b"\0"), np.uint64)
    room[: 8 * LANES] = np.repeat(h, LANES)
    if key:
        block = np.frombuffer(key.ljust(BLOCK, b"\0"), np.uint64)
        room[8 * LANES : 24 * LANES] = np.repeat(block, LANES)
        room[24 * LANES : 25 * LANES], room[26 * LANES :] = BLOCK, _ALL
        _compress_once(room.ctypes.data)
    return room[: 8 * LANES].copy(), BLOCK if key else 0


@njit(cache=True)
def digests(begin: int, before: int, texts: int, stride: int, sizes: int, room: int) -> None:
    """Hash eight texts, which leaves their states where `room` begins; `begin` is the state to begin with.

    Text `i` has as many bytes as the word `i` at `sizes` says, stands at texts + i × stride, and has zeros behind it up
    to its block's end.
    """
    blocks = 1
    for lane in range(LANES):
        blocks = max(blocks, (np.int64(load_64(sizes + 8 * lane)) + BLOCK - 1) // BLOCK)
    for place in range(0, 8 * _WORD, 8):
        store_64(room + place, load_64(begin + place))
    for block in range(blocks):
        for lane in range(LANES):
            size = np.int64(load_64(sizes + 8 * lane))
            taken = BLOCK * block
            live = block == 0 or taken < size
            last = live and taken + BLOCK >= size
            end = min(taken + BLOCK, int(size))
            store_64(room + _COUNT + 8 * lane, np.uint64(before + end))
            store_64(room + _LAST + 8 * lane, _ALL if last else np.uint64(0))
            store_64(room + _LIVE + 8 * lane, _ALL if live else np.uint64(0))
            for word in range(16 if live else 0):
                store_64(room + _M + _WORD * word + 8 * lane, load_64(texts + stride * lane + taken + 8 * word))
        _compress(room)


@njit(cache=True)
def _compress_once(room: int) -> None:
    """Take in a block, for who is not compiled."""
    _compress(room)


@intrinsic
def _compress(_typing: Any, _room: Any) -> Any:
    """Take in a block in each lane that is live: F of section 3.2, written out, for vectors of eight words."""

    def code(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        from llvmlite import ir  # type: ignore[import-untyped]  # noqa: PLC0415 - no stubs; only compiling needs it

        word = ir.IntType(64)
        lanes = ir.VectorType(word, LANES)

        def at(place: int) -> Any:
            address = builder.add(arguments[0], ir.Constant(word, place))
            return builder.inttoptr(address, lanes.as_pointer())

        def all_of(value: int) -> Any:
            return ir.Constant(lanes, [value] * LANES)

        def turned(value: Any, bits: int) -> Any:
            return builder.or_(builder.lshr(value, all_of(bits)), builder.shl(value, all_of(64 - bits)))

        def mix(a: int, b: int, c: int, d: int, x: Any, y: Any) -> None:
            """Mix two words in: G of section 3.1."""
            for more, one, other in ((x, 32, 24), (y, 16, 63)):
                v[a] = builder.add(builder.add(v[a], v[b]), more)
                v[d] = turned(builder.xor(v[d], v[a]), one)
                v[c] = builder.add(v[c], v[d])
                v[b] = turned(builder.xor(v[b], v[c]), other)

        h = [builder.load(at(_WORD * place), align=8) for place in range(8)]
        m = [builder.load(at(_M + _WORD * place), align=8) for place in range(16)]
        v = [*h, *(all_of(int(each)) for each in _IV)]
        v[12] = builder.xor(v[12], builder.load(at(_COUNT), align=8))
        v[14] = builder.xor(v[14], builder.load(at(_LAST), align=8))
        for turn in range(_ROUNDS):
            s = _SIGMA[turn % len(_SIGMA)]
            for place in range(4):
                mix(place, 4 + place, 8 + place, 12 + place, m[s[2 * place]], m[s[2 * place + 1]])
            for place in range(4):
                b, c, d = 4 + (place + 1) % 4, 8 + (place + 2) % 4, 12 + (place + 3) % 4
                mix(place, b, c, d, m[s[8 + 2 * place]], m[s[9 + 2 * place]])
        live = builder.load(at(_LIVE), align=8)
        for place in range(8):
            more = builder.and_(builder.xor(v[place], v[place + 8]), live)
            builder.store(builder.xor(h[place], more), at(_WORD * place), align=8)
        return context.get_dummy_value()

    return types.void(types.int64), code
