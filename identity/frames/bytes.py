"""Texts in memory, by address and length, as compiled code sees them.

The hash is our own: the same for the same bytes on every machine, in every version, so that what was divided by it
stays divided. It is not secret and not cryptographic: whoever uses it compares the bytes as well.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit, types
from numba.extending import intrinsic

Starts = npt.NDArray[np.int64]
Lengths = npt.NDArray[np.int32]
Bytes = npt.NDArray[np.uint8]

_VIEW = 16
"""Bytes of one Utf8View: length, then the text if it has at most 12 bytes, else four bytes of it, buffer, offset."""
_INLINE = 12

_MIX = np.uint64(0x9E3779B97F4A7C15)
_MIX_2 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_3 = np.uint64(0x94D049BB133111EB)
"""Odd constants of splitmix64 (Steele, Lea, Flood 2014)."""
_ONES = np.uint64(0x0101010101010101)
_TOPS = np.uint64(0x8080808080808080)
_COLONS = np.uint64(0x3A3A3A3A3A3A3A3A)
_SPACES = np.uint64(0x2020202020202020)
_DELETES = np.uint64(0x7F7F7F7F7F7F7F7F)
"""Eight equal bytes; `(w - ones) & ~w & tops` marks the lowest zero byte of w (Mycroft 1987)."""


def _loader(bits: int, kind: Any) -> Any:
    """Make a compiled read of so many bits at any address, aligned or not."""

    @intrinsic
    def load(_typing: Any, _address: Any) -> Any:
        def code(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            from llvmlite import ir  # type: ignore[import-untyped]  # noqa: PLC0415 - no stubs; only compiling needs it

            pointer = builder.inttoptr(arguments[0], ir.IntType(bits).as_pointer())
            return builder.load(pointer, align=1)

        return kind(types.int64), code

    return load


load_8 = _loader(8, types.uint8)
load_32 = _loader(32, types.uint32)
load_64 = _loader(64, types.uint64)


def _storer(bits: int, kind: Any) -> Any:
    """Make a compiled write of so many bits at any address, aligned or not."""

    @intrinsic
    def store(_typing: Any, _address: Any, _value: Any) -> Any:
        def code(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            from llvmlite import ir  # noqa: PLC0415 - only compiling needs it

            pointer = builder.inttoptr(arguments[0], ir.IntType(bits).as_pointer())
            builder.store(arguments[1], pointer, align=1)
            return context.get_dummy_value()

        return types.void(types.int64, kind), code

    return store


store_8 = _storer(8, types.uint8)
store_16 = _storer(16, types.uint16)
store_64 = _storer(64, types.uint64)


@intrinsic
def _trailing_zeros(_typing: Any, _word: Any) -> Any:
    """Count the zeros below the lowest bit that is set."""

    def code(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        from llvmlite import ir  # noqa: PLC0415 - only compiling needs it

        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(types.uint64), code


@intrinsic
def prefetch(_typing: Any, _address: Any) -> Any:
    """Ask for the cache line at an address."""

    def code(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        from llvmlite import ir  # noqa: PLC0415 - only compiling needs it

        pointer = builder.inttoptr(arguments[0], ir.IntType(8).as_pointer())
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [ir.IntType(8).as_pointer(), number, number, number])
        function = builder.module.declare_intrinsic("llvm.prefetch", [ir.IntType(8).as_pointer()], kind)
        builder.call(function, [pointer, ir.Constant(number, 0), ir.Constant(number, 3), ir.Constant(number, 1)])
        return context.get_dummy_value()

    return types.void(types.int64), code


@njit(cache=True, nogil=True)
def locate(views: int, buffers: Starts, valid: int, offset: int, starts: Starts, lengths: Lengths) -> None:
    """Find the texts of a Utf8View array: inline, or in one of its buffers."""
    for row in range(len(starts)):
        place = row + offset
        if valid != 0 and (load_8(valid + (place >> 3)) >> np.uint8(place & 7)) & np.uint8(1) == 0:
            starts[row] = 0
            lengths[row] = 0
            continue
        view = views + _VIEW * place
        length = np.int32(load_32(view))
        lengths[row] = length
        if length <= _INLINE:
            starts[row] = view + 4
        else:
            starts[row] = buffers[load_32(view + 8)] + np.int64(load_32(view + 12))


@njit(cache=True, inline="always")
def _mixed(value: int) -> int:
    """Spread every bit over all others (splitmix64's finalizer)."""
    value = (value ^ (value >> np.uint64(30))) * _MIX_2
    value = (value ^ (value >> np.uint64(27))) * _MIX_3
    return value ^ (value >> np.uint64(31))


@njit(cache=True)
def hashed(start: int, length: int, seed: int) -> int:
    """Hash a text, eight bytes at a time, the last of them overlapping."""
    state = np.uint64(seed) ^ (np.uint64(length) * _MIX)
    if length >= 8:
        end = start + length - 8
        at = start
        while at < end:
            state = (state ^ load_64(at)) * _MIX_2
            state ^= state >> np.uint64(29)
            at += 8
        state ^= load_64(end)
    else:
        for place in range(length):
            state ^= np.uint64(load_8(start + place)) << np.uint64(8 * place)
    return _mixed(state + _MIX)


@njit(cache=True)
def equal(one: int, other: int, length: int) -> bool:
    """Tell whether two texts of a length are the same bytes."""
    if length >= 8:
        last = length - 8
        place = 0
        while place < last:
            if load_64(one + place) != load_64(other + place):
                return False
            place += 8
        return bool(load_64(one + last) == load_64(other + last))
    for place in range(length):
        if load_8(one + place) != load_8(other + place):
            return False
    return True


@njit(cache=True)
def less(one: int, length: int, other: int, its_length: int) -> bool:
    """Tell whether a text comes before another, byte by byte; of two that begin alike the shorter."""
    both = min(length, its_length)
    place = 0
    while place + 8 <= both:
        differing = load_64(one + place) ^ load_64(other + place)
        if differing != 0:
            place += np.int64(_trailing_zeros(differing) >> np.uint64(3))
            return bool(load_8(one + place) < load_8(other + place))
        place += 8
    while place < both:
        if load_8(one + place) != load_8(other + place):
            return bool(load_8(one + place) < load_8(other + place))
        place += 1
    return length < its_length


@njit(cache=True)
def copy(start: int, length: int, into: int) -> None:
    """Copy a text."""
    if length >= 8:
        last = length - 8
        place = 0
        while place < last:
            store_64(into + place, load_64(start + place))
            place += 8
        store_64(into + last, load_64(start + last))
    else:
        for place in range(length):
            store_8(into + place, load_8(start + place))


@njit(cache=True)
def colon(start: int, length: int) -> int:
    """Find the first colon of a text, eight bytes at a time; -1 where there is none."""
    if length < 8:
        for place in range(length):
            if load_8(start + place) == 58:
                return place
        return -1
    at = 0
    while True:
        at = min(at, length - 8)
        word = load_64(start + at) ^ _COLONS
        zeros = (word - _ONES) & ~word & _TOPS
        if zeros != 0:
            return np.int64(at) + np.int64(_trailing_zeros(zeros) >> np.uint64(3))
        if at == length - 8:
            return -1
        at += 8


@njit(cache=True)
def printable(start: int, length: int) -> bool:
    """Tell whether every byte of a text is printable ASCII."""
    if length < 8:
        for place in range(length):
            byte = load_8(start + place)
            if byte < 32 or byte > 126:
                return False
        return True
    at = 0
    while True:
        at = min(at, length - 8)
        word = load_64(start + at)
        controls = (word - _SPACES) & ~word
        delete = word ^ _DELETES
        if (controls | word | ((delete - _ONES) & ~delete)) & _TOPS != 0:
            return False
        if at == length - 8:
            return True
        at += 8
