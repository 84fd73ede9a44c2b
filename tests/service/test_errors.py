"""Errors as the outside sees them: one shape, no echo of what was sent, and never a bare crash."""

import logging
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing

import httpx
import pytest
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from service.errors import ApiError, Overloaded, SettingsError, StoreError
from service.store import meta
from service.wiring import Homing
from tests.service.harness import Api

SENT = "ada@example.org"


class Wanted(BaseModel):
    """A body with one field."""

    number: int = Field(ge=0, le=100)


@pytest.fixture
def faulty(homing: Homing) -> Iterator[Api]:
    """Give a client of the app with routes that go wrong in every way."""
    client = Api(homing)
    app = client.app

    @app.post("/validated")
    async def validated(wanted: Wanted) -> dict[str, int]:
        return {"number": wanted.number}

    @app.post("/read")
    async def read(request: Request) -> dict[str, int]:
        return {"bytes": len(await request.body())}

    @app.get("/crash/{name}")
    async def crash(name: str) -> None:
        raise RuntimeError(f"could not find {name}")

    @app.get("/refused")
    async def refused() -> None:
        raise ApiError(409, "conflict", "not now", details={"why": "because"}, retry_after=7)

    @app.get("/store")
    async def store() -> None:
        raise StoreError("store_full", "/var/lib/homing.db: the disk is full")

    @app.get("/overloaded")
    async def overloaded() -> None:
        raise Overloaded

    @app.get("/write")
    async def write(request: Request) -> dict[str, bool]:
        await request.app.state.homing.writer.run(lambda conn: meta.put(conn, "a", "b"))
        return {"written": True}

    @app.get("/breaks")
    async def breaks() -> Response:
        async def parts() -> AsyncIterator[bytes]:
            yield b"the beginning"
            raise RuntimeError(f"no end for {SENT}")

        return StreamingResponse(parts())

    yield client
    client.close()


def said(caplog: pytest.LogCaptureFixture, logger: str = "homing") -> list[str]:
    """Give what our own loggers said; the client's is not ours."""
    return [record.getMessage() for record in caplog.records if record.name.startswith(logger)]


def test_an_unknown_address_is_404(faulty: Api) -> None:
    """The answer has the shape of all errors and names no path."""
    answer = faulty.get(f"/v1/nothing/{SENT}?q={SENT}")
    assert answer.status_code == 404
    assert set(answer.json()) == {"code", "message"}
    assert answer.json()["code"] == "not_found"
    assert SENT not in answer.text


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/profiles/a%00b", 404, "not_found"),
        ("/v1/decisions/%00", 404, "not_found"),
        ("/v1/profiles/a%2500b", 404, "unknown_profile"),
    ],
)
def test_there_is_nothing_at_an_address_with_nul(faulty: Api, path: str, status: int, code: str) -> None:
    """No text that a store looks up by can hold it; a percent sign and two noughts are another matter."""
    answer = faulty.get(path, key=faulty.key())
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_wrong_method_is_405(faulty: Api) -> None:
    """The methods that are allowed are told."""
    answer = faulty.post("/livez")
    assert answer.status_code == 405
    assert answer.json()["code"] == "method_not_allowed"
    assert answer.headers["allow"] == "GET"


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b'{"number": }', b"[" * 100_000])
def test_an_unreadable_body_is_400(faulty: Api, body: bytes) -> None:
    """What is no JSON, or is too deep to read, is the sender's fault."""
    answer = faulty.post("/validated", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert set(answer.json()) == {"code", "message"}


@pytest.mark.parametrize(
    "body",
    [
        b'{"number": "ada@example.org"}',
        b'{"number": NaN}',
        b'{"number": "\\ud800"}',
        b'{"number": 9223372036854775808}',
        b"{}",
        b"[]",
        b"null",
        b"",
    ],
)
def test_an_invalid_body_is_422(faulty: Api, body: bytes) -> None:
    """The field and its fault are told; what was sent is not repeated."""
    answer = faulty.post("/validated", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    content = answer.json()
    assert content["code"] == "invalid_request"
    assert content["details"][0]["message"]
    assert SENT not in answer.text
    assert "9223372036854775808" not in answer.text


def test_a_fields_path_is_the_senders(faulty: Api) -> None:
    """`number`, not `body.number`."""
    answer = faulty.post("/validated", json={"number": 101})
    assert answer.json()["details"] == [{"field": "number", "message": "Input should be less than or equal to 100"}]


def test_an_unexpected_error_is_500_under_an_id(faulty: Api, caplog: pytest.LogCaptureFixture) -> None:
    """The log has the id, the kind and the place, but not the message, which may quote what was sent."""
    with caplog.at_level(logging.INFO):
        answer = faulty.get(f"/crash/{SENT}")
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal"
    name = answer.json()["message"].split()[-1]
    (line,) = said(caplog, "homing.errors")
    assert name in line
    assert "RuntimeError" in line
    assert "test_errors.py" in line
    assert SENT not in "".join(said(caplog))


def test_a_refusal_is_told_as_it_is(faulty: Api) -> None:
    """Status, code, message, details and the time to come again."""
    answer = faulty.get("/refused")
    assert answer.status_code == 409
    assert answer.json() == {"code": "conflict", "message": "not now", "details": {"why": "because"}}
    assert answer.headers["retry-after"] == "7"


@pytest.mark.parametrize(("path", "code"), [("/store", "store_full"), ("/overloaded", "overloaded")])
def test_what_may_pass_is_503_with_a_time(faulty: Api, path: str, code: str) -> None:
    """Retry-After is a whole number of seconds, and no path of the machine is told."""
    answer = faulty.get(path)
    assert answer.status_code == 503
    assert answer.json()["code"] == code
    assert int(answer.headers["retry-after"]) >= 1
    assert "/var/lib" not in answer.text


def test_a_held_store_is_503(faulty: Api) -> None:
    """While another process holds the store, a write is asked for again later; then it succeeds."""
    homing = faulty.homing
    homing.writer.submit(lambda conn: conn.exec_driver_sql("PRAGMA busy_timeout = 20")).result(10)
    with closing(sqlite3.connect(homing.database.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        answer = faulty.get("/write")
        assert (answer.status_code, answer.json()["code"]) == (503, "store_busy")
        assert int(answer.headers["retry-after"]) >= 1
        other.execute("ROLLBACK")
    assert faulty.get("/write").json() == {"written": True}


LIMIT = 5 * 1024 * 1024


def test_a_body_at_the_limit_passes(faulty: Api) -> None:
    """The limit itself is allowed."""
    assert faulty.post("/read", content=b"x" * LIMIT).json() == {"bytes": LIMIT}


@pytest.mark.parametrize("path", ["/read", "/validated", "/livez", "/nothing"])
def test_an_announced_body_beyond_the_limit_is_413(faulty: Api, path: str) -> None:
    """Its length is enough; nothing of it is read."""
    answer = faulty.post(path, content=b"x" * (LIMIT + 1))
    assert answer.status_code == 413
    assert answer.json()["code"] == "body_too_large"


@pytest.mark.parametrize("path", ["/read", "/validated"])
def test_an_unannounced_body_beyond_the_limit_is_413(faulty: Api, path: str) -> None:
    """A body that comes in chunks is counted, whatever reads it."""

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(6):
            yield b"x" * 1024 * 1024

    headers = {"Content-Type": "application/json"}
    answer = faulty.post(path, content=chunks(), headers=headers)
    assert answer.status_code == 413
    assert answer.json()["code"] == "body_too_large"


def test_a_broken_answer_does_not_look_whole(faulty: Api, caplog: pytest.LogCaptureFixture) -> None:
    """One that breaks off after its beginning ends as an error of the connection, logged without what was sent."""
    with caplog.at_level(logging.INFO), pytest.raises(Exception, match=r"^$") as broken:
        faulty.get("/breaks")
    assert type(broken.value).__name__ == "BrokenAnswer"
    assert SENT not in "".join(said(caplog))
    assert "RuntimeError" in "".join(said(caplog))


def test_the_access_log_names_routes_only(faulty: Api, caplog: pytest.LogCaptureFixture) -> None:
    """Method, template, status and time; neither path nor query string."""
    with caplog.at_level(logging.INFO, logger="homing.access"):
        faulty.get(f"/crash/{SENT}?email={SENT}")
        faulty.get(f"/unknown/{SENT}")
    lines = said(caplog, "homing.access")
    assert lines[0].startswith("GET /crash/{name} 500 ")
    assert lines[1].startswith("GET (unmatched) 404 ")
    assert SENT not in "".join(said(caplog))


def test_a_strange_method_is_counted_as_other(faulty: Api) -> None:
    """A label holds no text of the sender's."""
    answer = faulty.request("BREW", "/livez")
    assert answer.status_code == 405
    metrics = faulty.get("/metrics").text
    assert 'method="OTHER"' in metrics
    assert "BREW" not in metrics


def test_a_settings_error_hides_a_password() -> None:
    """What stands before the @ of an address is left out."""
    assert "hunter2" not in str(SettingsError.at("db", "mysql://u:hunter2@h/d", "a file", "--db"))


def test_the_errors_have_one_shape_for_httpx(faulty: Api) -> None:
    """Every answer that is not a success is JSON with a code and a message."""
    answers: list[httpx.Response] = [
        faulty.get("/nothing"),
        faulty.post("/livez"),
        faulty.get("/crash/x"),
        faulty.post("/validated", content=b"{"),
        faulty.get("/refused"),
        faulty.get("/store"),
    ]
    for answer in answers:
        assert answer.headers["content-type"] == "application/json"
        assert {"code", "message"} <= set(answer.json()) <= {"code", "message", "details"}
