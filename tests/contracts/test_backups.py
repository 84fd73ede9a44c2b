"""A backup of either kind of store makes a store of either kind, which is the same and goes on."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from service.cli import cli
from service.clock import FixedClock
from service.events.ingest import Receipt, ingest
from service.wiring import Homing
from tests.contracts.test_facts import message
from tests.service.harness import SECRET, deployment


@pytest.fixture(autouse=True)
def _settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give commands the tests' secret, and no settings from where the tests are run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOMING_SECRET", SECRET)


def run(url: str, *arguments: str) -> Any:
    """Run a command over a store, which must succeed; give what it prints."""
    done = CliRunner().invoke(cli, ["--db", url, *arguments, "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def take(homing: Homing, *numbers: int) -> list[Receipt]:
    """Take the messages of those numbers in."""
    batch = [message(number) for number in numbers]
    return homing.writer.submit(lambda conn: ingest(conn, homing.people, batch)).result(30)


def test_a_backup_makes_the_same_store_of_either_kind(
    homing: Homing, empty: str, tmp_path: Path, clock: FixedClock
) -> None:
    """Rows, chain and folds; what it held is known there, and new facts are numbered behind it."""
    take(homing, 1, 2, 3)
    saved = run(homing.database.url, "backup", "kept.db")["rows"]
    assert run(empty, "restore", "kept.db")["rows"] == saved
    whole = run(empty, "verify")
    assert whole == run(homing.database.url, "verify")
    assert (whole["whole"], whole["facts"]) == (True, 3)
    restored = deployment(tmp_path, clock, url=empty)
    assert take(restored, 3, 4) == [Receipt.DUPLICATE, Receipt.ACCEPTED]
    restored.close()
    assert (run(empty, "verify")["whole"], run(empty, "verify")["facts"]) == (True, 4)
