"""What nobody should send and somebody will, as it stands in JSON: each a value that one store or the other chokes on.

Half of a surrogate pair, NUL, numbers beyond 64 bits or beyond all, moments at the ends of the calendar, bytes that are
no UTF-8, and texts longer than an index of PostgreSQL holds, which does not hold them compressed either.
"""

import json
import random
from collections.abc import Iterator
from typing import Any

import orjson
from hypothesis import strategies as st

Place = tuple[str | int, ...]

_MARK = "@@@"


def long_text(length: int, letters: str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-_") -> str:
    """Give a text that cannot be compressed much."""
    return "".join(random.Random(length).choices(letters, k=length))


TEXTS = [
    *("", " ", "\0", "a\0b", "\x1f", "\x7f", "\x9f", "\ufeff", "\ufffe", "\u202e", "%00", "null", "NaN", "'; --", "\\"),
    *("😀" * 255, "e\u0301", "ß", "İ", "\U0010ffff", "{}", '"', "a" * 256, "x" * 3_000),
    *(long_text(255), long_text(256), long_text(600), long_text(2_700), long_text(9_000)),
    long_text(255, "가나다라마바사아자차카타파하😀𝔸𝔹ℂ"),
]
RAW = [
    *(json.dumps(text).encode() for text in TEXTS),
    *(rb'"\ud800"', rb'"a\udfff\ud800b"', b'"\xff"', b'"\xed\xa0\x80"', b'"\xf4\x90\x80\x80"', b'"\xc0\x80"'),
    *(b"9223372036854775807", b"9223372036854775808", b"-9223372036854775809", b"18446744073709551616", b"1" * 400),
    *(b"1e308", b"1e309", b"-1e999", b"NaN", b"Infinity", b"-0.0", b"1e-400", b"0.1", b"4294967296", b"true", b"null"),
    *(
        b'"0001-01-01T00:00:00Z"',
        b'"0001-01-01T00:00:00+14:00"',
        b'"9999-12-31T23:59:59.999999-14:00"',
        b'"10000-01-01"',
    ),
    *(
        b"-62135596800",
        b"-62135596801",
        b"253402300799",
        b"253402300800",
        b"99999999999999999",
        b'"-infinity"',
        b'"epoch"',
    ),
    *(b"[]", b"{}", b"[[]]", b'{"\\u0000":"\\u0000"}', rb'{"\ud800":1}', b"[" * 40 + b"]" * 40),
]
"""Values as bytes of JSON, or of what clients take for it."""


def raws() -> st.SearchStrategy[bytes]:
    """Draw a value: one of those above, or any text, number or bytes."""
    texts = st.text(st.characters()).map(lambda text: json.dumps(text).encode())
    numbers = st.one_of(st.integers(), st.floats()).map(lambda number: json.dumps(number).encode())
    return st.one_of(st.sampled_from(RAW), texts, numbers, st.binary(max_size=8).map(lambda data: b'"' + data + b'"'))


def places(value: Any, place: Place = ()) -> Iterator[Place]:
    """List every place of a JSON value but the whole."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, child in inner:
        yield (*place, name)
        yield from places(child, (*place, name))


def put(value: Any, place: Place, raw: bytes) -> bytes:
    """Write a JSON value with something else at a place."""
    return orjson.dumps(_marked(value, place)).replace(orjson.dumps(_MARK), raw)


def _marked(value: Any, place: Place) -> Any:
    if not place:
        return _MARK
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[place[0]] = _marked(value[place[0]], place[1:])  # type: ignore[index]  # a place of this very value
    return copy
