"""Operations: alive is not ready, ready is proven by a write, and metrics name nobody."""

import asyncio
import threading
from pathlib import Path

import pytest

from service import metrics
from service.clock import FixedClock
from service.errors import ApiError
from service.store import meta
from service.web import readiness
from service.web.readiness import Readiness
from service.wiring import Homing
from tests.service.harness import Api


def test_a_process_that_answers_lives(api: Api) -> None:
    """/livez touches nothing: it answers even without a store."""
    api.homing.writer.close(10)
    answer = api.get("/livez")
    assert (answer.status_code, answer.json()) == (200, {"status": "live"})


def test_ready_is_proven_by_a_write(api: Api) -> None:
    """/readyz writes for real: the row it writes is in the store."""
    assert api.get("/readyz").status_code == 200
    written = api.homing.writer.submit(lambda conn: meta.get(conn, meta.PROVEN_WRITE)).result(10)
    assert written == api.homing.clock.now().isoformat()


def test_red_while_stopping(api: Api) -> None:
    """A service that is going to take no more requests says so, with a time to ask its successor."""
    assert api.get("/readyz").status_code == 200
    api.homing.readiness.stop()
    answer = api.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["code"] == "stopping"
    assert int(answer.headers["retry-after"]) >= 1


def test_red_without_a_writer(api: Api) -> None:
    """A store that takes no write is not ready."""
    api.homing.writer.close(10)
    answer = api.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["code"] == "store_closed"


def test_red_at_another_schema(api: Api) -> None:
    """A store that another version has changed under our feet is not ready."""
    api.homing.writer.submit(
        lambda conn: conn.exec_driver_sql("UPDATE alembic_version SET version_num = '9'") and None
    ).result(10)
    answer = api.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "store_schema")


def test_red_when_the_file_is_gone(api: Api) -> None:
    """A file that was deleted still takes writes, which nobody would ever read: that is not ready."""
    Path(api.homing.database.path).unlink()
    answer = api.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "store_gone")


def test_red_when_nothing_can_be_written(api: Api) -> None:
    """A write that fails turns it red."""
    api.homing.writer.submit(lambda conn: conn.exec_driver_sql("PRAGMA query_only = ON") and None).result(10)
    answer = api.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "store_readonly")


def test_red_when_the_store_hangs(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that does not answer in time is not waited for."""
    monkeypatch.setattr(readiness, "PATIENCE_SECONDS", 0.05)
    hang = threading.Event()
    api.homing.writer.submit(lambda _conn: hang.wait(10))
    answer = api.get("/readyz")
    hang.set()
    assert (answer.status_code, answer.json()["code"]) == (503, "store_slow")


def test_a_proof_is_believed_for_a_second(homing: Homing, clock: FixedClock) -> None:
    """A flood of probes costs one write a second; then it is proven anew."""
    seconds = [100.0]
    ready = Readiness(homing.database, homing.writer, clock, homing.rules_to_come, lambda: seconds[0])

    async def story() -> None:
        await ready.prove()
        homing.writer.close(10)
        seconds[0] += 0.9
        await ready.prove()
        seconds[0] += 0.2
        with pytest.raises(ApiError):
            await ready.prove()

    asyncio.run(story())


def test_metrics_count_requests_by_template(api: Api) -> None:
    """Route and status are counted; the depth of the writer's queue and its commits are told."""
    before = _value(api, 'homing_http_requests_total{method="GET",route="/livez",status="200"}')
    api.get("/livez?email=ada@example.org")
    api.get("/v1/profiles/ada@example.org/nothing")
    answer = api.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert _value(api, 'homing_http_requests_total{method="GET",route="/livez",status="200"}') == before + 1
    assert "ada@example.org" not in answer.text
    assert "homing_writer_waiting 0.0" in answer.text
    assert "homing_commit_seconds_count" in answer.text


def test_metrics_count_events_and_decisions(api: Api) -> None:
    """What the other routes report is summed by verdict and action."""
    before = _value(api, 'homing_events_total{verdict="accepted"}')
    metrics.count_events(["accepted", "conflict", "accepted"])
    metrics.count_decision("hold")
    metrics.count_outcomes(["parked"])
    assert _value(api, 'homing_events_total{verdict="accepted"}') == before + 2
    assert _value(api, 'homing_decisions_total{action="hold"}') >= 1
    assert _value(api, 'homing_outcomes_total{verdict="parked"}') >= 1


def _value(api: Api, series: str) -> float:
    lines = api.get("/metrics").text.splitlines()
    return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(series)), 0.0)


def test_the_openapi_document_tells_of_keys_and_errors(api: Api) -> None:
    """Keys are told for every route that wants one, and errors have the shape that they have."""
    document = api.get("/openapi.json").json()
    assert set(document["components"]["securitySchemes"]) == {"bearer", "header", "basic"}
    assert "security" not in document["paths"]["/livez"]["get"]
    assert "HTTPValidationError" not in document["components"]["schemas"]
    told = document["paths"]["/readyz"]["get"]["responses"]["503"]
    assert told["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Error"}


def test_the_document_tells_what_is_answered(api: Api) -> None:
    """Every answer in JSON is described as what it is, field by field, and no answer as a text."""
    document = api.get("/openapi.json").json()
    for methods in document["paths"].values():
        for operation in methods.values():
            told = operation["responses"]["200"]["content"].get("application/json", {"schema": {"$ref": ""}})
            assert told["schema"].get("type") != "string", operation["operationId"]
    asked = {"recipient": {"namespace": "user_id", "value": "wonjun"}, "message": {"id": "cart-1"}}
    answer = api.post("/v1/recommendations", key=api.key(), json=asked).json()
    for method in ("get", "post"):
        told = document["paths"]["/v1/recommendations"][method]["responses"]["200"]["content"]["application/json"]
        name = told["schema"]["$ref"].removeprefix("#/components/schemas/")
        assert set(answer) == set(document["components"]["schemas"][name]["properties"])


@pytest.mark.parametrize(
    ("method", "path", "statuses"),
    [
        ("get", "/v1/decisions/{decision_id}", {"404", "503"}),
        ("post", "/v1/recommendations", {"413", "422", "503"}),
        ("post", "/v1/judgements", {"409", "413", "422", "503"}),
        ("get", "/v1/profiles", {"404", "422", "503"}),
    ],
)
def test_the_document_tells_how_a_route_refuses(api: Api, method: str, path: str, statuses: set[str]) -> None:
    """A status that a route may answer with is told of, that of a body too large or a store that is busy included."""
    operation = api.get("/openapi.json").json()["paths"][path][method]
    assert set(operation["responses"]) >= statuses | {"200", "401", "403"}


def test_the_document_names_each_operation_once(api: Api) -> None:
    """Operation ids are unique, so that clients can be generated."""
    document = api.get("/openapi.json").json()
    ids = [operation["operationId"] for methods in document["paths"].values() for operation in methods.values()]
    assert len(ids) == len(set(ids))


def test_the_docs_page_needs_nothing_from_elsewhere(api: Api) -> None:
    """/docs shows every route and loads no asset at all."""
    answer = api.get("/docs")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    document = api.get("/openapi.json").json()
    for path in document["paths"]:
        assert path in answer.text
    for name in document["components"]["schemas"]:
        assert f'id="{name}"' in answer.text
    for loads in ("http://", "https://", "<script", "src=", "@import", "url("):
        assert loads not in answer.text
