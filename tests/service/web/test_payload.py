"""A body is read within its limits or refused with a reason, whatever it is."""

import gzip
import math
import tracemalloc
import zlib

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import ApiError
from service.web.payload import BODY_BYTES, Unrepresentable, inflate, read_json

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


def refusal(data: bytes) -> ApiError:
    """Give the refusal that the data meets on its way to JSON."""
    with pytest.raises(ApiError) as caught:
        read_json(inflate(data))
    return caught.value


def status(data: bytes) -> int:
    """Give the status that the data leads to."""
    try:
        read_json(inflate(data))
    except ApiError as error:
        return error.status
    return 200


@given(JSON)
def test_every_json_is_read_as_it_was_written(value: object) -> None:
    """What orjson writes comes back, plain and gzipped."""
    data = orjson.dumps(value)
    assert read_json(inflate(data)) == value
    assert read_json(inflate(gzip.compress(data))) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """No sequence of bytes raises anything but a refusal with status 400."""
    for body in (data, b"\x1f\x8b" + data, gzip.compress(data)):
        assert status(body) in {200, 400}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"{}{}",
        b'{"a":}',
        b'"\x00"',
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b"\xef\xbb\xbf",
        '{"a":1}'.encode("utf-16"),
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b"<html>",
        b"batch=%7B%7D",
        b"nan",
    ],
    ids=repr,
)
def test_what_is_not_json_is_refused(body: bytes) -> None:
    """Broken, cut, mis-encoded and endlessly nested bodies are 400 with a code."""
    error = refusal(body)
    assert (error.status, error.code) == (400, "invalid_json")


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1" * 400])
def test_a_number_that_json_does_not_know_spoils_its_event_alone(text: str) -> None:
    """The rest of the batch stays readable, and the number can never be written as null."""
    good, bad = read_json(f'[{{"a": 1.5}}, {{"a": {text}}}]'.encode())
    assert good == {"a": 1.5}
    assert isinstance(bad["a"], Unrepresentable)
    with pytest.raises(TypeError):
        orjson.dumps(bad)


def test_half_a_surrogate_pair_spoils_its_event_alone() -> None:
    """A cut emoji is read, and refuses to be written."""
    good, bad = read_json(b'[{"a": "\\ud83d\\ude00"}, {"a": "\\ud83d"}]')
    assert good == {"a": "😀"}
    with pytest.raises(TypeError):
        orjson.dumps(bad)


def test_both_readers_agree_on_numbers_and_keys() -> None:
    """What is read beside a NaN is read as it would be without it."""
    numbers = b'"a": 9223372036854775808, "b": 18446744073709551616, "c": -9223372036854775809, "g": -0, "h": 1e5, '
    rest = numbers + b'"d": 1.5, "d": 2, "e": "\\u0000"'
    strict = read_json(b"{" + rest + b"}")
    lenient = read_json(b"{" + rest + b', "f": NaN}')
    del lenient["f"]
    assert strict == lenient
    assert [type(value) for value in strict.values()] == [type(value) for value in lenient.values()]
    assert (strict["a"], strict["d"]) == (2**63, 2)
    assert math.isclose(strict["b"], 2.0**64)


def test_a_byte_order_mark_is_skipped() -> None:
    """Windows programs begin files with one."""
    assert read_json(b'\xef\xbb\xbf{"a":1}') == {"a": 1}


def test_what_orjson_cannot_nest_is_refused_before_it_recurses() -> None:
    """Orjson reads 1,024 levels and no more; deeper text is a refusal and no RecursionError."""
    assert read_json(b"[" * 1_000 + b"]" * 1_000)
    assert refusal(b"[" * 1_100 + b"]" * 1_100).code == "invalid_json"


@pytest.mark.parametrize("cut", [2, 9, 10, 11, -9, -8, -1])
def test_gzip_cut_short_is_refused(cut: int) -> None:
    """Wherever a connection ended, half a body is no body."""
    error = refusal(gzip.compress(b'{"batch":[]}')[:cut])
    assert (error.status, error.code) == (400, "invalid_gzip")


def test_damaged_gzip_is_refused() -> None:
    """A flipped byte of the checksum, and what follows the end, are noticed."""
    whole = gzip.compress(b'{"batch":[]}')
    assert refusal(whole[:-5] + bytes([whole[-5] ^ 1]) + whole[-4:]).code == "invalid_gzip"
    assert refusal(whole + b"tail").code == "invalid_gzip"


def test_gzip_in_several_members_is_one_body() -> None:
    """RFC 1952, 2.2: members simply follow each other."""
    assert inflate(gzip.compress(b'{"a"') + gzip.compress(b":1}")) == b'{"a":1}'
    assert refusal(gzip.compress(b"") * 101).code == "invalid_gzip"


def test_gzip_within_gzip_is_inflated_once() -> None:
    """What is still gzip then is not JSON."""
    assert refusal(gzip.compress(gzip.compress(b"{}"))).code == "invalid_json"


def bomb(size: int) -> bytes:
    """Gzip `size` zeros without ever holding them."""
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    block = bytes(1024 * 1024)
    parts = [packer.compress(block) for _ in range(size // len(block))]
    return b"".join(parts) + packer.flush()


def test_a_zip_bomb_stops_at_the_limit() -> None:
    """100 MB of zeros in 100 KB are refused as too large, in one member or in many."""
    one = bomb(100 * 1024 * 1024)
    assert len(one) < 200_000
    for body in (one, bomb(2 * 1024 * 1024) * 50):
        tracemalloc.start()
        error = refusal(body)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert (error.status, error.code) == (413, "body_too_large")
        assert most < 4 * BODY_BYTES


def test_the_limit_is_exact() -> None:
    """5 MB inflated pass, one byte more does not."""
    exact = b"0" * BODY_BYTES
    assert inflate(gzip.compress(exact)) == exact
    assert status(gzip.compress(exact + b"0")) == 413
