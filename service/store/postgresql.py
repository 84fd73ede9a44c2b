"""PostgreSQL, the store that several replicas share: each transaction locks what it touches (`locks`), READ COMMITTED.

What the server, the database or the role set for everybody is overruled where Homing stands on it: a server that
answers before the disk has it (`synchronous_commit = off`), snapshots older than the locks, an end to long statements,
texts in another encoding.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import orjson
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.pool import NullPool

from service.errors import SettingsError, StoreBusy, StoreError
from service.store.backend import READS
from service.store.location import ALLOWED
from service.store.statements import Statement

CONNECT_SECONDS = 5
LOCK_TIMEOUT_MS = 5_000
"""How long a transaction waits for another process to finish its own."""
GONE_MS = 15_000
"""A server's machine that acknowledges nothing for so long is gone."""
ENCODING = "UTF8"
"""What holds every name there is."""
MIGRATION = -10
"""The advisory lock that migrations take turns by."""

_PASSING = {"40001", "40P01", "23505"}
"""A serialization failure, a deadlock, and a key that somebody else has just put in: run again, it is there."""
_SETTINGS = {
    "synchronous_commit": "on",
    "default_transaction_isolation": "read committed",
    "lock_timeout": str(LOCK_TIMEOUT_MS),
    "statement_timeout": "0",
    "transaction_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    "TimeZone": "UTC",
}
"""What each session is set to, as far as the server knows it: `rebuild` and `verify` are one transaction of hours."""
_SET = "SELECT count(set_config(name, %s::json ->> name, false)) FROM pg_settings WHERE name = ANY (%s)"
_CHANGES = "homing.changes"
_ALONE = Statement("SELECT pg_advisory_xact_lock(?)")
_NO_DRIVER = "PostgreSQL needs its driver; install Homing with it: pip install 'homing[postgres]'"


@dataclass(frozen=True, slots=True)
class Postgresql:
    """A database of a PostgreSQL server."""

    url: str = field(repr=False)
    engine: Engine = field(init=False, repr=False)
    name: str = field(init=False)

    def __post_init__(self) -> None:
        address = _address(self.url)
        try:
            # Several replicas may run behind a pooler; one writer's connection each is all that they need.
            engine = create_engine(
                address,
                poolclass=NullPool,
                hide_parameters=True,
                connect_args={**{k: v for k, v in _KEEPING.items() if k not in address.query}, **_CONNECTING},
            )
        except ModuleNotFoundError as error:
            raise SettingsError(_NO_DRIVER) from error
        name = f"postgresql://{address.host or ''}/{address.database or ''}"
        event.listen(engine, "connect", partial(_set_up, name))
        event.listen(engine, "begin", _begin)
        event.listen(engine, "before_cursor_execute", _count)
        object.__setattr__(self, "engine", engine)
        object.__setattr__(self, "name", name)

    def prepare(self) -> None:
        """Do nothing: the server's administrator has set it up."""

    def alone(self, conn: Connection) -> None:
        """Wait until no other process migrates."""
        _ALONE(conn, MIGRATION)

    def guard(self) -> Callable[[], None]:
        """Give a check that always passes: a server that is gone says so itself."""
        return lambda: None

    def scrub(self) -> bool:
        """Do nothing: what was there stays in the server's own files until VACUUM FULL, and in its WAL."""
        return True

    def explain(self, error: Exception) -> Exception:
        """Read SQLSTATE, by class."""
        if not isinstance(error, DBAPIError) or isinstance(error.orig, sqlite3.Error):
            # Of a copy from or into a file the other side may have failed.
            return error
        state = _state(error)
        if state in {"55P03", *_PASSING}:
            return StoreBusy(f"{self.name}: another process holds the store; try again")
        said = [row for row in _BY_STATE if state.startswith(row[0])]
        if not state and isinstance(error, OperationalError | InterfaceError | ProgrammingError):
            said = [row for row in _BY_WORDS if row[0] in str(error.orig)]
        if not said and self.lost(error):
            said = [("", "store_gone", "the server cannot be reached; start it, or look at --db")]
        return StoreError(said[0][1], f"{self.name}: {said[0][2]}") if said else error

    def passing(self, error: Exception) -> bool:
        """Tell whether somebody else's transaction was in the way."""
        return isinstance(error, DBAPIError) and _state(error) in _PASSING

    def lost(self, error: Exception) -> bool:
        """Tell whether the server went, or told us to go, or was never there."""
        if not isinstance(error, DBAPIError):
            return False
        state = _state(error)
        # Without a state the driver itself speaks: of the connection, or (DataError) of a value that it will not send.
        unreached = state == "" and isinstance(error, (OperationalError, InterfaceError))
        return error.connection_invalidated or state.startswith(("08", "57P")) or unreached

    def changes(self, conn: Connection) -> int:
        """Give the number of statements so far that were no mere reading."""
        changes: int = conn.info.get(_CHANGES, 0)
        return changes


_REFUSED = "the server refuses this user or password; look at --db"
_NO_DATABASE = "there is no such database; make it with createdb"
_NO_ROOM = "the server has no room for more work; raise its limits, or try again"
_NOT_READ = "the address says what PostgreSQL's driver does not know; look at what follows ? in --db"

_BY_STATE = (
    ("53100", "store_full", "the server's disk is full; make room, nothing was lost that was acknowledged"),
    ("53", "store_busy", _NO_ROOM),
    ("28", "store_refused", _REFUSED),
    ("3D", "store_unopened", _NO_DATABASE),
    ("3F", "store_unopened", "there is no schema to keep tables in; look at this user's search_path and its rights"),
    ("57014", "store_slow", "the server ended a statement before it was done; look for its statement_timeout"),
    ("42501", "store_readonly", "this user may not do that; grant it the database"),
    ("25006", "store_readonly", "the server only reads; give the address of one that writes"),
    ("XX", "store_corrupt", "the server says its data is damaged; go back to a backup"),
    ("58", "store_io", "the server cannot read or write its disk; look at its machine"),
)
_BY_WORDS = (
    # Of a connection that never came to be the driver gives no state.
    ("connection slots", "store_busy", _NO_ROOM),
    ("too many clients", "store_busy", _NO_ROOM),
    ("too many connections", "store_busy", _NO_ROOM),
    ("authentication failed", "store_refused", _REFUSED),
    ("no password supplied", "store_refused", _REFUSED),
    ("pg_hba.conf", "store_refused", _REFUSED),
    ("role ", "store_refused", _REFUSED),
    ("FATAL:  database ", "store_unopened", _NO_DATABASE),
    ("invalid connection option", "store_address", _NOT_READ),
    ("invalid sslmode value", "store_address", _NOT_READ),
    ("invalid integer value", "store_address", _NOT_READ),
)
_KEEPING = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3, "tcp_user_timeout": GONE_MS}
_CONNECTING = {"connect_timeout": CONNECT_SECONDS, "application_name": "homing", "client_encoding": "UTF8"}


def _address(url: str) -> URL:
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        raise _unreadable("its port is a number") from None
    if "@" in (address.host or ""):
        raise _unreadable("an @ within its password is written %40")
    return address.set(drivername="postgresql+psycopg")


def _unreadable(why: str) -> SettingsError:
    # The error it comes from repeats a part of the address, which may be one of the password.
    return SettingsError.at(
        "db", "postgresql://…", f"{ALLOWED}; {why}, and / : ? # % [ ] in it %2F and so on", "its address"
    )


def _state(error: DBAPIError) -> str:
    return getattr(error.orig, "sqlstate", None) or ""


def _set_up(name: str, connection: Any, _record: object) -> None:
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != ENCODING:
        connection.close()
        raise StoreError(
            "store_encoding",
            f"{name}: the database keeps texts as {encoding}, which does not hold every name; "
            "make one with createdb --template template0 --encoding UTF8",
        )
    with connection.cursor() as cursor:
        cursor.execute(_SET, (orjson.dumps(_SETTINGS).decode(), list(_SETTINGS)))
    connection.commit()


def _begin(conn: Connection) -> None:
    if dict(conn.get_execution_options()).get(READS):
        conn.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")


def _count(conn: Connection, _cursor: object, statement: str, *_more: object) -> None:
    if not statement.lstrip().startswith(("SELECT", "WITH")):
        conn.info[_CHANGES] = conn.info.get(_CHANGES, 0) + 1
