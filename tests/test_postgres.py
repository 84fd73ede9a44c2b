"""The tests' PostgreSQL: what it keeps, and that nothing of it stays behind."""

import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from tests import postgres
from tests.postgres import PostgresFailed, PostgresServer

_KILLED = """
import os, signal
from tests.postgres import PostgresServer
server = PostgresServer(fsync=False)
server.start()
print(server.folder, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_was_committed_outlives_a_restart(postgres: PostgresServer) -> None:
    """A database that was stopped at once, in the middle of its work, has what was committed and nothing else."""
    url = postgres.url_of(postgres.create())
    with psycopg.connect(url) as conn:
        conn.execute("CREATE TABLE told (word text)")
        conn.execute("INSERT INTO told VALUES ('kept')")
        conn.commit()
        conn.execute("INSERT INTO told VALUES ('lost')")
        postgres.restart("immediate")
        with pytest.raises(psycopg.OperationalError):
            conn.commit()
    with psycopg.connect(url) as conn:
        assert conn.execute("SELECT word FROM told").fetchall() == [("kept",)]


def test_clients_are_no_superusers(postgres: PostgresServer) -> None:
    """Homing needs no right that a hosted PostgreSQL would not give."""
    with psycopg.connect(postgres.url) as conn:
        assert conn.execute("SELECT rolsuper OR rolcreatedb FROM pg_roles WHERE rolname = current_user").fetchone() == (
            False,
        )


def test_nothing_stays_behind_a_killed_process() -> None:
    """Where the tests are killed, their server ends and its folder goes."""
    root = Path(__file__).parents[1]
    told = subprocess.run([sys.executable, "-c", _KILLED], cwd=root, capture_output=True, text=True, check=False)  # noqa: S603 - this file's own program
    folder = Path(told.stdout.strip())
    assert folder.name.startswith("homing-pg-"), told.stderr
    deadline = time.monotonic() + 30
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not folder.exists()


def test_a_missing_wheel_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the wheel the tests fail and say what brings it."""
    monkeypatch.setattr(postgres, "WHEEL", "no_such_wheel")
    with pytest.raises(PostgresFailed, match="install the extra `test`"):
        PostgresServer()
