"""SQLite, the embedded default: WAL, synchronous=FULL (what is acknowledged survives power cuts), one writer at a time.

Every transaction begins IMMEDIATE, so that none fails half-way for want of the write lock.
"""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from service.errors import StoreBusy, StoreError
from service.store.backend import READS

BUSY_TIMEOUT_MS = 5_000
"""How long a transaction waits for another process to finish its own."""

LOOK_SECONDS = 1.0
"""How often it is looked whether the store's file is still there."""

CACHE_KIB = 8 * 1024
"""Kept at hand between transactions: a commit may look through all of it, and what is not there the system has."""
SPILL_PAGES = 16_000
"""Pages that one transaction changes (64 MB) before any is written ahead of its commit, and perhaps once more."""
CHECKPOINT_PAGES = 8_000
"""Pages written ahead before they go into the file itself (32 MB): one that is changed often goes there once."""

_Explain = Callable[[str], StoreError]


def _busy(name: str) -> StoreError:
    return StoreBusy(f"{name}: another process holds the store; try again, or end the other process")


def _failure(code: str, what: str) -> _Explain:
    return lambda name: StoreError(code, f"{name}: {what}")


_BY_NAME: dict[str, _Explain] = {
    "SQLITE_BUSY": _busy,
    "SQLITE_LOCKED": _busy,
    "SQLITE_READONLY": _failure("store_readonly", "the store cannot be written; make it and its folder writable"),
    "SQLITE_PERM": _failure("store_readonly", "the store may not be used; look at the rights of it and its folder"),
    "SQLITE_FULL": _failure("store_full", "the disk is full; make room, nothing was lost that was acknowledged"),
    "SQLITE_CANTOPEN": _failure("store_unopened", "the store cannot be opened; its folder must exist and be writable"),
    "SQLITE_CORRUPT": _failure("store_corrupt", "the store is damaged; run `homing verify`, go back to a backup"),
    "SQLITE_NOTADB": _failure("store_corrupt", "that file is no SQLite database; give another with --db"),
    "SQLITE_IOERR": _failure("store_io", "reading or writing the disk failed; look at the machine's disk"),
}


@dataclass(frozen=True, slots=True)
class Sqlite:
    """A SQLite file."""

    path: Path
    engine: Engine = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # NullPool: connections are few and long-lived, and each belongs to its thread.
        # hide_parameters: what goes into a statement is personal data and must not reach a traceback.
        engine = create_engine("sqlite://", creator=lambda: _open(self.path), poolclass=NullPool, hide_parameters=True)
        event.listen(engine, "begin", _begin)
        object.__setattr__(self, "engine", engine)

    @property
    def name(self) -> str:
        """Give the file's name."""
        return str(self.path)

    def prepare(self) -> None:
        """Set the write-ahead log; the file remembers it."""
        try:
            _set_wal(self.path)
        except sqlite3.Error as error:
            raise self.explain(error) from error

    def open(self) -> sqlite3.Connection:
        """Open a connection past SQLAlchemy; StoreError where that fails."""
        try:
            return _open(self.path)
        except sqlite3.Error as error:
            raise self.explain(error) from error

    def alone(self, conn: Connection) -> None:
        """Do nothing: the transaction is the only one that writes."""

    def guard(self) -> Callable[[], None]:
        """Give a check that the file is still where it was opened."""
        opened, looked = _file(self.path), -inf

        def check() -> None:
            nonlocal looked
            now = time.monotonic()
            if now - looked > LOOK_SECONDS:
                if _file(self.path) != opened:
                    looked = -inf
                    raise StoreError("store_gone", f"{self.path}: the store was moved or deleted while in use")
                looked = now

        return check

    def scrub(self) -> bool:
        """Bring what was written ahead into the file and cut that log to nothing; False where somebody still reads it.

        The file itself holds nothing that was deleted: `secure_delete` writes over it.
        """
        try:
            with closing(_open(self.path)) as connection:
                busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.OperationalError:
            return False
        return not busy

    def explain(self, error: Exception) -> Exception:
        """Read SQLite's error codes."""
        original = error.orig if isinstance(error, DBAPIError) else error
        if not isinstance(original, sqlite3.Error):
            return error
        # Extended codes (SQLITE_BUSY_SNAPSHOT, SQLITE_IOERR_WRITE …) begin with the primary one's name.
        name = "_".join(getattr(original, "sqlite_errorname", "").split("_")[:2])
        known = _BY_NAME.get(name)
        return error if known is None else known(self.name)

    def passing(self, error: Exception) -> bool:  # noqa: ARG002 - the backend's signature
        """Nothing passes: whoever has the write lock has waited for it."""
        return False

    def lost(self, error: Exception) -> bool:  # noqa: ARG002 - the backend's signature
        """No connection to a file breaks."""
        return False

    def changes(self, conn: Connection) -> int:
        """Give the driver's own counter."""
        driver = conn.connection.driver_connection
        changes: int = driver.total_changes  # type: ignore[union-attr]  # sqlite3's
        return changes


def _file(path: Path) -> tuple[int, int] | None:
    """Give what tells a file from another one of its name; None if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _open(path: Path) -> sqlite3.Connection:
    # isolation_level None: the driver begins nothing by itself; `_begin` does.
    # check_same_thread: a connection may be opened in one thread and handed to another, which then owns it.
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        # What is deleted is written over: an erasure must leave nothing in the file's free pages.
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        connection.execute(f"PRAGMA cache_spill = {SPILL_PAGES}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    except BaseException:
        connection.close()
        raise
    return connection


def _set_wal(path: Path) -> None:
    # Switching does not wait for the lock by itself, and two processes may make one store at the same moment.
    connection = _open(path)
    deadline = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    with closing(connection):
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorname != "SQLITE_BUSY" or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
            else:
                return


def copy_file(source: Path, target: Path) -> None:
    """Copy one moment of a database, what only its write-ahead log holds included; sqlite3.Error where that fails."""
    address = f"file:{quote(str(source.absolute()))}?mode=ro"
    with (
        closing(sqlite3.connect(address, uri=True, timeout=BUSY_TIMEOUT_MS / 1000)) as kept,
        closing(sqlite3.connect(target)) as made,
    ):
        kept.backup(made)


def as_one_file(path: Path) -> None:
    """Leave a closed store's file without its write-ahead log, so that it can be carried away alone."""
    with closing(_open(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")


def _begin(conn: Connection) -> None:
    options: dict[str, Any] = dict(conn.get_execution_options())
    text = "BEGIN" if options.get(READS) else "BEGIN IMMEDIATE"
    driver: sqlite3.Connection = conn.connection.driver_connection  # type: ignore[assignment]  # sqlite3's
    try:
        # Past SQLAlchemy, as every hot statement (see `statements`).
        driver.execute(text)
    except sqlite3.Error as error:
        raise DBAPIError.instance(text, None, error, sqlite3.Error, hide_parameters=True) from error
