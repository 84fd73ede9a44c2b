"""Whoever may not ask, and whatever makes no sense, is refused in the shape of every error, and never with a 500."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from identity.observations import Trust
from service.keys import Scope
from tests.service.harness import Api
from tests.service.shopping import PATH, Shopping, before, question

JSON = {"Content-Type": "application/json"}
DEEP = b"[" * 100_000 + b"]" * 100_000


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", PATH), ("GET", PATH), ("POST", f"{PATH}:batch"), ("GET", "/v1/decisions/x")],
)
def test_asking_needs_the_scope_decide(api: Api, method: str, path: str) -> None:
    """401 without a live key, 403 with a browser's, in the shape of every error."""
    for key, status in ((None, 401), ("homing_unknown", 401), (api.key(Scope.INGEST, trust=Trust.ASSERTED), 403)):
        answer = api.request(method, path, key=key)
        assert answer.status_code == status
        assert set(answer.json()) <= {"code", "message", "details"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"recipient": None}, "recipient"),
        ({"recipient": []}, "recipient"),
        ({"recipient": {}}, "recipient"),
        ({"recipient": {"namespace": "user_id"}}, "recipient"),
        ({"recipient": {"namespace": "user_id", "value": 7}}, "recipient"),
        ({"recipient": {"namespace": "a b", "value": "x"}}, "recipient"),
        ({"recipient": {"profile_id": "x", "value": "y"}}, "recipient"),
        ({"recipient": [{"namespace": "user_id", "value": "x"}] * 21}, "recipient"),
        ({"recipient": {"profile_id": "a\0b"}}, "recipient"),
        ({"message": {"id": ""}}, "message.id"),
        ({"message": {"id": "a\0b"}}, "message.id"),
        ({"message": {"id": "x" * 256}}, "message.id"),
        ({"message": {"cart_value": -1}}, "message.cart_value"),
        ({"message": {"cart_value": 2**63}}, "message.cart_value"),
        ({"message": {"currency": "WON!"}}, "message.currency"),
        ({"message": {"kind": "a b"}}, "message.kind"),
        ({"message": {"surprise": 1}}, "message"),
        ({"abandoned_at": "yesterday"}, "abandoned_at"),
        ({"deadline": True}, "deadline"),
        ({"not_before": before(1).isoformat(), "deadline": before(2).isoformat()}, "body"),
        ({"channels": "email"}, "channels"),
        ({"channels": ["a b"]}, "channels.0"),
        ({"variants": [""]}, "variants.0"),
        ({"features": {"a b": 1}}, "features"),
        ({"features": {"a": [1]}}, "features.a"),
        ({"return": ["a b"]}, "return.0"),
        ({"explore": "maybe"}, "explore"),
        ({"surprise": 1}, "body"),
    ],
)
def test_a_wrong_field_is_named(api: Api, change: dict[str, Any], field: str) -> None:
    """422 that names the field, as the sender wrote it, and nothing that was sent."""
    answer = api.post(PATH, key=api.key(), json=question(**change))
    told = answer.json()
    assert (answer.status_code, told["code"]) == (422, "invalid_request")
    assert told["details"][0]["field"].startswith(field)


ODD = [
    *('"\\ud800"', '"\\u0000"', '"x\\udfff"', '""', '" "', '"\\u202e"', '"😀"', '"NaN"', '"' + "x" * 3_000 + '"'),
    *("1", "-1", "9223372036854775808", "1e999", "NaN", "-Infinity", "null", "true", "[]", "{}", "[[]]"),
    *('{"\\ud800":1}', '["\\ud800"]', '{"a":NaN}', '"9999-12-31T23:59:59.999999Z"', '"0001-01-01T00:00:00+14:00"'),
    *("253402300799999", "-62135596800", "1" * 400),
]

FULL: dict[str, Any] = {
    **question(message={"kind": "cart_abandonment", "purpose": "marketing", "margin": 0.2}),
    "not_before": None,
    "deadline": None,
    "channels": ["email"],
    "variants": ["a"],
    "features": {"f": "x"},
    "return": ["user_id"],
    "explore": True,
}


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """List every place of a JSON value."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, child in inner:
        yield from places(child, (*path, name))


def put(value: Any, path: tuple[str | int, ...], new: object) -> Any:
    """Give the value with something else at a place."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = put(value[path[0]], path[1:], new)  # type: ignore[index]  # a place of this very value
    return copy


@pytest.mark.parametrize("path", list(places(FULL)), ids=str)
def test_whatever_stands_anywhere_is_answered(shop: Shopping, path: tuple[str | int, ...]) -> None:
    """Half surrogates, NUL, NaN, 2^63, ends of the calendar, wrong types in every field, alone and in a batch."""
    for number, odd in enumerate(ODD):
        template = json.dumps(put(put(FULL, ("message", "id"), f"m{number}"), path, "@@"))
        raw = template.replace('"@@"', odd).encode()
        alone = shop.api.post(PATH, key=shop.key, content=raw, headers=JSON)
        assert alone.status_code in {200, 422}, (odd, alone.text)
        batch = shop.api.post(f"{PATH}:batch", key=shop.key, content=b"[" + raw + b"]", headers=JSON)
        assert batch.status_code in {200, 422}, (odd, batch.text)
        if batch.status_code == 200:
            assert batch.json()["results"][0]["status"] == alone.status_code, odd


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"null", 422),
        (b"[]", 422),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (DEEP, 400),
        (b'{"recipient":' + DEEP + b"}", 400),
        (b"x" * (5 * 1024 * 1024 + 1), 413),
    ],
)
@pytest.mark.parametrize("path", [PATH, f"{PATH}:batch"])
def test_a_body_that_is_none_is_refused(api: Api, path: str, body: bytes, status: int) -> None:
    """Nothing, no JSON, too deep or too long: told apart, never a 500."""
    answer = api.post(path, key=api.key(), content=body, headers=JSON)
    assert answer.status_code == status
    assert set(answer.json()) <= {"code", "message", "details"}


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 422),
        ("namespace=user_id&value=u", 422),
        ("namespace=user_id&message_id=m", 422),
        ("namespace=user_id&value=u&message_id=m", 200),
        ("namespace=user_id&value=%00&message_id=m", 200),
        ("namespace=user_id&value=%FF%FE&message_id=%FF", 200),
        ("namespace=user_id&value=u&message_id=%00", 422),
        ("namespace=user_id&value=u&message_id=m&cart_value=nan", 422),
        ("namespace=user_id&value=u&message_id=m&cart_value=9223372036854775808", 422),
        ("namespace=user_id&value=u&message_id=m&not_before=9999-12-31T23:59:59Z", 200),
        ("namespace=user_id&value=u&message_id=m&features=%7B%22a%22%3ANaN%7D", 422),
        ("namespace=user_id&value=u&message_id=m&features=%7B%22%5Cud800%22%3A1%7D", 422),
        ("namespace=user_id&value=u&message_id=m&features=" + "[" * 50_000, 422),
        ("namespace=user_id&value=u&message_id=m&channels=,email,", 200),
        ("namespace=user_id&value=u&message_id=m&surprise=1", 422),
        ("namespace=user_id&value=u&message_id=m&%FF=1", 422),
        ("profile_id=%00&message_id=m", 422),
        ("profile_id=&message_id=m", 422),
    ],
)
def test_whatever_stands_in_the_query_is_answered(api: Api, query: str, status: int) -> None:
    """The same limits as in a body."""
    answer = api.get(f"{PATH}?{query}", key=api.key())
    assert answer.status_code == status, answer.text
