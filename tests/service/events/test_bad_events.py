"""Whatever is sent is taken or told why not, and costs no other event."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.events.collector import BATCH_EVENTS
from service.web.payload import BODY_BYTES
from tests.service.events.collecting import TRACK, Shop
from tests.service.web.test_payload import bomb

SHARED = Path(__file__).parents[4] / "shared"
NASTY = [
    "",
    " ",
    "null",
    "undefined",
    "true",
    "0",
    "NaN",
    "[object Object]",
    "a\0b",
    "\r\n\t\x1b[31m",
    "\u202e\u200b\ufeff",
    "Ω≈ç√∫˜µ",
    "👩🏽‍❤️‍💋‍👨🏿",
    "田中さんにあげて下さい",
    "ﷺ" * 40,
    "Z̮̞̠͙͔ͅḀ̗̞͈̻̗Ḷ͙͎̯̹̞͓G̻O̭̗̮",
    "'; DROP TABLE facts; --",
    "<script>alert(1)</script>",
    "../../../../etc/passwd%00",
    "%s%n{0}$HOME`id`",
    "1" * 400,
    "9223372036854775808",
    "x" * 600,
    "\U0010ffff\ufffe",
]


UNREADABLE = [
    b"",
    b"{",
    b"[]",
    b"[" + orjson.dumps(TRACK) + b"]",
    b'"text"',
    b"7",
    b"null",
    b"NaN",
    b"true",
    b"\xff\xfe",
    b"batch=%5B%5D",
    b"[" * 100_000,
    b'{"batch":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    b'{"batch":[{"a":' * 50_000,
    gzip.compress(b'{"batch":[]}', mtime=0)[:-3],
    b"\x1f\x8b",
    b"\x1f\x8bnot gzip",
]


@pytest.mark.parametrize("body", UNREADABLE, ids=lambda body: repr(body[:24]))
@pytest.mark.parametrize("path", ["/v1/batch", "/v1/track", "/v1/b/"])
def test_an_unreadable_body_is_refused(shop: Shop, path: str, body: bytes) -> None:
    """400 with code and message, key or no key in the header."""
    for key in ("server", None):
        answer = shop.post(path, body, key=key)
        assert answer.status_code == 400
        assert set(answer.json()) == {"code", "message"}


@pytest.mark.parametrize("batch", [None, {}, "text", 7, TRACK], ids=repr)
def test_a_batch_is_a_list(shop: Shop, batch: object) -> None:
    """Anything else under that name, or nothing, is no batch."""
    answer = shop.post("/v1/batch", {"batch": batch})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_batch")
    assert shop.post("/v1/batch", {}).status_code == 400
    assert shop.batch() == {"success": True, "accepted": 0, "rejected": []}


def test_bad_events_are_listed_and_the_rest_is_taken(shop: Shop) -> None:
    """Each with its place, its id as far as it has one, a code and a sentence."""
    deep: Any = 1
    for _ in range(40):
        deep = [deep]
    bad = [
        ("invalid_event", None, "text"),
        ("invalid_event", None, None),
        ("invalid_type", "b1", {**TRACK, "messageId": "b1", "type": "import"}),
        ("invalid_identifier", "b2", {**TRACK, "messageId": "b2", "userId": {"id": "u1"}}),
        ("invalid_timestamp", "7", {**TRACK, "messageId": 7, "timestamp": "yesterday"}),
        ("event_too_deep", "b3", {**TRACK, "messageId": "b3", "properties": {"a": deep}}),
        ("event_too_large", "b4", {**TRACK, "messageId": "b4", "properties": {"a": "x" * 40_000}}),
        ("invalid_message_id", None, {**TRACK, "messageId": {"a": 1}}),
    ]
    good = [{**TRACK, "messageId": f"g{number}"} for number in range(len(bad))]
    told = shop.batch(*(event for pair in zip(good, (event for _, _, event in bad), strict=True) for event in pair))
    assert told["accepted"] == len(good)
    assert [(one["index"], one["code"], one["messageId"]) for one in told["rejected"]] == [
        (2 * place + 1, code, message_id) for place, (code, message_id, _) in enumerate(bad)
    ]
    assert all(one["message"] for one in told["rejected"])
    assert [fact.message_id for fact in shop.facts()] == [event["messageId"] for event in good]


@pytest.mark.parametrize("value", [b"NaN", b"-Infinity", b"1e999", b'"\\ud83d"'])
def test_a_value_json_cannot_hold_spoils_its_event_alone(shop: Shop, value: bytes) -> None:
    """As Python's clients write a float that is no number, and browsers a cut emoji."""
    bad = b'{"type":"track","event":"e","messageId":"bad","userId":"u1","properties":{"a":' + value + b"}}"
    answer = shop.post("/v1/batch", b'{"batch":[' + bad + b"," + orjson.dumps(TRACK) + b"]}")
    assert (answer.status_code, answer.json()["accepted"]) == (200, 1)
    assert {"index": 0, "messageId": "bad", "code": "invalid_value"}.items() <= answer.json()["rejected"][0].items()
    assert [fact.message_id for fact in shop.facts()] == ["m1"]


@pytest.mark.parametrize("event", [{}, {"userId": ["u1"]}, {**TRACK, "context": "x"}, {**TRACK, "timestamp": "x"}])
def test_one_bad_event_by_itself_is_answered_with_200(shop: Shop, event: dict[str, Any]) -> None:
    """A 4xx would end the host process of RudderStack's Node client, over one event."""
    answer = shop.post("/v1/track", event)
    assert answer.status_code == 200
    assert answer.json()["accepted"] == 0
    assert answer.json()["rejected"][0]["index"] == 0
    assert shop.facts() == []


def test_an_id_that_cannot_be_written_does_not_break_the_answer(shop: Shop) -> None:
    """Half a surrogate pair in a refused event's id."""
    answer = shop.post("/v1/track", b'{"event":"e","messageId":"\\ud83d"}')
    assert (answer.status_code, answer.json()["rejected"][0]["messageId"]) == (200, "?")


def test_too_much_is_refused_whole(shop: Shop) -> None:
    """On the wire, inflated, or in number: 413 with code and message, and nothing taken."""
    many = {"batch": [{"type": "track", "event": "e"}] * (BATCH_EVENTS + 1)}
    spaces = orjson.dumps({"batch": [TRACK]}) + b" " * BODY_BYTES
    for body in (many, spaces, gzip.compress(spaces, mtime=0), bomb(64 * 1024 * 1024)):
        answer = shop.post("/v1/batch", body)
        assert answer.status_code == 413
        assert set(answer.json()) == {"code", "message"}
    assert shop.facts() == []


def test_as_much_as_is_allowed_is_taken(shop: Shop) -> None:
    """2,500 events, and 5 MB to the byte."""
    events = [{**TRACK, "messageId": f"m{number:04}"} for number in range(BATCH_EVENTS)]
    body = orjson.dumps({"batch": events})
    assert shop.post("/v1/batch", body + b" " * (BODY_BYTES - len(body))).json()["accepted"] == BATCH_EVENTS
    assert len(shop.facts()) == BATCH_EVENTS


def everywhere(text: str, number: int) -> Iterator[dict[str, Any]]:
    """Put a text into each place of an event; each text has a person of its own beside it."""
    event = {**TRACK, "userId": f"user-{number}"}
    yield {**event, "messageId": text}
    for key in ("userId", "anonymousId", "previousId", "groupId", "event", "type", "timestamp", "sentAt", text or "k"):
        yield {**event, "messageId": f"{number}-{key[:20].encode('ascii', 'replace').hex()}", key: text}
    traits = {"email": text, "phone": text, text: text}
    device = {"id": text, "token": text, "advertisingId": text, "type": "ios"}
    context = {"ip": text, "userAgent": text, "traits": traits, "device": device, "timezone": text, "locale": text}
    external = [{"id": text, "type": "crm"}, {"id": "x", "type": text}]
    yield {**event, "messageId": f"{number}-context", "context": {**context, "externalIds": external}}
    yield {**event, "messageId": f"{number}-traits", "type": "identify", "traits": traits}
    yield {**event, "messageId": f"{number}-properties", "properties": {text: text, "cart_id": text, "order_id": text}}


def test_nasty_texts_anywhere_are_answered(shop: Shop) -> None:
    """Every place of an event holds each of them once: taken or listed, and the log can be read."""
    for number, text in enumerate(NASTY):
        shop.batch(*everywhere(text, number))
    assert all(isinstance(orjson.loads(fact.body), dict) for fact in shop.facts())


@pytest.mark.skipif(not (SHARED / "data/hostile/blns.json").is_file(), reason="../shared/data/hostile is not here")
def test_the_big_list_of_naughty_strings_is_answered(shop: Shop) -> None:
    """All of it, in every place of an event."""
    texts = json.loads((SHARED / "data/hostile/blns.json").read_text(encoding="utf-8"))
    assert len(texts) > 400
    events = [event for number, text in enumerate(texts) for event in everywhere(text, number)]
    for start in range(0, len(events), 500):
        shop.batch(*events[start : start + 500])
    assert len(shop.facts()) > len(texts)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(st.characters()),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["batch", "type", "event", "userId", "messageId", "context", "traits", "timestamp", "writeKey"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=15,
)


@given(body=JUNK)
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # one service for all: its log may grow
)
def test_no_body_is_answered_with_500(shop: Shop, body: object) -> None:
    """Whatever JSON or near-JSON comes, the answer is 200, 400 or 413."""
    for content in (body, {"batch": body}, {"batch": [body]}):
        for path in ("/v1/batch", "/v1/identify"):
            # Python writes NaN and lone surrogates as its clients do
            assert shop.post(path, json.dumps(content).encode()).status_code in {200, 400, 413}
