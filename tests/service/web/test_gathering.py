"""Requests that wait together are taken in together, and each gets its own answer."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy.engine import Connection

from service import keys
from service.clock import FixedClock
from service.events.ingest import Taken, admit
from service.keys import Scope
from service.store import chain
from service.wiring import Homing
from tests.service.harness import Api, deployment


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    """Make a client of a deployment."""
    homing = deployment(tmp_path, FixedClock(datetime(2026, 11, 21, tzinfo=UTC)))
    made = Api(homing)
    yield made
    made.close()
    homing.close()


@contextmanager
def held(homing: Homing) -> Iterator[None]:
    """Keep the writer busy, so that all that comes has to wait."""
    free, busy = threading.Event(), threading.Event()

    def wait(_conn: Connection) -> None:
        busy.set()
        free.wait(30)

    homing.writer.submit(wait)
    busy.wait(30)
    try:
        yield
    finally:
        free.set()


def event(name: str, **fields: Any) -> dict[str, Any]:
    """Make an event."""
    return {"type": "track", "event": "Product Added", "userId": "u1", "messageId": name, **fields}


def sent(api: Api, bodies: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    """Send bodies while nothing is taken in, then give their answers."""
    headers = {"Authorization": f"Bearer {api.key(Scope.INGEST)}"}
    take, asked, all_wait = api.homing.gathering.take, count(1), asyncio.Event()

    async def counted(events: Any) -> list[Taken]:
        if next(asked) == len(bodies) + 1:
            asyncio.get_running_loop().call_soon(all_wait.set)
        return await take(events)

    async def post(path: str, body: object) -> Any:
        return (await api.client.post(path, content=orjson.dumps(body), headers=headers)).json()

    async def together() -> list[dict[str, Any]]:
        # One that is answered first: then the key is at hand, and all the others reach the writer.
        await post("/v1/track", event("first"))
        with held(api.homing):
            tasks = [asyncio.create_task(post("/v1/batch", {"batch": body})) for body in bodies]
            await all_wait.wait()
        return [await task for task in tasks]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api.homing.gathering, "take", counted)
        return api.run(together())


def blocks(homing: Homing) -> int:
    """Count the appends so far."""
    return homing.writer.submit(chain.head).result(10).block


def test_those_that_wait_share_an_append(api: Api) -> None:
    """Forty requests are a block or two, and what is wrong with one is told to that one alone."""
    bodies: list[Any] = [[event(f"m{n}")] for n in range(40)]
    bodies[7] = [event("m3", event="Another")]
    bodies[9] = [event("m4")]
    bodies[11] = ["no event"]
    answers = sent(api, bodies)

    assert blocks(api.homing) <= 3
    assert [each["accepted"] for each in answers] == [0 if n in (7, 11) else 1 for n in range(40)]
    assert answers[7]["rejected"][0]["code"] == "message_id_conflict"
    facts = api.get("/v1/profiles?namespace=user_id&value=u1", key=api.key(Scope.READ)).json()["identifiers"]
    assert facts[0]["observations"] == 38


def test_a_job_has_bounds(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that nobody waits behind too many; a request's own events stay in order."""
    monkeypatch.setattr(api.homing.gathering, "_most", 4)
    answers = sent(api, [[event(f"m{n}-{k}") for k in range(3)] for n in range(6)])

    assert [each["accepted"] for each in answers] == [3] * 6
    assert 7 <= blocks(api.homing) <= 8


def test_what_nobody_expected_of_one_does_not_fail_the_others(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are taken in by themselves then."""

    def brittle(conn: Connection, events: Any) -> list[Taken]:
        if any(each.message_id == "m5" for each in events):
            raise LookupError
        return admit(conn, api.homing.people, events)

    monkeypatch.setattr(api.homing.gathering, "_work", brittle)
    answers = sent(api, [[event(f"m{n}")] for n in range(10)])

    assert [each.get("accepted") for each in answers] == [None if n == 5 else 1 for n in range(10)]
    assert answers[5]["code"] == "internal"


def test_too_many_questions_are_refused(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that wait already are answered all the same, each its own; the client is told when to come again."""
    monkeypatch.setattr(api.homing.questions, "_most_waiting", 3)
    monkeypatch.setattr(keys, "FRESH_SECONDS", 60.0)
    headers = {"Authorization": f"Bearer {api.key(Scope.DECIDE)}"}

    async def ask(number: int) -> tuple[int, str | None, str | None]:
        body = {"recipient": {"namespace": "user_id", "value": f"u{number}"}, "message": {"id": "m"}}
        answer = await api.client.post("/v1/recommendations", json=body, headers=headers)
        return answer.status_code, answer.headers.get("retry-after"), answer.json().get("decision_id")

    async def together() -> list[tuple[int, str | None, str | None]]:
        first = await ask(0)
        with held(api.homing):
            tasks = [asyncio.create_task(ask(number)) for number in range(5)]
            for _, answered in zip(range(2), asyncio.as_completed(tasks), strict=False):
                await answered
        return [first, *[await task for task in tasks]]

    first, *answers = api.run(together())
    assert sorted(status for status, _, _ in answers) == [200, 200, 200, 503, 503]
    assert all((retry is not None) == (status == 503) for status, retry, _ in answers)
    assert first[2] in {decision for _, _, decision in answers}
    assert len({decision for _, _, decision in answers}) == 4
