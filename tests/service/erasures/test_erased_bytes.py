"""After an erasure the bytes of the store's files hold nothing of the erased, and nor does what is at hand."""

import asyncio
import gc
from datetime import timedelta
from pathlib import Path

import pytest

from service.clock import FixedClock
from service.decisions.asks import Ask
from service.erasures.erasing import keep_purging, unfinished
from service.events.ingest import ingest
from service.events.messages import Message, parse
from service.store import sqlite
from service.store.idempotency import Answer, keep
from service.wiring import Homing
from tests.service.erasure import erase, files_with, rows_with
from tests.service.erasures.test_erasing import named
from tests.service.harness import NOON, deployment

PEOPLE = 60
WORDS = ("needle-user-{}", "needle.mail.{}@example.org", "needle-browser-{}", "needle-said-{}", "needle-id-{}")


def words(number: int) -> list[str]:
    """Give what is told of one person only."""
    return [word.format(f"{number:03}") for word in WORDS]


def told(number: int, times: int) -> list[Message]:
    """Give some events of one person, who shares a device with two others."""
    user, mail, browser, said, name = words(number)
    messages = []
    for each in range(times):
        raw = {
            "type": "track",
            "event": f"Seen {said}",
            "messageId": f"{name}-{each}",
            "userId": user,
            "anonymousId": browser,
            "timestamp": (NOON - timedelta(days=1) + timedelta(minutes=each * PEOPLE + number)).isoformat(),
            "traits": {"email": mail},
            "properties": {"note": said * (40 if each % 5 == 0 else 1)},
            "context": {"device": {"id": f"shared-{number // 3}", "token": f"token-{number}"}},
        }
        message = parse(raw, route_type=None, source="shop", trust=2, received_at=NOON, sent_at=None)  # type: ignore[arg-type]  # Trust.SERVER
        assert isinstance(message, Message)
        messages.append(message)
    return messages


def crowd(homing: Homing, times: int) -> None:
    """Take in everybody's events, mixed, and decide on a message each."""
    everybody = sorted((m for n in range(PEOPLE) for m in told(n, times)), key=lambda m: m.at)
    for start in range(0, len(everybody), 50):
        part = everybody[start : start + 50]
        homing.writer.submit(lambda conn, part=part: ingest(conn, homing.people, part)).result(60)  # type: ignore[misc]  # part is bound now
    for number in range(0, PEOPLE, 3):
        user, *_, name = words(number)
        ask = Ask(recipient=(("user_id", user),), message_id=f"{name}-message")
        ruling = homing.writer.submit(lambda conn, ask=ask: homing.decider.decide(conn, ask, NOON)).result(60)  # type: ignore[misc]  # ask is bound now
        body = f'{{"note": "{user}"}}'.encode()
        answer = Answer(digest=b"d", status=200, body=body, decision_id=ruling.decision.decision_id)
        homing.writer.submit(lambda conn, a=answer, n=name: keep(conn, "key", n, a, NOON)).result(60)  # type: ignore[misc]  # both are bound now


def test_no_byte_of_the_erased_is_left_in_any_file(tmp_path: Path, clock: FixedClock) -> None:
    """Not in the file, its write-ahead log nor its index, after thousands of rows had split the pages they were on."""
    homing = deployment(tmp_path, clock)
    crowd(homing, times=40)
    assert all(files_with(tmp_path, word) for number in (0, 30) for word in words(number))
    for number in (0, 30, 31, 59):
        erase(homing, named(f"user_id:{words(number)[0]}"))
    left = {word: files_with(tmp_path, word) for number in (0, 30, 31, 59) for word in words(number)}
    assert {word: files for word, files in left.items() if files} == {}
    assert all(rows_with(homing, words(number)[0]) for number in (1, 3, 32))
    homing.close()
    assert not any(files_with(tmp_path, word) for number in (0, 30, 31, 59) for word in words(number))


def test_nothing_of_the_erased_is_at_hand(homing: Homing) -> None:
    """No cache of the process holds a name, a message or a standing of theirs."""
    crowd(homing, times=4)
    user, mail, *_ = words(0)
    for _ in range(2):
        ask = Ask(recipient=(("email", mail),), message_id="another")
        homing.writer.submit(lambda conn, ask=ask: homing.decider.decide(conn, ask, NOON)).result(10)  # type: ignore[misc]  # ask is bound now
    assert at_hand(user)
    erase(homing, named(f"user_id:{user}"))
    assert at_hand(user) == []


def at_hand(user: str) -> list[str]:
    """Name the kinds of records in memory that hold a user's name."""
    gc.collect()
    found = set()
    for each in gc.get_objects():
        if isinstance(each, Message) and user.encode() in each.body:
            found.add("message")
        elif isinstance(each, tuple) and type(each).__name__ == "Identifier" and each[1] == user:
            found.add("identifier")
    return sorted(found)


def test_who_reads_meanwhile_keeps_the_log_ahead(
    tmp_path: Path, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While another process reads an older moment the write-ahead log stays; the next look cuts it off."""
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_MS", 1_000)
    homing = deployment(tmp_path, clock)
    crowd(homing, times=1)
    user = words(0)[0]
    with homing.database.transaction(reads=True) as conn:
        conn.exec_driver_sql("SELECT count(*) FROM facts").scalar()
        erase(homing, named(f"user_id:{user}"))
        assert files_with(tmp_path, user)
        assert homing.writer.submit(unfinished).result(10)
    asyncio.run(looks_once(homing))
    assert not files_with(tmp_path, user)
    assert not homing.writer.submit(unfinished).result(10)
    homing.close()


async def looks_once(homing: Homing) -> None:
    """Run what a server keeps doing, until it has looked."""
    looking = asyncio.create_task(keep_purging(homing))
    for _ in range(1_000):
        if not await homing.writer.run(unfinished):
            break
        await asyncio.sleep(0.01)
    looking.cancel()
