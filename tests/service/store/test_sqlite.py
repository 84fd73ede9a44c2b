"""What only SQLite does: a lock on the whole file, a disk that is full, plans that use the index."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import closing

import pytest

from service.errors import StoreBusy, StoreError
from service.store.database import Database
from service.store.writer import Writer
from tests.contracts.writing import Seen, names, put, watching


@pytest.fixture
def writer(database: Database) -> Iterator[Writer]:
    """Give a writer on an empty store."""
    made = watching(database, Seen())
    yield made
    made.close(10)


def test_a_held_store_is_said_plainly(writer: Writer, database: Database) -> None:
    """While another process holds the lock, a job fails as StoreBusy; afterwards the writer works again."""
    writer.submit(lambda conn: conn.exec_driver_sql("PRAGMA busy_timeout = 20")).result(10)
    with closing(sqlite3.connect(database.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusy, match="another process"):
            writer.submit(put("held")).result(10)
        other.execute("ROLLBACK")
    assert writer.submit(put("free")).result(10) == "free"


def test_who_asks_again_is_no_part_of_the_refusal(writer: Writer, database: Database) -> None:
    """A job that comes once the store is free again runs, even while the others are still being refused."""
    writer.submit(lambda conn: conn.exec_driver_sql("PRAGMA busy_timeout = 20")).result(10)
    again: list[Future[str]] = []
    with closing(sqlite3.connect(database.path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")

        def release(_refused: Future[str]) -> None:
            other.execute("ROLLBACK")
            again.append(writer.submit(put("again")))

        refused = writer.submit(put("held"))
        refused.add_done_callback(release)
        with pytest.raises(StoreBusy):
            refused.result(10)
        writer.submit(put("last")).result(10)
    assert again[0].result(10) == "again"


def test_a_full_disk_is_said_plainly(writer: Writer, database: Database) -> None:
    """SQLITE_FULL becomes a StoreError; nothing of the group remains, and there is room again afterwards."""
    pages = writer.submit(lambda conn: conn.exec_driver_sql("PRAGMA page_count").scalar_one()).result(10)
    writer.submit(lambda conn: conn.exec_driver_sql(f"PRAGMA max_page_count = {pages + 1}").scalar_one()).result(10)
    with pytest.raises(StoreError, match="disk is full") as full:
        writer.submit(put("large", "x" * 1_000_000)).result(10)
    assert full.value.code == "store_full"
    assert names(database) == set()
    assert writer.submit(put("small")).result(10) == "small"


@pytest.mark.parametrize("column", ["profile_id = 'p' AND message_id = 'm'", "endpoint_id = 'e' AND send_at > 1"])
def test_lookups_use_an_index(database: Database, column: str) -> None:
    """What every recommendation looks up must not read the whole table."""
    with database.transaction() as conn:
        plan = conn.exec_driver_sql(f"EXPLAIN QUERY PLAN SELECT * FROM decisions WHERE {column}").all()  # noqa: S608 - above
    assert all("USING INDEX" in step.detail for step in plan)


def test_finding_uses_the_index(database: Database) -> None:
    """A lookup by identifiers must not read the whole table."""
    with database.transaction() as conn:
        plan = conn.exec_driver_sql(
            "EXPLAIN QUERY PLAN SELECT * FROM nodes WHERE namespace = 'email' AND value IN ('a', 'b')"
        ).all()
    assert all("SCAN nodes" not in row.detail for row in plan)
