"""The log written ahead comes into the file beside commits, and stays bounded."""

import logging
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from service.store.checkpoints import Checkpoints, kept_beside
from service.store.database import Database
from service.store.writer import Writer
from tests.contracts.writing import Seen, put, watching

PAGE = 4_096
NEVER = 3_600.0
PATIENCE_SECONDS = 30.0


@pytest.fixture
def writer(database: Database) -> Iterator[Writer]:
    """Give a writer on an empty store."""
    made = watching(database, Seen())
    yield made
    made.close(10)


def log_of(database: Database) -> Path:
    """Name the file that is written ahead."""
    return Path(f"{database.path}-wal")


def wait_for(come: Callable[[], bool]) -> None:
    """Wait until something has come about; fail after a long time."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not come():
        assert time.monotonic() < until
        time.sleep(0.005)


def test_what_is_committed_comes_into_the_file_beside_commits(database: Database, writer: Writer) -> None:
    """A row is in the file itself while its writer goes on, though no commit had to see to it."""
    with kept_beside(writer, database, every=0.01):
        writer.submit(put("brought", "into the file itself")).result(10)
        wait_for(lambda: b"into the file itself" in database.path.read_bytes())


def test_without_the_thread_it_stays_in_the_log(database: Database, writer: Writer) -> None:
    """The test before this one shows something: a row is not in the file while nobody checkpoints."""
    with kept_beside(writer, database, every=NEVER):
        writer.submit(put("left", "in the log alone")).result(10)
        assert b"in the log alone" not in database.path.read_bytes()


@pytest.mark.parametrize("every", [NEVER, 0.001])
def test_the_log_stays_bounded_under_constant_writing(database: Database, writer: Writer, every: float) -> None:
    """Whether the thread never comes, or is always about: a commit does what is left once there is too much."""
    resort, commits, largest = 50, 600, 0
    with kept_beside(writer, database, every=every, last_resort=resort):
        for number in range(commits):
            writer.submit(put(f"name-{number % 7}", f"{number:0{PAGE}}")).result(10)
            largest = max(largest, log_of(database).stat().st_size)
    assert resort * PAGE / 2 < largest < 8 * resort * PAGE < commits * PAGE


def test_a_clean_stop_leaves_no_log(database: Database) -> None:
    """Once the writer is closed, the file holds everything alone."""
    writer = watching(database, Seen())
    with kept_beside(writer, database):
        writer.submit(put("last", "held by the file alone")).result(10)
    writer.close(10)
    assert not log_of(database).exists()
    assert b"held by the file alone" in database.path.read_bytes()


class Troubled(sqlite3.Connection):
    """A connection whose disk fails a few times."""

    fails = 3
    tried = 0

    def execute(self, *told: Any) -> sqlite3.Cursor:
        """Fail, or do it."""
        self.tried += 1
        if self.tried <= self.fails:
            raise sqlite3.OperationalError("disk I/O error")
        return super().execute(*told)


def test_a_checkpoint_that_fails_is_said_once_and_tried_again(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """The thread goes on after an error, and does not fill the log with it."""
    connection = sqlite3.connect(database.path, factory=Troubled, isolation_level=None, check_same_thread=False)
    with caplog.at_level(logging.WARNING, logger="homing.store"), closing(Checkpoints(connection, 0.001)):
        wait_for(lambda: connection.tried > connection.fails + 1)
    assert [record.getMessage() for record in caplog.records] == [
        "a checkpoint failed (OperationalError); it will be tried again, and the log grows meanwhile"
    ]
