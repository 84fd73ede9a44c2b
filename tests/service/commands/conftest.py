"""Commands run in this process, in an empty folder, on an empty store, without settings from outside."""

import os
from pathlib import Path

import pytest

from tests.service.commands.program import Program
from tests.service.harness import SECRET, empty_store


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Give `homing`, to be run in a folder of its own."""
    for name in [name for name in os.environ if name.startswith("HOMING_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOMING_SECRET", SECRET)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "homing.db").write_bytes(empty_store())
    return Program(tmp_path)
