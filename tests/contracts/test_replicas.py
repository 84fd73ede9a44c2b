"""Two replicas on one PostgreSQL take turns by what they touch, and what one changes the other does not miss."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy.engine import Connection

from identity.identifiers import Identifier
from identity.judgements import JudgementKind
from service.clock import FixedClock
from service.erasures.erasing import purge_at_once, stands
from service.events.ingest import Receipt, ingest
from service.events.messages import Message
from service.judgements.judging import Saying, link, standing, undo
from service.profiles import finding
from service.store import locks
from service.store.database import Database, open_database
from service.store.locks import Taken
from service.wiring import Homing
from tests.contracts.test_facts import message
from tests.service.erasure import erase
from tests.service.harness import deployment


@pytest.fixture
def servers(postgresql_store: str, tmp_path: Path, clock: FixedClock) -> Iterator[tuple[Homing, Homing]]:
    """Give two replicas."""
    both = deployment(tmp_path, clock, url=postgresql_store), deployment(tmp_path, clock, url=postgresql_store)
    yield both
    for each in both:
        each.close()


@pytest.fixture
def shared(postgresql_store: str) -> Iterator[Database]:
    """Give the store itself."""
    opened = open_database(postgresql_store)
    yield opened
    opened.close()


def test_who_holds_something_never_waits(shared: Database) -> None:
    """It is told to begin again with all the keys; who holds nothing waits until the others are done."""
    with shared.transaction() as one, shared.transaction() as other:
        assert locks.hold(one, {1, 2})
        assert not locks.hold(one, {1})
        assert locks.hold(other, {3})
        with pytest.raises(Taken) as taken:
            locks.hold(other, {2, 4})
        assert taken.value.keys == {2, 3, 4}
    waited = threading.Event()

    def wait() -> None:
        with shared.transaction() as conn:
            locks.hold(conn, {2})
            waited.set()

    with ThreadPoolExecutor(1) as pool:
        with shared.transaction() as conn:
            locks.hold(conn, {2})
            later = pool.submit(wait)
            assert not waited.wait(0.2)
        later.result(10)
    assert waited.is_set()


def test_alone_means_alone(shared: Database) -> None:
    """Who wants to be alone waits for those who hold anything."""
    alone = threading.Event()

    def be_alone() -> None:
        with shared.transaction() as conn:
            locks.hold_alone(conn)
            alone.set()

    with ThreadPoolExecutor(1) as pool:
        with shared.transaction() as conn:
            locks.join(conn)
            later = pool.submit(be_alone)
            assert not alone.wait(0.2)
        later.result(10)
    assert alone.is_set()


def take(homing: Homing, batch: Sequence[Message]) -> Future[list[Receipt]]:
    """Have a replica take some messages."""
    return homing.writer.submit(lambda conn: ingest(conn, homing.people, batch))


def profile(homing: Homing, user: str) -> tuple[str, int]:
    """Read a profile: its id and the number of its facts."""

    def job(conn: Connection) -> tuple[str, int]:
        view = finding.profile_of(conn, homing.people, "user_id", user)
        assert view is not None
        return view.profile.profile_id, len(view.facts)

    return homing.writer.submit(job).result(30)


def test_what_one_takes_the_other_knows(servers: tuple[Homing, Homing]) -> None:
    """Each event through the other replica: both read the same profile at once, though both have it at hand."""
    for number in range(6):
        assert take(servers[number % 2], [message(7, source=f"s{number}")]).result(30) == [Receipt.ACCEPTED]
        assert profile(servers[0], "u7") == profile(servers[1], "u7")
        assert profile(servers[0], "u7")[1] == number + 1


def test_the_same_message_through_both_counts_once(servers: tuple[Homing, Homing]) -> None:
    """Sent to both at once, over and over, in opposite orders: one takes it, the other knows it; nobody fails."""
    taken = []
    for start in range(0, 60, 6):
        batch = [message(n) for n in range(start, start + 6)]
        asked = [take(homing, part) for homing, part in zip(servers, (batch, batch[::-1]), strict=True)]
        taken += [receipt for future in asked for receipt in future.result(30)]
    assert sorted(taken) == [Receipt.ACCEPTED] * 60 + [Receipt.DUPLICATE] * 60


def test_a_judgement_through_one_the_other_knows(servers: tuple[Homing, Homing]) -> None:
    """Two logins are one person through one replica, which both knew apart before, and two again through the other."""
    here, there = servers
    for number in (1, 2):
        assert take(here, [message(number)]).result(30) == [Receipt.ACCEPTED]
    apart = [profile(homing, f"u{number}")[0] for homing in servers for number in (1, 2)]
    assert apart[:2] == apart[2:]
    assert apart[0] != apart[1]
    ends = Identifier("user_id", "u1"), Identifier("user_id", "u2")
    saying = Saying(source="analyst", now=here.clock.now())
    said = here.writer.submit(lambda conn: link(conn, here.people, JudgementKind.MUST_LINK, ends, saying)).result(30)
    assert {profile(homing, f"u{number}")[0] for homing in servers for number in (1, 2)} == {apart[0]}
    name = said.name
    assert name is not None
    assert [each.id for each in there.writer.submit(lambda conn: standing(conn, there.people)).result(30)] == [name]
    there.writer.submit(lambda conn: undo(conn, there.people, name, saying)).result(30)
    assert [profile(homing, f"u{number}")[0] for homing in servers for number in (1, 2)] == apart


def test_whom_one_erases_the_other_forgets(servers: tuple[Homing, Homing], clock: FixedClock) -> None:
    """Both had her at hand; neither knows or takes her in any more, and a purge that one left the other finishes."""
    here, there = servers
    assert take(here, [message(1), message(2)]).result(30) == [Receipt.ACCEPTED] * 2
    assert profile(here, "u1") == profile(there, "u1")
    clock.advance(timedelta(days=30))
    name, _ = erase(here, Identifier("user_id", "u1"), purged=False)
    for homing in servers:
        ask = partial(finding.profile_of, people=homing.people, namespace="user_id", value="u1")
        view = homing.writer.submit(ask).result(30)
        assert view is None
        assert profile(homing, "u2")
    assert take(there, [message(1, source="late")]).result(30) == [Receipt.DROPPED]
    purge_at_once(there)
    found = here.writer.submit(lambda conn: stands(conn, name)).result(30)
    assert found is not None
    assert (found.left, found.dropped) == (0, 1)
    assert take(here, [message(1)]).result(30) == [Receipt.DROPPED]
