"""A request's body becomes JSON within limits that no sender can talk its way around, or a refusal: never a crash.

Headers are not believed: browsers send JSON as text/plain, Node clients as a form, and gzip comes announced or not.
"""

import json
import math
import zlib
from http import HTTPStatus
from typing import Any

import orjson

from service.errors import ApiError

BODY_BYTES = 5 * 1024 * 1024
"""A body's limit: on the wire, which `edge` sees to, and inflated."""

_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_MEMBERS = 100
"""A gzip file may consist of several; more than this is a way to spend our time."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Unrepresentable:
    """Stands where a value was sent that JSON does not know (NaN, Infinity, 1e400): the event around it is refused."""

    __slots__ = ()


_UNREPRESENTABLE = Unrepresentable()


def inflate(data: bytes) -> bytes:
    """Undo gzip where the data begins as gzip does; give other data back as it is.

    Inflation stops at BODY_BYTES with ApiError 413; truncated or damaged gzip is ApiError 400.
    """
    if not data.startswith(_GZIP_MAGIC):
        return data
    inflated = bytearray()
    for _ in range(_GZIP_MEMBERS):
        member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        try:
            inflated += member.decompress(data, BODY_BYTES + 1 - len(inflated))
        except zlib.error:
            break
        if len(inflated) > BODY_BYTES:
            raise _too_large()
        if not member.eof:
            break
        data = member.unused_data
        if not data:
            return bytes(inflated)
    raise ApiError(HTTPStatus.BAD_REQUEST, "invalid_gzip", "the body begins as gzip and is damaged or cut off")


def read_json(data: bytes) -> Any:
    """Read a JSON text; ApiError 400 where it cannot be read.

    Strict (RFC 8259) first. What only breaks single values — NaN and infinities, as Python's `json` writes them, half a
    surrogate pair, as browsers cut an emoji — does not make the whole unreadable: the values are kept so that writing
    them with orjson raises TypeError, and the event they stand in can be refused alone. Of equal keys the last counts;
    a byte-order mark is skipped; whole numbers beyond 64 bits become floating-point, as in JavaScript.
    """
    data = data.removeprefix(_BYTE_ORDER_MARK)
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(
            data.decode(), parse_constant=_not_a_number, parse_float=_finite_float, parse_int=_whole_number
        )
    except (ValueError, RecursionError):
        raise ApiError(HTTPStatus.BAD_REQUEST, "invalid_json", "the body is not JSON that can be read") from None


def _not_a_number(_name: str) -> Unrepresentable:
    return _UNREPRESENTABLE


def _finite_float(text: str) -> float | Unrepresentable:
    number = float(text)
    return number if math.isfinite(number) else _UNREPRESENTABLE


def _whole_number(text: str) -> float | Unrepresentable:
    number = int(text) if len(text) < 20 else float(text)
    return number if math.isfinite(number) else _UNREPRESENTABLE


def _too_large() -> ApiError:
    return ApiError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", f"a body may be of {BODY_BYTES} bytes at most, inflated"
    )
