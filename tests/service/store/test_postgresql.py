"""What only PostgreSQL does: a server that goes and comes back, locks of others, plans that use the index."""

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DataError

from service.errors import StoreBusy, StoreError
from service.store import writer as writing
from service.store.database import Database, open_database
from service.store.schema import metadata
from service.store.statements import listed
from service.store.writer import Writer
from tests.contracts.writing import Gate, Seen, names, put, watching
from tests.postgres import PostgresServer


@pytest.fixture
def database(postgresql_store: str) -> Iterator[Database]:
    """Give an empty store."""
    opened = open_database(postgresql_store)
    yield opened
    opened.close()


@pytest.fixture
def writer(database: Database) -> Iterator[Writer]:
    """Give a writer on an empty store."""
    made = watching(database, Seen())
    yield made
    made.close(10)


def test_texts_compare_by_code_point(database: Database) -> None:
    """Whatever language the server was set up for, every column of text sorts as SQLite does."""
    wanted = {
        (table.name, column.name) for table in metadata.sorted_tables for column in table.c if _is_text(column.type)
    }
    found = text(
        "SELECT table_name, column_name FROM information_schema.columns "
        "WHERE table_schema = 'public' AND data_type = 'text' AND collation_name = 'C'"
    )
    with database.transaction(reads=True) as conn:
        assert {tuple(row) for row in conn.execute(found)} == wanted


def _is_text(kind: object) -> bool:
    return type(kind).__name__ == "Text"


def test_what_is_acknowledged_is_on_the_disk(database: Database) -> None:
    """A server that answers before that is overruled."""
    with database.transaction(reads=True) as conn:
        assert conn.execute(text("SHOW synchronous_commit")).scalar() == "on"


def test_a_broken_connection_is_nobodys_business(writer: Writer, database: Database, postgres: PostgresServer) -> None:
    """Jobs that wait while the server throws its clients out are done on a new connection, each once."""
    writer.submit(put("before")).result(10)
    gate = Gate(writer)
    waiting = [writer.submit(put(f"n{number}")) for number in range(20)]
    with psycopg.connect(postgres.url_of(database.name.rpartition("/")[2])) as conn:
        conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    gate.open()
    assert [future.result(30) for future in waiting] == [f"n{number}" for number in range(20)]
    assert names(database) == {"before", *(f"n{number}" for number in range(20))}


def test_a_server_that_is_gone_is_said_and_found_again(
    writer: Writer, database: Database, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it stands still a job is refused in words; once it is back, the same writer goes on."""
    monkeypatch.setattr(writing, "PATIENCE_SECONDS", 0.2)
    writer.submit(put("before")).result(10)
    postgres.stop("immediate")
    try:
        with pytest.raises(StoreError) as refused:
            writer.submit(put("lost")).result(30)
        assert refused.value.code == "store_gone"
    finally:
        postgres.start()
    assert writer.submit(put("after")).result(30) == "after"
    assert names(database) == {"before", "after"}


def test_a_value_that_the_driver_will_not_send_is_its_senders_fault(writer: Writer) -> None:
    """It fails at once and is not taken for a server that is gone."""
    with pytest.raises(DataError):
        writer.submit(put("a\0b")).result(10)


def test_a_held_row_is_said_plainly(writer: Writer, database: Database) -> None:
    """While another process holds what a job needs, it fails as StoreBusy; afterwards the writer works again."""
    writer.submit(put("taken")).result(10)
    writer.submit(_impatient).result(10)
    with database.transaction() as other:
        put("taken", "theirs")(other)
        with pytest.raises(StoreBusy, match="another process"):
            writer.submit(put("taken", "mine")).result(30)
    assert writer.submit(put("free")).result(10) == "free"


def _impatient(conn: Connection) -> None:
    conn.execute(text("SET lock_timeout = 20"))


@pytest.mark.parametrize(
    ("table", "condition"),
    [
        ("nodes", "namespace = 'email' AND value = ANY (ARRAY(SELECT json_array_elements_text(:values)))"),
        ("decisions", "profile_id = 'p' AND message_id = 'm'"),
        ("decisions", "endpoint_id = 'e' AND send_at > 1"),
        ("facts", "type = 'track' AND name = 'Order Completed' AND at > 1"),
        ("decisions", "decision_id = ANY (ARRAY(SELECT json_array_elements_text(:values)))"),
        ("decision_log", "key = ANY (ARRAY(SELECT json_array_elements_text(:values)))"),
        ("outcomes", "decision_id = ANY (ARRAY(SELECT json_array_elements_text(:values)))"),
    ],
)
def test_lookups_can_use_an_index(database: Database, table: str, condition: str) -> None:
    """No lookup needs to read a whole table."""
    plan = text(f"EXPLAIN SELECT * FROM {table} WHERE {condition}")  # noqa: S608 - above
    values = {"values": listed(["a", "b"])} if ":values" in condition else {}
    with database.transaction(reads=True) as conn:
        conn.execute(text("SET LOCAL enable_seqscan = off"))
        assert not [step for (step,) in conn.execute(plan, values) if f"Seq Scan on {table}" in step]
