"""The writer: results after the commit only, together where jobs wait together, and no job pays for another."""

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from service.errors import ApiError, Overloaded, StoreError
from service.store import meta
from service.store import writer as writing
from service.store.database import Database, open_database
from service.store.writer import GROUP_JOBS, Writer
from tests.contracts.writing import Gate, Seen, append, names, put, refused_by_the_database, watching


@pytest.fixture
def watch() -> Seen:
    """Give an observer."""
    return Seen()


@pytest.fixture
def writer(database: Database, watch: Seen) -> Iterator[Writer]:
    """Give a writer on an empty store."""
    made = watching(database, watch)
    yield made
    made.close(10)


def test_a_result_is_seen_after_the_commit(writer: Writer, database: Database) -> None:
    """Whoever has a job's result finds its row with any other connection."""
    assert writer.submit(put("a")).result(10) == "a"
    assert names(database) == {"a"}


def wait_behind_a_gate(writer: Writer, many: int) -> list[str]:
    """Have so many jobs wait together, and give what came of each."""
    gate = Gate(writer)
    futures = [writer.submit(put(f"n{i}")) for i in range(many)]
    gate.open()
    return [future.result(10) for future in futures]


def test_jobs_that_wait_together_commit_together(writer: Writer, watch: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred jobs behind a busy writer share few commits, each gets its own result."""
    monkeypatch.setattr(writing, "GROUP_SECONDS", 60.0)  # however busy the machine is
    monkeypatch.setattr(writing, "GROUP_LONGEST", 60.0)
    assert wait_behind_a_gate(writer, 100) == [f"n{i}" for i in range(100)]
    writer.close(10)
    assert sum(watch.groups) == 101
    assert len(watch.groups) <= 5


def test_a_group_is_bounded(writer: Writer, watch: Seen) -> None:
    """No commit holds more jobs than the bound."""
    wait_behind_a_gate(writer, GROUP_JOBS * 2)
    assert max(watch.groups) <= GROUP_JOBS


def test_who_came_first_does_not_wait_for_all(writer: Writer, watch: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    """No further job is begun once a group has worked as long as it may: the first ones' answers wait for it."""
    monkeypatch.setattr(writing, "GROUP_LONGEST", 0.0)
    wait_behind_a_gate(writer, 10)
    writer.close(10)
    assert watch.groups == [1] * 11


def test_where_commits_are_slow_more_jobs_share_one(
    writer: Writer, watch: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A group may work as long as the last commit took, so that half of the time at least is worked in."""
    monkeypatch.setattr(writing, "GROUP_SECONDS", 0.0)
    monkeypatch.setattr(writing, "GROUP_LONGEST", 60.0)
    with monkeypatch.context() as slow:
        slow.setattr("service.store.faults.reach", lambda point: time.sleep(2.0) if point == "before_commit" else None)
        writer.submit(put("slow")).result(10)
    wait_behind_a_gate(writer, 20)
    writer.close(10)
    assert sum(watch.groups) == 22
    assert len(watch.groups) <= 4


def test_many_threads(writer: Writer, database: Database) -> None:
    """Eight threads at once lose nothing and mix nothing up."""
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda i: writer.submit(put(f"n{i}")).result(30), range(400)))
    assert results == [f"n{i}" for i in range(400)]
    assert names(database) == set(results)


def test_a_failing_job_does_not_fail_its_neighbours(writer: Writer, watch: Seen, database: Database) -> None:
    """The group is undone and each job runs again alone: only the bad one's caller hears of it."""
    gate = Gate(writer)
    before, after = writer.submit(put("before")), writer.submit(put("after"))
    bad, last = writer.submit(refused_by_the_database), writer.submit(put("last"))
    gate.open()
    assert before.result(10) == "before"
    with pytest.raises(IntegrityError):
        bad.result(10)
    assert [after.result(10), last.result(10)] == ["after", "last"]
    assert names(database) == {"before", "after", "last"}
    assert watch.resets > 0


def test_a_failed_job_leaves_nothing(writer: Writer, database: Database) -> None:
    """What a job wrote before it failed is undone."""

    def half(conn: Connection) -> None:
        meta.put(conn, "half", "v")
        raise ValueError("the other half is missing")

    with pytest.raises(ValueError, match="other half"):
        writer.submit(half).result(10)
    assert names(database) == set()


def test_caches_are_dropped_on_rollback(writer: Writer, watch: Seen) -> None:
    """A rollback calls for a reset: what jobs put into caches is not true any more."""
    with pytest.raises(ZeroDivisionError):
        writer.submit(lambda _conn: 1 // 0).result(10)
    assert watch.resets > 0


def test_a_refusal_before_any_write_undoes_nothing(writer: Writer, watch: Seen) -> None:
    """An ApiError raised by a job that wrote nothing reaches its caller without a rollback for the others."""

    def refuse(_conn: Connection) -> None:
        raise ApiError(404, "not_found", "no such profile")

    gate = Gate(writer)
    good, refused = writer.submit(put("good")), writer.submit(refuse)
    gate.open()
    assert good.result(10) == "good"
    with pytest.raises(ApiError, match="no such profile"):
        refused.result(10)
    assert watch.resets == 0


def test_a_refusal_after_a_write_undoes_it(writer: Writer, watch: Seen, database: Database) -> None:
    """An ApiError raised after a write takes the write with it."""

    def refuse(conn: Connection) -> None:
        meta.put(conn, "written", "v")
        raise ApiError(409, "conflict", "too late")

    with pytest.raises(ApiError, match="too late"):
        writer.submit(refuse).result(10)
    assert names(database) == set()
    assert watch.resets > 0


def test_what_another_process_appended_is_read_again(writer: Writer, watch: Seen, database: Database) -> None:
    """The next job after another connection's commit knows which components changed; one's own appends tell nothing."""
    writer.submit(append("mine", 7)).result(10)
    writer.submit(append("mine too", 8)).result(10)
    assert (watch.resets, watch.components) == (0, set())
    with database.transaction() as conn:
        append("theirs", 9)(conn)
    assert writer.submit(lambda _: (watch.resets, set(watch.components))).result(10) == (0, {9})


def test_closing_finishes_what_waits(database: Database, watch: Seen) -> None:
    """Every job accepted before the close is committed; one after it is refused."""
    writer = watching(database, watch)
    gate = Gate(writer)
    futures = [writer.submit(put(f"n{i}")) for i in range(50)]
    gate.open()
    writer.close(10)
    assert all(future.done() for future in futures)
    assert len(names(database)) == 50
    with pytest.raises(StoreError, match="stopping"):
        writer.submit(put("late"))
    writer.close(10)


def test_closing_in_vain_says_so(database: Database, watch: Seen) -> None:
    """A job that does not end makes the close fail instead of hanging."""
    writer = watching(database, watch)
    gate = Gate(writer)
    with pytest.raises(StoreError, match="still waiting"):
        writer.close(0.01)
    gate.open()
    writer.close(10)


def test_too_many_waiting_jobs_are_refused(database: Database, watch: Seen) -> None:
    """Beyond the bound a job is turned away at once with a time to come again; the others are done."""
    writer = watching(database, watch, max_waiting=3)
    gate = Gate(writer)
    futures = [writer.submit(put(f"n{i}")) for i in range(3)]
    with pytest.raises(Overloaded) as refused:
        writer.submit(put("one too many"))
    assert refused.value.status == 503
    assert refused.value.retry_after == 1
    gate.open()
    assert [future.result(10) for future in futures] == ["n0", "n1", "n2"]
    writer.close(10)


def test_a_cancelled_job_is_not_run(writer: Writer, database: Database) -> None:
    """A job whose caller has gone before its turn leaves no trace."""
    gate = Gate(writer)
    gone, stays = writer.submit(put("gone")), writer.submit(put("stays"))
    assert gone.cancel()
    gate.open()
    stays.result(10)
    assert names(database) == {"stays"}


_OTHER_PROCESS = """
import sys
from service.store.database import open_database
from service.store import meta
from service.store.watch import Watch
from service.store.writer import Writer

database = open_database(sys.argv[1])
writer = Writer(database, Watch())
for number in range(100):
    writer.submit(lambda conn: meta.put(conn, f"{sys.argv[2]}{number}", "v")).result(30)
writer.close(30)
"""


def test_two_processes_write_one_store(empty: str) -> None:
    """Two processes that make and write the same store at the same time both succeed, and nothing is lost."""
    command = [sys.executable, "-c", _OTHER_PROCESS, empty]
    root = Path(__file__).parents[2]
    processes = [
        subprocess.Popen([*command, name], stderr=subprocess.PIPE, cwd=root)  # noqa: S603 - this file's own program
        for name in "ab"
    ]
    errors = [process.communicate(timeout=60)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], errors
    database = open_database(empty)
    assert names(database) == {f"{letter}{number}" for letter in "ab" for number in range(100)}
    database.close()


def test_a_chain_damaged_meanwhile_ends_nobodys_waiting(writer: Writer) -> None:
    """Whatever breaks the commit is told to who waits for it, and the writer goes on with the next job."""

    def damages(conn: Connection) -> None:
        append("one", 1)(conn)
        meta.put(conn, "head", "no head")

    with pytest.raises(StoreError, match="chain is damaged"):
        writer.submit(damages).result(10)
    assert writer.submit(put("after")).result(10) == "after"
