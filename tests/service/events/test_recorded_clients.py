"""Clients of Segment and RudderStack are answered as they expect: what they once sent is sent again."""

import gzip
import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from httpx import Response

from identity.observations import Trust
from service.events.event_identifiers import identifiers_of
from tests.service.events.collecting import NOW, Shop, basic

OWN = Path(__file__).parents[1] / "captures"
SHARED = Path(__file__).parents[4] / "shared"
RECORDED = sorted((SHARED / "captures").glob("*-*.json")) if SHARED.is_dir() else []


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
