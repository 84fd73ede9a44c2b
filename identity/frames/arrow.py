"""Text crosses between polars and compiled code without being copied, by Arrow's C interfaces alone.

What is read stays alive as long as the `Texts` that reads it, what is given away as long as polars holds it.
Source: Arrow C data and C stream interfaces; the layouts `vu` (Utf8View) and `U` (LargeUtf8).
"""

import ctypes
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from identity.frames.bytes import locate

_VIEW_TEXT = b"vu"
_LARGE_TEXT = b"U"


class _Schema(ctypes.Structure):
    """ArrowSchema."""


class _Array(ctypes.Structure):
    """ArrowArray."""


_RELEASE_SCHEMA = ctypes.CFUNCTYPE(None, ctypes.POINTER(_Schema))
_RELEASE_ARRAY = ctypes.CFUNCTYPE(None, ctypes.POINTER(_Array))

_Schema._fields_ = [
    ("format", ctypes.c_char_p),
    ("name", ctypes.c_char_p),
    ("metadata", ctypes.c_char_p),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", ctypes.c_void_p),
    ("dictionary", ctypes.c_void_p),
    ("release", _RELEASE_SCHEMA),
    ("private_data", ctypes.c_void_p),
]
_Array._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.c_void_p),
    ("dictionary", ctypes.c_void_p),
    ("release", _RELEASE_ARRAY),
    ("private_data", ctypes.c_void_p),
]


class _Stream(ctypes.Structure):
    """ArrowArrayStream; its own release is left to the capsule that holds it."""

    _fields_ = (
        ("get_schema", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(_Schema))),
        ("get_next", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(_Array))),
        ("get_last_error", ctypes.c_void_p),
        ("release", ctypes.c_void_p),
        ("private_data", ctypes.c_void_p),
    )


_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.restype = ctypes.c_void_p
_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
_capsule = ctypes.pythonapi.PyCapsule_New
_capsule.restype = ctypes.py_object
_capsule.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]


@dataclass(slots=True, eq=False)
class Texts:
    """Where each text of a column begins in memory and how many bytes it has; null is an empty text."""

    starts: npt.NDArray[np.int64]
    lengths: npt.NDArray[np.int32]
    kept: Any = field(repr=False)

    def __len__(self) -> int:
        """Count the texts."""
        return len(self.starts)


class _Borrowed:
    """An Arrow array of ours until it is released."""

    def __init__(self, array: _Array) -> None:
        self.array = array

    def __del__(self) -> None:
        if self.array.release:
            self.array.release(ctypes.byref(self.array))


def texts(column: pl.Series) -> Texts:
    """Locate the texts of a String column, without copying them."""
    whole = column.rechunk()
    capsule = whole.__arrow_c_stream__()
    address = _pointer(capsule, b"arrow_array_stream")
    stream = _Stream.from_address(address)
    schema = _Schema()
    if stream.get_schema(address, ctypes.byref(schema)) != 0 or schema.format != _VIEW_TEXT:
        raise TypeError(f"a column of {column.dtype} is no text")
    schema.release(ctypes.byref(schema))
    array = _Array()
    if stream.get_next(address, ctypes.byref(array)) != 0:
        raise MemoryError("the column could not be read")
    starts = np.empty(len(whole), np.int64)
    lengths = np.empty(len(whole), np.int32)
    kept = (_Borrowed(array), capsule, whole)
    if array.release and len(whole):
        buffers = np.array([array.buffers[n] or 0 for n in range(array.n_buffers)], np.int64)
        valid = buffers[0] if array.null_count != 0 else np.int64(0)
        locate(buffers[1], buffers[2:], valid, array.offset, starts, lengths)
    return Texts(starts, lengths, kept)


_given: dict[int, tuple[Any, ...]] = {}
"""What polars holds of ours, by the address of its Arrow array; taken out when it lets go."""


@_RELEASE_SCHEMA
def _release_schema(schema: Any) -> None:
    schema.contents.release = _RELEASE_SCHEMA()


@_RELEASE_ARRAY
def _release_array(array: Any) -> None:
    _given.pop(array.contents.private_data, None)
    array.contents.release = _RELEASE_ARRAY()


class _Given:
    """A LargeUtf8 array as polars takes it in."""

    def __init__(self, offsets: npt.NDArray[np.int64], data: npt.NDArray[np.uint8]) -> None:
        self._offsets = np.ascontiguousarray(offsets)
        self._data = np.ascontiguousarray(data)

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[Any, Any]:
        """Give the schema and the array, as capsules."""
        buffers = (ctypes.c_void_p * 3)(None, self._offsets.ctypes.data, self._data.ctypes.data)
        schema = _Schema(format=_LARGE_TEXT, name=b"", flags=0, release=_release_schema)
        array = _Array(
            length=len(self._offsets) - 1,
            null_count=0,
            n_buffers=3,
            buffers=ctypes.cast(buffers, ctypes.POINTER(ctypes.c_void_p)),
            release=_release_array,
        )
        token = ctypes.addressof(buffers)
        array.private_data = token
        _given[token] = (self._offsets, self._data, buffers)
        capsules = (
            _capsule(ctypes.addressof(schema), b"arrow_schema", None),
            _capsule(ctypes.addressof(array), b"arrow_array", None),
        )
        self._structs = (schema, array)
        return capsules


def series(name: str, offsets: npt.NDArray[np.int64], data: npt.NDArray[np.uint8]) -> pl.Series:
    """Make a String column of UTF-8 bytes: text `i` is data[offsets[i]:offsets[i + 1]]."""
    if len(offsets) <= 1:
        return pl.Series(name, [], dtype=pl.String)
    return pl.Series(_Given(offsets, data)).alias(name)
