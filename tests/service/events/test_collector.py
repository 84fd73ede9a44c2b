"""Clients of Segment and RudderStack are answered as they expect; what they sent is in the log, or told why not."""

import base64
import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from httpx import Response
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from sqlalchemy.engine import Connection

from identity.observations import Trust
from service import keys, metrics
from service.clock import FixedClock
from service.events.collector import BATCH_EVENTS, ROUTES
from service.events.event_identifiers import identifiers_of
from service.keys import Scope
from service.store import facts
from service.store import keys as key_rows
from service.web.payload import BODY_BYTES
from service.wiring import Homing
from tests.service.harness import Api, deployment
from tests.service.web.test_payload import bomb

NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
TRACK: dict[str, Any] = {"type": "track", "event": "Product Added", "userId": "u1", "messageId": "m1"}

OWN = Path(__file__).parents[1] / "captures"
SHARED = Path(__file__).parents[4] / "shared"
RECORDED = sorted((SHARED / "captures").glob("*-*.json")) if SHARED.is_dir() else []
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


@dataclass(frozen=True, kw_only=True)
class Shop:
    """The service with three keys: a server's, a browser's, and one that may not send events."""

    client: Api
    homing: Homing
    keys: dict[str, str]

    def post(self, path: str, body: object, key: str | None = "server", **headers: str) -> Response:
        """Send a body, as JSON unless it is bytes, with a key."""
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        auth = {} if key is None else {"Authorization": f"Basic {basic(self.keys[key])}"}
        return self.client.post(path, content=content, headers={**auth, **headers})

    def batch(self, *events: object) -> dict[str, Any]:
        """Send events as a batch, which must be answered with 200; give the answer."""
        answer = self.post("/v1/batch", {"batch": list(events)})
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        assert told["success"] is True
        assert told["accepted"] + len(told["rejected"]) == len(events)
        return told

    def facts(self) -> list[facts.Fact]:
        """Read the log on a connection of its own, which sees only what is committed."""
        with self.homing.database.transaction(reads=True) as conn:
            return list(facts.scan(conn))


def basic(key: str) -> str:
    """Write a key as Basic credentials."""
    return base64.b64encode(f"{key}:".encode()).decode()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """Open a store of its own with the service over it."""
    homing = deployment(tmp_path, FixedClock(NOW))
    client = Api(homing)
    wanted = {
        "server": ({Scope.INGEST, Scope.READ}, Trust.SERVER),
        "browser": ({Scope.INGEST}, Trust.ASSERTED),
        "reader": ({Scope.READ}, Trust.SERVER),
    }

    def make_keys(conn: Connection) -> dict[str, str]:
        """Make the keys that the recordings carry, or look like them."""
        texts = {"server": "wk_test", "browser": "wk_browser", "reader": "wk_reader"}
        for name, (scopes, trust) in wanted.items():
            keys.create(conn, name=name, scopes=scopes, trust=trust, at=NOW, text=texts[name])
        return texts

    yield Shop(client=client, homing=homing, keys=homing.writer.submit(make_keys).result())
    client.close()
    homing.close()


# --- what clients sent ----------------------------------------------------------------------------------------------


def replay(shop: Shop, request: dict[str, Any], *, zipped: bool) -> Response:
    """Send a recorded request again, its headers as they were."""
    body = request.get("body")
    content = b"" if not body else orjson.dumps(body)
    own = {key: value for key, value in request["headers"].items() if key.lower() not in {"host", "content-length"}}
    return shop.client.request(
        request["method"], request["path"], content=gzip.compress(content, mtime=0) if zipped else content, headers=own
    )


def expect(request: dict[str, Any], answer: Response) -> None:
    """Hold the answer against what the client that sent the request goes on with."""
    assert answer.status_code in ({200, 204} if request["method"] == "OPTIONS" else {200}), answer.text
    sent = {name.lower(): value for name, value in request["headers"].items()}
    if "origin" in sent:
        assert answer.headers["access-control-allow-origin"] in {"*", sent["origin"]}
    if request["method"] == "OPTIONS":
        asked = {name.strip() for name in sent["access-control-request-headers"].split(",")}
        assert asked <= {name.strip().lower() for name in answer.headers["access-control-allow-headers"].split(",")}
        assert sent["access-control-request-method"] in answer.headers["access-control-allow-methods"]
    elif request["method"] == "POST":
        events = request["body"].get("batch", [request["body"]])
        assert answer.json() == {"success": True, "accepted": len(events), "rejected": []}
    elif "settings" in request["path"]:
        segment = answer.json()["integrations"]["Segment.io"]
        assert (segment["apiHost"], segment["protocol"]) == ("homing.test/v1", "http")
        assert segment["apiKey"] == request["path"].split("/")[3]
    else:
        source = answer.json()["source"]
        assert source["enabled"] is True
        assert source["writeKey"]
        assert (source["destinations"], source["connections"]) == ([], [])


def written(path: Path, shop: Shop) -> list[dict[str, Any]]:
    """Read a client's requests with the shop's keys in them."""
    text = path.read_text(encoding="utf-8")
    for name, key in shop.keys.items():
        text = text.replace(f"{{key:{name}}}", key).replace(f"{{basic:{name}}}", basic(key))
    requests: list[dict[str, Any]] = json.loads(text)["requests"]
    return requests


@pytest.mark.parametrize("path", sorted(OWN.glob("*.json")), ids=lambda path: path.stem)
def test_each_client_is_answered_and_understood(shop: Shop, path: Path) -> None:
    """Every request is answered as its client expects, and the log holds each event once with its identifiers."""
    expected = {}
    for request in written(path, shop):
        expect(request, replay(shop, request, zipped=request.get("gzip", False)))
        if request["method"] == "POST":
            events = request["body"].get("batch", [request["body"]])
            assert len(events) == len(request["identifiers"])
            for event, found in zip(events, request["identifiers"], strict=True):
                expected[event["messageId"]] = [tuple(pair) for pair in found]
    logged = shop.facts()
    assert {fact.message_id: list(identifiers_of(orjson.loads(fact.body))) for fact in logged} == expected
    assert len(logged) == len(expected) > 0
    for fact in logged:
        assert fact.at <= fact.received_at == NOW
        assert not any(key.encode() in fact.body for key in shop.keys.values())
        assert fact.trust == (Trust.ASSERTED if fact.source == "browser" else Trust.SERVER)


def test_there_are_payloads_of_all_seven_clients() -> None:
    """A clone without the recordings tests the same shapes."""
    clients = {json.loads(path.read_text(encoding="utf-8"))["client"] for path in OWN.glob("*.json")}
    assert len(clients) == 7


@pytest.mark.skipif(not RECORDED, reason="../shared/captures is not here")
@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_each_recorded_request_is_answered(shop: Shop, path: Path) -> None:
    """The recordings replay as their clients expect; sent again, as after a lost answer, they change nothing."""
    request = json.loads(path.read_text(encoding="utf-8"))
    zipped = "gzip" in path.stem
    expect(request, replay(shop, request, zipped=zipped))
    once = shop.facts()
    expect(request, replay(shop, request, zipped=zipped))
    assert shop.facts() == once
    assert len(once) == (len(request["body"].get("batch", [1])) if request["method"] == "POST" else 0)


@pytest.mark.parametrize("name", ROUTES)
@pytest.mark.parametrize("slash", ["", "/"])
def test_every_address(shop: Shop, name: str, slash: str) -> None:
    """All fourteen, with and without trailing slash, and no redirect; the type is the address's."""
    event = {"event": "x", "userId": "u1", "groupId": "g", "previousId": "p"}
    body = {"batch": [{**event, "type": "track"}]} if ROUTES[name] is None else event
    answer = shop.post(f"/v1/{name}{slash}", body)
    assert (answer.status_code, answer.json()["accepted"]) == (200, 1)
    assert [fact.type for fact in shop.facts()] == [ROUTES[name] or "track"]


def test_content_types_and_encodings_are_not_believed(shop: Shop) -> None:
    """JSON as a form or as plain text, gzip unannounced, plain text announced as gzip."""
    body = orjson.dumps(TRACK)
    for content, headers in (
        (body, {"Content-Type": "application/x-www-form-urlencoded"}),
        (body, {"Content-Type": "text/plain"}),
        (body, {"Content-Type": "multipart/form-data"}),
        (body, {"Content-Encoding": "gzip"}),
        (gzip.compress(body, mtime=0), {"Content-Type": "nonsense"}),
        (gzip.compress(body, mtime=0), {"Content-Encoding": "gzip"}),
        (b"\xef\xbb\xbf" + body, {}),
    ):
        assert shop.post("/v1/track", content, **headers).json()["accepted"] == 1
    assert len(shop.facts()) == 1


# --- each once ------------------------------------------------------------------------------------------------------


def test_the_same_message_again_changes_nothing(shop: Shop) -> None:
    """A client that lost the answer sends again, with another sentAt and a count of its tries."""
    first = {**TRACK, "sentAt": "2026-11-21T19:59:00Z", "_metadata": {"retryCount": 0}}
    again = {**TRACK, "sentAt": "2026-11-21T19:59:30Z", "_metadata": {"retryCount": 1}}
    assert shop.batch(first, first)["accepted"] == 2
    once = shop.facts()
    assert shop.batch(again)["accepted"] == 1
    assert shop.post("/v1/track/", again).json()["accepted"] == 1
    assert shop.facts() == once
    assert len(once) == 1


def test_another_event_under_a_known_id_is_a_conflict(shop: Shop) -> None:
    """Within a batch and later; the first one stays."""
    other = {**TRACK, "userId": "u2"}
    conflict = {"index": 1, "messageId": "m1", "code": "message_id_conflict"}
    assert conflict.items() <= shop.batch(TRACK, other, {**TRACK, "messageId": "m2"})["rejected"][0].items()
    answer = shop.post("/v1/track", other)
    assert answer.status_code == 200
    assert (answer.json()["accepted"], answer.json()["rejected"][0]["code"]) == (0, "message_id_conflict")
    assert [identifiers_of(orjson.loads(fact.body)) for fact in shop.facts()] == [(("user_id", "u1"),)] * 2


def test_an_id_belongs_to_its_source(shop: Shop) -> None:
    """A browser that sends a server's message id neither meets it nor hides it."""
    shop.batch(TRACK)
    assert shop.post("/v1/t", {**TRACK, "userId": "u2"}, key="browser").json()["accepted"] == 1
    assert [(fact.source, fact.trust) for fact in shop.facts()] == [
        ("server", Trust.SERVER),
        ("browser", Trust.ASSERTED),
    ]


# --- who sends ------------------------------------------------------------------------------------------------------


def test_a_key_may_be_shown_in_any_of_five_ways(shop: Shop) -> None:
    """Basic, Bearer, X-API-Key, writeKey of the body, writeKey of a batch's first event."""
    key = shop.keys["server"]
    batch = {"batch": [TRACK]}
    tries: list[tuple[dict[str, str], dict[str, Any]]] = [
        ({"Authorization": f"Basic {basic(key)}"}, batch),
        ({"Authorization": f"Bearer {key}"}, batch),
        ({"X-API-Key": key}, batch),
        ({}, {**batch, "writeKey": key}),
        ({}, {"batch": [{**TRACK, "writeKey": key}]}),
    ]
    for headers, body in tries:
        answer = shop.client.post("/v1/batch", json=body, headers=headers)
        assert (answer.status_code, answer.json()["accepted"]) == (200, 1)
    assert shop.client.post("/v1/track", json={**TRACK, "writeKey": key}).status_code == 200
    assert len(shop.facts()) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": f"Basic {basic('nobody')}"},
        {"Authorization": "Basic %%%"},
        {"Authorization": "Basic"},
        {"Authorization": "Bearer nobody"},
        {"Authorization": "Digest wk_test"},
        {"X-API-Key": "nobody"},
    ],
    ids=repr,
)
@pytest.mark.parametrize("write_key", [None, "nobody", 7, {}, "\ud83d"])
def test_an_unknown_key_is_refused(shop: Shop, headers: dict[str, str], write_key: object) -> None:
    """401 with code and message, wherever the key stands, and nothing is taken."""
    body = json.dumps({"batch": [TRACK], "writeKey": write_key})
    answer = shop.client.post("/v1/batch", content=body, headers=headers)
    assert answer.status_code == 401
    assert set(answer.json()) == {"code", "message"}
    assert shop.facts() == []


def test_a_wrong_key_of_the_header_is_not_saved_by_the_bodys(shop: Shop) -> None:
    """What is shown first counts."""
    answer = shop.client.post(
        "/v1/batch", json={"batch": [TRACK], "writeKey": "wk_test"}, headers={"X-API-Key": "nobody"}
    )
    assert answer.status_code == 401


def test_a_key_without_the_scope_is_refused(shop: Shop) -> None:
    """403 in the header and in the body."""
    assert shop.post("/v1/batch", {"batch": [TRACK]}, key="reader").status_code == 403
    answer = shop.post("/v1/batch", {"batch": [TRACK], "writeKey": shop.keys["reader"]}, key=None)
    assert answer.status_code == 403
    assert set(answer.json()) == {"code", "message"}
    assert shop.facts() == []


def test_a_revoked_key_is_refused(shop: Shop) -> None:
    """As one that never was."""
    ids = {row.name: row.id for row in shop.homing.writer.submit(key_rows.every).result()}
    shop.homing.writer.submit(lambda conn: key_rows.revoke(conn, ids["server"], NOW)).result()
    assert shop.post("/v1/track", TRACK).status_code == 401


# --- bad input ------------------------------------------------------------------------------------------------------

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


# --- around it ------------------------------------------------------------------------------------------------------

ORIGIN = {"Origin": "https://shop.example"}


def test_browsers_may_read_refusals(shop: Shop) -> None:
    """Without the header a page sees a network error, and its client tries again for ever."""
    tries = [
        (401, shop.client.post("/v1/t", json=TRACK, headers=ORIGIN)),
        (403, shop.post("/v1/t", TRACK, key="reader", **ORIGIN)),
        (400, shop.post("/v1/t", b"{", **ORIGIN)),
        (413, shop.post("/v1/b", b" " * (BODY_BYTES + 1), **ORIGIN)),
        (405, shop.client.get("/v1/t", headers=ORIGIN)),
        (200, shop.post("/v1/t", TRACK, **ORIGIN)),
    ]
    for status, answer in tries:
        assert (answer.status_code, answer.headers.get("access-control-allow-origin")) == (status, "*")
        assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("path", ["/v1/t", "/v1/batch/", "/sourceConfig", "/sourceConfig/", "/v1/projects/k/settings"])
def test_preflights_are_answered(shop: Shop, path: str) -> None:
    """For all that the clients send, without a key."""
    asked = "authorization, content-type, anonymousid, sentat"
    preflight = {**ORIGIN, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": asked}
    answer = shop.client.request("OPTIONS", path, headers=preflight)
    assert answer.status_code in {200, 204}
    assert answer.headers["access-control-allow-headers"].replace(" ", "") == asked.replace(" ", "")


@pytest.mark.parametrize("path", ["/v1/profiles", "/readyz", "/v1/projects", "/v1/recommendations", "/metrics"])
def test_other_pages_may_read_nothing_else(shop: Shop, path: str) -> None:
    """The rest of the API is not for browsers of other sites."""
    preflight = {**ORIGIN, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    assert "access-control-allow-origin" not in shop.client.request("OPTIONS", path, headers=preflight).headers
    assert "access-control-allow-origin" not in shop.client.get(path, headers=ORIGIN).headers


@pytest.mark.parametrize("path", ["/sourceConfig", "/sourceConfig/?writeKey=k", "/v1/projects/k/settings"])
def test_settings_need_no_key(shop: Shop, path: str) -> None:
    """They hold nothing of the deployment; a wrong key is told when events come with it."""
    assert shop.client.get(path).status_code == 200


def test_settings_point_to_where_they_were_asked(shop: Shop) -> None:
    """Behind any name and port."""
    answer = shop.client.get("/v1/projects/wk/settings", headers={"Host": "events.shop.example:8443"})
    assert answer.json()["integrations"]["Segment.io"]["apiHost"] == "events.shop.example:8443/v1"


def test_nothing_is_acknowledged_without_its_commit(shop: Shop) -> None:
    """A store that takes nothing more is 503 with an integer Retry-After, as clients read it."""
    assert shop.post("/v1/track", TRACK).status_code == 200
    shop.homing.writer.close(5)
    answer = shop.post("/v1/track", {**TRACK, "messageId": "m2"})
    assert answer.status_code == 503
    assert set(answer.json()) == {"code", "message"}
    assert int(answer.headers["Retry-After"]) > 0
    assert [fact.message_id for fact in shop.facts()] == ["m1"]


def counted(registry: CollectorRegistry, verdict: str) -> float:
    """Read the counter of a verdict."""
    return registry.get_sample_value("homing_events_total", {"verdict": verdict}) or 0.0


def test_events_are_counted_by_verdict(shop: Shop) -> None:
    """Accepted, duplicate, or the code of the refusal."""
    verdicts = ("accepted", "duplicate", "message_id_conflict", "invalid_type")
    before = [counted(metrics.REGISTRY, verdict) for verdict in verdicts]
    shop.batch(TRACK, TRACK, {**TRACK, "userId": "u2"}, {**TRACK, "type": "x"}, {**TRACK, "messageId": "m2"})
    after = [counted(metrics.REGISTRY, verdict) for verdict in verdicts]
    assert [late - early for late, early in zip(after, before, strict=True)] == [2, 1, 1, 1]


def test_every_address_is_in_the_document(shop: Shop) -> None:
    """Once each, without its trailing slash, with its body and its answers."""
    document = shop.client.get("/openapi.json").json()["paths"]
    for name in ROUTES:
        told = document[f"/v1/{name}"]["post"]
        assert {"200", "400", "401", "403", "413", "503"} <= set(told["responses"])
        assert told["requestBody"]["content"]["application/json"]["schema"]["type"] == "object"
        assert f"/v1/{name}/" not in document
        assert told["security"]
    for path in ("/v1/projects/{key}/settings", "/sourceConfig/"):
        assert document[path]["get"]["security"] == []
