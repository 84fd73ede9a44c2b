"""Events pass by FastAPI's layers and meet the same function, the same edge and the same answers."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from prometheus_client import CollectorRegistry
from starlette.types import Receive, Scope, Send

from service import metrics
from service.clock import FixedClock
from service.decisions.recommendations import PATH
from service.events import collector
from service.keys import Scope as KeyScope
from service.web.payload import BODY_BYTES
from service.web.shortcut import Shortcut
from tests.service.harness import Api, deployment

EVENT = {"type": "track", "event": "Product Added", "userId": "u1", "messageId": "m1"}


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    """Make a client of a deployment."""
    homing = deployment(tmp_path, FixedClock(datetime(2026, 11, 21, tzinfo=UTC)))
    made = Api(homing)
    yield made
    made.close()
    homing.close()


async def _common(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """Stand for FastAPI's layers, which no event may reach."""
    raise AssertionError


def _shortened(api: Api) -> Api:
    """Cut the common way off."""
    stack = api.app.build_middleware_stack()
    layer: Any = stack
    while not isinstance(layer, Shortcut):
        layer = getattr(layer, "app", None) or layer._app
    layer._common = _common
    api.app.middleware_stack = stack
    return api


@pytest.mark.parametrize("path", collector.PATHS)
def test_no_event_takes_the_common_way(api: Api, path: str) -> None:
    """All of the collector's addresses are served without it, a refusal included."""
    key = api.key(KeyScope.INGEST)
    body = {"batch": [EVENT]} if collector.ROUTES[path.removeprefix("/v1/").rstrip("/")] is None else EVENT

    taken = _shortened(api).post(path, content=orjson.dumps(body), key=key)
    refused = api.post(path, content=b"{", key=key)

    assert taken.status_code == 200
    assert taken.json()["success"] is True
    assert refused.status_code == 400
    assert refused.json()["code"] == "invalid_json"


def test_no_question_takes_the_common_way(api: Api) -> None:
    """Answers and refusals are those that FastAPI's route gives, which one with an Idempotency-Key goes by."""
    key, ingest = api.key(KeyScope.DECIDE), api.key(KeyScope.INGEST)
    asked = orjson.dumps({"recipient": {"namespace": "user_id", "value": "u1"}, "message": {"id": "m1"}})
    given: list[dict[str, Any]] = [
        {"content": asked, "key": key},
        {"content": asked},
        {"content": asked, "key": ingest},
        {"content": b"{", "key": key},
        {"content": b"{}", "key": key},
        {"content": b"x" * (BODY_BYTES + 1), "key": key},
    ]
    commonly = [api.post(PATH, **each, headers={"Idempotency-Key": f"k{n}"}) for n, each in enumerate(given)]
    _shortened(api)
    shortly = [api.post(PATH, **each) for each in given]

    assert [(each.status_code, each.content, each.headers) for each in shortly] == [
        (each.status_code, each.content, each.headers) for each in commonly
    ]
    assert [each.status_code for each in shortly] == [200, 401, 403, 400, 422, 413]


def test_another_method_takes_it(api: Api) -> None:
    """Only FastAPI knows what else an address takes."""
    answer = api.get("/v1/batch")

    assert answer.status_code == 405
    assert answer.json()["code"] == "method_not_allowed"


def test_requests_are_counted_by_their_routes(api: Api) -> None:
    """As all others, by the template."""
    before = _count(metrics.REGISTRY)

    api.post("/v1/track", content=orjson.dumps(EVENT), key=api.key(KeyScope.INGEST))

    assert _count(metrics.REGISTRY) == before + 1


def _count(registry: CollectorRegistry) -> float:
    labels = {"method": "POST", "route": "/v1/track", "status": "200"}
    return registry.get_sample_value("homing_http_requests_total", labels) or 0.0
