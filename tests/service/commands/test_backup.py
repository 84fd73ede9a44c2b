"""A backup holds one moment of the store, and a store made of it is the same one."""

import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from service.store import copying
from tests.service.commands.program import Program
from tests.service.harness import SECRET

HEADER = "observation,namespace,value,observed_at"


@pytest.fixture
def kept(program: Program) -> dict[str, Any]:
    """Give what `verify` says of a store that something was put into, and a backup of it, `kept.db`."""
    rows = [f"1,{name},2026-11-01T00:00:00Z" for name in ("user_id,ada", "device_id,phone")]
    program.write("seen.csv", [HEADER, *rows])
    program.run("import", "seen.csv")
    program.run("backup", "kept.db")
    found: dict[str, Any] = program.json("verify")
    return found


def shown(program: Program, *where: str) -> str:
    """Give the profile id of somebody."""
    return str(program.json(*where, "profile", "show", "--namespace", "user_id", "--value", "ada")["profile_id"])


def test_a_restored_store_is_the_same(program: Program, kept: dict[str, Any], tmp_path: Path) -> None:
    """Chain, folds and profile ids come back, and it goes on where the first one was."""
    assert kept["whole"]
    assert kept["facts"] == 1
    other = f"sqlite:///{tmp_path}/other.db"
    assert program.json("--db", other, "restore", "kept.db")["rows"] > 0
    assert program.json("--db", other, "verify") == kept
    assert shown(program, "--db", other) == shown(program)
    program.write("more.csv", [HEADER, "2,user_id,ada,2026-11-02T00:00:00Z"])
    program.run("--db", other, "import", "more.csv")
    assert program.json("--db", other, "verify")["facts"] == 2


def test_a_store_is_made_only_with_its_secret(
    program: Program, kept: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With another one nothing is restored."""
    assert kept["whole"]
    monkeypatch.setenv("HOMING_SECRET", "another secret, of 32 characters or more")
    other = f"sqlite:///{tmp_path}/other.db"
    assert "another secret" in program.refused("--db", other, "restore", "kept.db", expect=1)
    monkeypatch.setenv("HOMING_SECRET", SECRET)
    program.run("--db", other, "restore", "kept.db")


def test_only_its_owner_reads_a_backup(kept: dict[str, Any], tmp_path: Path) -> None:
    """It is one file, holds personal data, and not the secret."""
    assert kept["whole"]
    assert stat.S_IMODE((tmp_path / "kept.db").stat().st_mode) == 0o600
    assert not list(tmp_path.glob(".kept*")) + list(tmp_path.glob("kept.db-*"))
    assert SECRET.encode() not in (tmp_path / "kept.db").read_bytes()


def test_nothing_is_replaced(program: Program, kept: dict[str, Any]) -> None:
    """Neither a backup by another one, nor a store by a backup."""
    assert kept["whole"]
    assert "there already" in program.refused("backup", "kept.db", expect=2)
    assert "not empty" in program.refused("restore", "kept.db", expect=1)


def test_a_file_that_is_no_backup(program: Program, tmp_path: Path) -> None:
    """It is told so, and the store stays as it was."""
    (tmp_path / "text.db").write_text("no database, and long enough to be taken for one by nobody" * 20)
    assert "no SQLite database" in program.refused("restore", "text.db", expect=1)


def test_verify_names_what_is_wrong(program: Program, kept: dict[str, Any]) -> None:
    """A fault is one line, the exit code 1; the chain alone can be checked without the folds."""
    assert kept["whole"]
    program.change("UPDATE facts SET body = x'7b7d' WHERE seq = 1")
    result = program.run("verify", "--chain-only", expect=1)
    assert "FAULT  facts 1: is not as it was written" in result.stdout
    assert program.json("verify", "--chain-only", expect=1)["whole"] is False


def test_a_backup_that_comes_up_meanwhile_is_kept(
    program: Program, kept: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two backups into one name do not meet: the later one gives way, and leaves nothing behind."""
    assert kept["whole"]
    copy = copying.copy

    def late(*given: Any, **named: Any) -> int:
        (tmp_path / "late.db").write_bytes(b"theirs")
        assert not {path.stat().st_mode & 0o077 for path in tmp_path.glob(".late.db*")} - {0}
        return copy(*given, **named)

    monkeypatch.setattr(copying, "copy", late)
    assert "there already" in program.run("backup", "late.db", expect=2).stderr
    assert (tmp_path / "late.db").read_bytes() == b"theirs"
    assert not list(tmp_path.glob(".late*"))


def test_any_name_will_do(program: Program, kept: dict[str, Any], tmp_path: Path) -> None:
    """A backup's name is no address."""
    program.run("backup", "what? 100% #1.db")
    other = f"sqlite:///{tmp_path}/other.db"
    program.run("--db", other, "restore", "what? 100% #1.db")
    assert program.json("--db", other, "verify") == kept
    assert "folder must exist" in program.refused("backup", "nowhere/x.db", expect=1)


def test_a_store_in_use_is_restored_with_all_it_holds(program: Program, kept: dict[str, Any], tmp_path: Path) -> None:
    """What only its write-ahead log holds yet is part of it."""
    assert kept["whole"]
    with closing(sqlite3.connect(tmp_path / "homing.db")) as held:
        held.execute("SELECT 1 FROM facts").fetchall()
        program.write("more.csv", [HEADER, "2,user_id,ada,2026-11-02T00:00:00Z"])
        program.run("import", "more.csv")
        assert (tmp_path / "homing.db-wal").stat().st_size
        other = f"sqlite:///{tmp_path}/other.db"
        program.run("--db", other, "restore", "homing.db")
    assert program.json("--db", other, "verify")["facts"] == 2


def test_verify_goes_by_the_rules_of_the_store(
    program: Program, kept: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Settings that name other rules do not make the folds wrong."""
    assert kept["whole"]
    monkeypatch.setenv("HOMING_DEFAULT_REGION", "KR")
    assert "whole" in program.run("verify").stdout


def test_a_lost_fingerprint_is_told(program: Program, kept: dict[str, Any]) -> None:
    """A store with facts whose secret is not known any more would take any other."""
    assert kept["whole"]
    program.change("DELETE FROM meta WHERE name = 'secret_fingerprint'")
    assert "lost the fingerprint" in program.run("verify", expect=1).stderr
    assert "lost the fingerprint" in program.run("doctor", expect=1).stdout


DAMAGED = {
    "message_ids": ("UPDATE message_ids SET seq = 7", "DELETE FROM message_ids"),
    "nodes": ("UPDATE nodes SET component = 7", "UPDATE nodes SET value = CAST(x'ff' AS TEXT)", "DELETE FROM nodes"),
    "sightings": ("DELETE FROM sightings", "INSERT INTO sightings VALUES (7, 7)"),
    "issued": ("UPDATE issued SET founder = 7",),
}


@pytest.mark.parametrize(("table", "statement"), [(table, each) for table, some in DAMAGED.items() for each in some])
def test_verify_finds_folds_that_do_not_follow(
    program: Program, kept: dict[str, Any], table: str, statement: str
) -> None:
    """Rows gone, pointing elsewhere, slipped in, or made unreadable: each is a fault of its table, no traceback."""
    assert kept["whole"]
    program.change(statement)
    assert table in {fault["table"] for fault in program.json("verify", expect=1)["faults"]}


@pytest.mark.parametrize("value", ["'a text'", "7", "zeroblob(3)"])
@pytest.mark.parametrize("column", ["link", "digest"])
def test_verify_finds_a_block_of_another_kind(program: Program, kept: dict[str, Any], column: str, value: str) -> None:
    """SQLite keeps whatever it is given in a column."""
    assert kept["whole"]
    program.change(f"UPDATE blocks SET {column} = {value} WHERE block = 1")  # noqa: S608 - two names of ours
    assert program.json("verify", "--chain-only", expect=1)["whole"] is False
