"""Opening: a store is made, brought up, or refused in words."""

import json
from pathlib import Path
from typing import Any

import pytest
from alembic import op
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from click.testing import CliRunner
from sqlalchemy import Table, insert, inspect, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import SchemaItem

from service.cli import cli
from service.errors import SchemaError
from service.store import meta, migrate
from service.store.database import Database, database_at, open_database
from service.store.schema import meta as table
from service.store.schema import metadata
from tests.service.harness import SECRET


def tables(url: str) -> set[str]:
    """Give the names of the tables there."""
    database = database_at(url)
    with database.transaction(reads=True) as conn:
        found = set(inspect(conn).get_table_names())
    database.close()
    return found


def test_the_migrations_make_exactly_the_schema(database: Database) -> None:
    """Alembic finds no difference between the migrated store and the tables of the code."""
    with database.connect() as conn:
        assert compare_metadata(MigrationContext.configure(conn), metadata) == []


def test_opening_again_changes_nothing(database: Database) -> None:
    """A store at this schema is opened as it is."""
    with database.transaction() as conn:
        meta.put(conn, "kept", "v")
    again = open_database(database.url)
    with again.transaction(reads=True) as conn:
        assert meta.get(conn, "kept") == "v"
        assert migrate.current(conn) == migrate.HEAD
    again.close()


def test_a_newer_schema_is_refused_untouched(database: Database) -> None:
    """A store of a newer Homing is not opened, and still is what it was."""
    with database.transaction() as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaError, match="9999, newer than this Homing knows"):
        open_database(database.url)
    with database.transaction(reads=True) as conn:
        assert migrate.current(conn) == "9999"


def test_another_programs_tables_are_refused_untouched(empty: str) -> None:
    """A database with tables of others is not filled."""
    database = database_at(empty)
    with database.transaction() as conn:
        conn.execute(text("CREATE TABLE invoices (id INTEGER)"))
    database.close()
    with pytest.raises(SchemaError, match="not Homing's"):
        open_database(empty)
    assert tables(empty) == {"invoices"}


@pytest.mark.parametrize("revision", ["0001", migrate.HEAD, "9999"])
def test_another_programs_migrations_are_not_ours(empty: str, revision: str) -> None:
    """Many programs keep `alembic_version`, numbered as ours: without our tables it is refused, untouched."""
    database = database_at(empty)
    with database.transaction() as conn:
        conn.execute(text("CREATE TABLE alembic_version (version_num TEXT)"))
        conn.execute(text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": revision})
    before = database.file and database.file.read_bytes()
    with pytest.raises(SchemaError, match="not Homing's"):
        open_database(empty)
    told = CliRunner().invoke(cli, ["--db", empty, "doctor"])
    assert (told.exit_code, told.exception.__class__) == (1, SystemExit)
    assert "not Homing's" in told.stdout
    assert tables(empty) == {"alembic_version"}
    assert before == (database.file and database.file.read_bytes())
    database.close()


def test_the_doctor_of_an_empty_database_says_what_to_do(empty: str) -> None:
    """It does not look for tables that are not there yet."""
    database = database_at(empty)
    with database.transaction():
        pass
    database.close()
    told = CliRunner().invoke(cli, ["--db", empty, "doctor"])
    assert told.exit_code == 1
    assert "run `homing migrate`" in told.stdout or "is not there" in told.stdout


def test_a_failed_migration_leaves_an_empty_database(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The schema is made in one transaction: whatever breaks it half-way, no table remains."""
    make = op.create_table

    def breaks_at_last(name: str, *columns: SchemaItem, **options: Any) -> Table:
        if name == "meta":
            raise RuntimeError("the power went")
        return make(name, *columns, **options)

    monkeypatch.setattr(op, "create_table", breaks_at_last)
    with pytest.raises(RuntimeError, match="the power went"):
        open_database(empty)
    assert tables(empty) == set()


def test_values_stay_out_of_error_texts(database: Database) -> None:
    """A failing statement's values are personal data: its error does not repeat them."""
    row = {"name": "name", "value": "ada@example.org"}
    with database.transaction() as conn:
        conn.execute(insert(table), row)
        with pytest.raises(IntegrityError) as failed, conn.begin_nested():
            conn.execute(insert(table), row)
    assert "ada@example.org" not in str(failed.value)


def test_nothing_is_written_by_verify(empty: str) -> None:
    """A store that was never used is whole, and is not given a secret by looking at it."""
    open_database(empty).close()
    told = CliRunner(env={"HOMING_SECRET": SECRET}).invoke(cli, ["--db", empty, "verify", "--json"])
    assert json.loads(told.stdout)["whole"]
    database = open_database(empty)
    with database.transaction(reads=True) as conn:
        assert meta.get(conn, meta.SECRET_FINGERPRINT) is None
    database.close()


def test_migrate_makes_a_store_and_then_finds_it_made(empty: str) -> None:
    """`homing migrate` tells from which schema to which it went, on either kind of store."""
    told = [CliRunner().invoke(cli, ["--db", empty, "migrate", "--json"]) for _ in range(2)]

    assert [each.exit_code for each in told] == [0, 0]
    assert [json.loads(each.stdout) for each in told] == [
        {"from": None, "to": migrate.HEAD},
        {"from": migrate.HEAD, "to": migrate.HEAD},
    ]


def test_what_is_not_there_is_neither_whole_nor_backed_up(empty: str, tmp_path: Path) -> None:
    """A mistyped address fails `verify` and `backup`, and no store is made there."""
    for command in (["verify"], ["verify", "--chain-only"], ["backup", str(tmp_path / "kept.db")]):
        refused = CliRunner().invoke(cli, ["--db", empty, *command])
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert "there is no store; look at --db" in refused.stderr
    assert database_at(empty).revision() is None
    assert list(tmp_path.iterdir()) == []
