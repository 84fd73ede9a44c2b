"""Somebody is erased, and exported, from the command line."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.service.commands.program import Program
from tests.service.commands.test_judging import profile, seen

USER = "user_id:wonjun-kim"


@pytest.fixture
def known(program: Program) -> Program:
    """Give the program over a store in which one person has a phone and a tablet."""
    program.run("import", str(program.write("events.ndjson", rows())))
    return program


def rows() -> list[dict[str, Any]]:
    """Give what is imported."""
    return [*(seen(number, "phone-19f") for number in range(3)), seen(3, "tablet-7c1")]


def test_somebody_is_erased_for_good(known: Program) -> None:
    """Tried out first; then gone, still so after a rebuild and after the same import; the store is whole."""
    tried = known.run("profile", "erase", USER, "--dry-run").stdout
    assert tried == "This would be erased: 1 profiles, 3 identifiers, 4 events.\n"
    assert profile(known, USER)
    told = known.run("profile", "erase", USER, "--yes").stdout
    assert "1 profiles, 3 identifiers, 4 events erased at" in told
    assert "backups made before it" in told
    gone = known.refused("profile", "show", "--namespace", "user_id", "--value", "wonjun-kim", expect=1)
    assert "no such profile" in gone
    known.run("rebuild")
    assert "4 dropped (erased)" in known.run("import", str(known.write("events.ndjson", rows()))).stdout
    assert known.json("verify")["whole"] is True
    assert b"wonjun-kim" not in (known.folder / "homing.db").read_bytes()


@pytest.mark.parametrize("naming", [("--id",), ("--namespace", "user_id", "--value", "wonjun-kim")])
def test_a_profile_is_named_like_elsewhere(known: Program, naming: tuple[str, ...]) -> None:
    """By its id, or by one identifier of two options; JSON tells the erasure."""
    given = (*naming, profile(known, USER)) if naming == ("--id",) else naming
    told = known.json("profile", "erase", *given)
    assert (told["state"], told["covered"]["events"]) == ("done", 4)


def test_whom_to_erase_is_named_once(known: Program) -> None:
    """Not at all, or in two ways, is a wrong use; a device never seen is nobody."""
    assert "Name one profile" in known.run("profile", "erase", expect=2).stderr
    assert "in one way" in known.run("profile", "erase", USER, "--id", "x", expect=2).stderr
    assert "names a person" in known.run("profile", "erase", "device_id:never-seen", "--yes", expect=1).stderr


def test_a_purge_killed_is_told_and_finished(known: Program) -> None:
    """`homing verify` names the erasure that is unfinished; whoever purges next finishes it."""
    command = [sys.executable, "-c", "from service.cli import cli; cli()", "profile", "erase", USER, "--yes"]
    environment = {**os.environ, "HOMING_FAULT_AT": "mid_purge", "PYTHONPATH": str(Path(__file__).parents[3])}
    killed = subprocess.run(command, check=False, env=environment, cwd=known.folder)  # noqa: S603 - our own command
    assert killed.returncode == -signal.SIGKILL
    assert b"wonjun-kim" in (known.folder / "homing.db-wal").read_bytes()
    found = known.json("verify")
    (name,) = found["unfinished"]
    assert (found["whole"], found["unfinished"][name]) == (True, 4)
    assert f"erasure {name} is unfinished: 4 rows to destroy" in known.run("verify").stdout
    assert known.json("profile", "erase", USER)["erasure_id"] == name
    assert known.json("verify")["unfinished"] == {}
    assert not any(b"wonjun-kim" in path.read_bytes() for path in known.folder.glob("homing.db*"))


def test_an_export_is_written_whole(known: Program) -> None:
    """To a file that only its owner reads, or to stdout."""
    out = known.folder / "wonjun.json"
    known.run("profile", "export", "--namespace", "user_id", "--value", "wonjun-kim", "--out", str(out))
    found = orjson.loads(out.read_bytes())
    assert [event["message_id"] for event in found["events"]] == ["m0", "m1", "m2", "m3"]
    assert found["events"][0]["content"]["userId"] == "wonjun-kim"
    assert out.stat().st_mode & 0o777 == 0o600
    printed = orjson.loads(known.run("profile", "export", "--id", profile(known, USER)).stdout)
    assert printed["profile_ids"] == found["profile_ids"]
