"""Events of anybody with a key are in the log, once, when they are acknowledged."""

import gzip
import json
from typing import Any

import orjson
import pytest
from prometheus_client import CollectorRegistry

from identity.observations import Trust
from service import metrics
from service.events.collector import ROUTES
from service.events.event_identifiers import identifiers_of
from service.store import keys as key_rows
from service.web.payload import BODY_BYTES
from tests.service.events.collecting import NOW, TRACK, Shop, basic


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
