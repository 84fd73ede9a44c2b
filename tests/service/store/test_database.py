"""Opening: a store is made, brought up, or refused in words; its file keeps what was acknowledged."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy.engine import Connection

from service.cli import cli
from service.errors import SchemaError, SettingsError, StoreError
from service.store.database import Database, open_database
from service.store.schema import FOLDS, metadata


def test_the_migrated_tables_are_written_as_the_schema_says(database: Database, tmp_path: Path) -> None:
    """The SQL of every table is the one that `metadata.create_all` gives, WITHOUT ROWID included."""
    direct = open_database(f"sqlite:///{tmp_path / 'direct.db'}")
    with direct.connect() as conn:
        metadata.drop_all(conn)
        metadata.create_all(conn)
        made = _definitions(conn)
    with database.connect() as conn:
        migrated = _definitions(conn)
    assert {name: _plain(sql) for name, sql in migrated.items()} == {name: _plain(sql) for name, sql in made.items()}
    assert "WITHOUT ROWID" in migrated["sightings"]


def _definitions(conn: Connection) -> dict[str, str]:
    rows = conn.exec_driver_sql(
        "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'alembic%'"
    )
    return {row.name: row.sql for row in rows}


def _plain(sql: str) -> str:
    return "".join(sql.split()).replace('"', "").replace("DEFAULT'0'", "DEFAULT0").replace("'0'", "0")


def test_logs_and_folds_are_disjoint() -> None:
    """A table is truth or fold, never both."""
    assert not {"facts", "decision_log"} & {table.name for table in FOLDS}


def test_the_store_is_durable_by_its_settings(database: Database) -> None:
    """Every connection has WAL, synchronous=FULL (2) and foreign keys."""
    with database.transaction(reads=True) as conn:
        found = [
            conn.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    assert found == ["wal", 2, 1]


def test_another_programs_file_is_refused_untouched(tmp_path: Path) -> None:
    """A database with tables of others is neither filled nor switched to WAL."""
    path = tmp_path / "others.db"
    with closing(sqlite3.connect(path)) as conn:
        conn.execute("CREATE TABLE invoices (id)")
    before = path.read_bytes()
    with pytest.raises(SchemaError, match="not Homing's"):
        open_database(f"sqlite:///{path}")
    assert path.read_bytes() == before


def test_no_database_is_refused(tmp_path: Path) -> None:
    """A file that is no database is named as such."""
    path = tmp_path / "text.db"
    path.write_text("this is a letter, not a database, and long enough to be read as a header of one" * 5)
    with pytest.raises(StoreError, match="no SQLite database"):
        open_database(f"sqlite:///{path}")


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    """Where the folder is missing, the message says what must exist."""
    with pytest.raises(StoreError, match="folder must exist"):
        open_database(f"sqlite:///{tmp_path / 'nowhere' / 'homing.db'}")


@pytest.mark.parametrize(
    "url",
    ["sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite:///file?mode=memory", "mysql://host/x", "homing.db"],
)
def test_what_is_no_file_is_refused(url: str) -> None:
    """Only a file can keep what is acknowledged."""
    with pytest.raises(SettingsError, match="use sqlite:///FILE"):
        open_database(url)


SECRETIVE = [
    "postgresql:/homing:hunter2@host/db",
    "postgresql://homing:a@hunter2@127.0.0.1/db",
    "postgresql://homing:a/hunter2@127.0.0.1:1/db",
    "postgresql://homing:hunter2@127.0.0.1:port/db",
    "postgresql://homing:hunter2@[::1/db",
    "postgresql:///db?host=127.0.0.1&port=1&password=hunter2",
    "mysql://homing:a/hunter2@host/db",
    "homing:hunter2@host",
]


@pytest.mark.parametrize("url", SECRETIVE)
@pytest.mark.parametrize("command", [("config", "show"), ("config", "show", "--json"), ("migrate",), ("doctor",)])
def test_a_password_is_shown_nowhere(url: str, command: tuple[str, ...]) -> None:
    """Neither where the settings are listed nor in what is said of an address, however it was mistyped."""
    told = CliRunner().invoke(cli, ["--db", url, *command])
    assert told.exception is None or isinstance(told.exception, SystemExit)
    assert "hunter2" not in told.output


def test_a_server_that_is_not_there_is_said_without_its_password() -> None:
    """The message names host and database and what to do; the password does not reach it."""
    with pytest.raises(StoreError, match="cannot be reached") as refused:
        open_database("postgresql://homing:hunter2@127.0.0.1:1/homing")
    assert "hunter2" not in str(refused.value)
