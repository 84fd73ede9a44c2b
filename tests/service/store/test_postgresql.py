"""What only PostgreSQL does: a server that goes and comes back, locks of others, plans that use the index."""

from collections.abc import Callable, Iterator

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DataError

from service.errors import StoreBusy, StoreError
from service.store import writer as writing
from service.store.database import Database, database_at, open_database
from service.store.schema import metadata
from service.store.statements import listed
from service.store.writer import Writer
from tests.contracts.writing import Gate, Seen, names, put, watching
from tests.postgres import OWNER, ROLE, PostgresServer


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


@pytest.fixture
def admin(empty_database: str, postgres: PostgresServer) -> Callable[[str], None]:
    """Give what says something to an empty database as its administrator."""
    name = database_at(empty_database).name.rpartition("/")[2]

    def say(statement: str) -> None:
        with psycopg.connect(postgres.url_of(name, OWNER), autocommit=True) as conn:
            conn.execute(statement.replace("THIS", name).encode())

    return say


OVERRULED = {
    "statement_timeout": "30s",
    "idle_in_transaction_session_timeout": "30s",
    "idle_session_timeout": "30s",
    "synchronous_commit": "off",
    "default_transaction_isolation": "serializable",
    "client_encoding": "LATIN1",
    "TimeZone": "Asia/Seoul",
}


def test_what_homing_stands_on_is_its_own(empty_database: str, admin: Callable[[str], None]) -> None:
    """Whatever a database sets for everybody: long statements end by themselves, locks come before the snapshot."""
    for name, value in OVERRULED.items():
        admin(f"ALTER DATABASE THIS SET {name} = '{value}'")
    opened = open_database(empty_database)
    with opened.transaction() as conn:
        found = {name: conn.exec_driver_sql(f"SHOW {name}").scalar_one() for name in OVERRULED}
        put("원준")(conn)
    assert found == {
        "statement_timeout": "0",
        "idle_in_transaction_session_timeout": "0",
        "idle_session_timeout": "0",
        "synchronous_commit": "on",
        "default_transaction_isolation": "read committed",
        "client_encoding": "UTF8",
        "TimeZone": "UTC",
    }
    assert "원준" in names(opened)
    opened.close()


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_another_encoding_is_refused(encoding: str, postgres: PostgresServer, admin: Callable[[str], None]) -> None:
    """Not every name fits into it; the message says how to make one that will do."""
    name = f"other_{encoding.lower()}"
    admin(f"CREATE DATABASE {name} OWNER {ROLE} TEMPLATE template0 ENCODING '{encoding}'")
    with pytest.raises(StoreError, match=f"{encoding}.*createdb --template template0 --encoding UTF8"):
        open_database(postgres.url_of(name))
    postgres.drop(name)


def test_nowhere_to_keep_tables_is_said(empty_database: str, admin: Callable[[str], None]) -> None:
    """A search_path that leads nowhere is named; another program's tables further along it are not taken for ours."""
    admin("ALTER DATABASE THIS SET search_path = 'nowhere'")
    with pytest.raises(StoreError, match="search_path"):
        open_database(empty_database)
    admin("CREATE TABLE public.alembic_version (version_num TEXT)")
    admin(f"CREATE SCHEMA shop AUTHORIZATION {ROLE}")
    admin("ALTER DATABASE THIS SET search_path = shop, public")
    with pytest.raises(StoreError, match="not Homing's"):
        open_database(empty_database)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda url: url.replace("/db", "/gone"), "createdb"),
        (lambda url: url.replace(f"//{ROLE}@", "//stranger@"), "refuses this user"),
        (lambda url: f"{url}&foo=bar", "follows"),
        (lambda url: f"{url}&sslmode=bogus", "follows"),
        (lambda url: f"{url}&port=1", "cannot be reached"),
    ],
)
def test_who_is_not_let_in_is_told_why(empty_database: str, change: Callable[[str], str], says: str) -> None:
    """A wrong name is no server that is gone."""
    with pytest.raises(StoreError, match=says):
        open_database(change(empty_database))


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
