"""A database is opened only if it is Homing's, at exactly this program's schema; an older one is brought up first.

SQLite: WAL, synchronous=FULL (an acknowledged write survives a power cut), foreign keys on, and every transaction
begins IMMEDIATE, so that none fails half-way for want of the write lock.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from service.errors import SettingsError
from service.store import migrate
from service.store.failures import explain
from service.store.location import ALLOWED, sqlite_path

BUSY_TIMEOUT_MS = 5_000
"""How long a transaction waits for another process to finish its own."""

_READS = "homing_reads"


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """An open database: `url` as given, `path` of its file, and the engine that makes connections."""

    url: str
    path: Path
    engine: Engine = field(repr=False)

    def connect(self) -> Connection:
        """Open a connection; its transactions may write. One thread at a time may use it."""
        try:
            return self.engine.connect()
        except DBAPIError as error:
            raise explain(error, self.path) from error

    @contextmanager
    def transaction(self, *, reads: bool = False) -> Iterator[Connection]:
        """Open a connection for one transaction; `reads`: it sees one moment of the store and keeps nobody waiting.

        Committed at the end, rolled back on an exception; the driver's own become StoreErrors.
        """
        try:
            with self.connect().execution_options(**{_READS: reads}) as conn, conn.begin():
                yield conn
        except DBAPIError as error:
            raise explain(error, self.path) from error

    def close(self) -> None:
        """Let go of the file."""
        self.engine.dispose()


def database_at(url: str) -> Database:
    """Name the store at `url` without looking at it; SettingsError for a URL that cannot be."""
    try:
        path = sqlite_path(url)
    except ValueError as error:
        raise SettingsError.at("db", url, ALLOWED, "its address") from error
    return Database(url=url, path=path, engine=_engine(path))


def open_database(url: str) -> Database:
    """Open the store at `url`, make it if there is none, bring its schema up if it is older.

    Raises SettingsError for a URL that cannot be, SchemaError for a newer schema or another program's file,
    StoreError if the file cannot be opened.
    """
    database = database_at(url)
    with database.transaction(reads=True) as conn:
        # Refused before anything is touched, should it be another program's.
        migrate.current(conn)
    try:
        _set_wal(database.path)
    except sqlite3.Error as error:
        raise explain(error, database.path) from error
    with database.transaction() as conn:
        migrate.upgrade(conn, database.path)
    return database


def _engine(path: Path) -> Engine:
    # NullPool: connections are few and long-lived, and each belongs to its thread.
    # hide_parameters: what goes into a statement is personal data and must not reach a traceback.
    engine = create_engine("sqlite://", creator=lambda: _open(path), poolclass=NullPool, hide_parameters=True)
    event.listen(engine, "begin", _begin)
    return engine


def _open(path: Path) -> sqlite3.Connection:
    # isolation_level None: the driver begins nothing by itself; `_begin` does.
    # check_same_thread: a connection may be opened in one thread and handed to another, which then owns it.
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def _set_wal(path: Path) -> None:
    # The file remembers it. Switching does not wait for the lock by itself, and two processes may make one store at
    # the same moment.
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


def _begin(conn: Connection) -> None:
    options: dict[str, Any] = dict(conn.get_execution_options())
    conn.exec_driver_sql("BEGIN" if options.get(_READS) else "BEGIN IMMEDIATE")
