"""PostgreSQL, the store that several replicas share: each transaction locks what it touches (`locks`), READ COMMITTED.

What was committed is on the disk: a server that answers before that (`synchronous_commit = off`) is overruled.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.pool import NullPool

from service.errors import SettingsError, StoreBusy, StoreError
from service.store.backend import READS
from service.store.location import ALLOWED
from service.store.statements import Statement

CONNECT_SECONDS = 5
LOCK_TIMEOUT_MS = 5_000
"""How long a transaction waits for another process to finish its own."""
MIGRATION = -10
"""The advisory lock that migrations take turns by."""

_PASSING = {"40001", "40P01", "23505"}
"""A serialization failure, a deadlock, and a key that somebody else has just put in: run again, it is there."""
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
                connect_args={"connect_timeout": CONNECT_SECONDS, "application_name": "homing"},
            )
        except ModuleNotFoundError as error:
            raise SettingsError(_NO_DRIVER) from error
        event.listen(engine, "connect", _set_up)
        event.listen(engine, "begin", _begin)
        event.listen(engine, "before_cursor_execute", _count)
        object.__setattr__(self, "engine", engine)
        object.__setattr__(self, "name", f"postgresql://{address.host or ''}/{address.database}")

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
        if not isinstance(error, DBAPIError):
            return error
        state = _state(error)
        if self.lost(error):
            return StoreError("store_gone", f"{self.name}: the server cannot be reached; start it, or look at --db")
        if state in {"55P03", *_PASSING}:
            return StoreBusy(f"{self.name}: another process holds the store; try again")
        for known, code, what in _BY_STATE:
            if state.startswith(known):
                return StoreError(code, f"{self.name}: {what}")
        return error

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


_BY_STATE = (
    ("53100", "store_full", "the server's disk is full; make room, nothing was lost that was acknowledged"),
    ("53", "store_busy", "the server has no room for more work; raise its limits, or try again"),
    ("28", "store_refused", "the server refuses this user or password; look at --db"),
    ("3D", "store_unopened", "there is no such database; make it with createdb"),
    ("42501", "store_readonly", "this user may not do that; grant it the database"),
    ("25006", "store_readonly", "the server only reads; give the address of one that writes"),
    ("XX", "store_corrupt", "the server says its data is damaged; go back to a backup"),
    ("58", "store_io", "the server cannot read or write its disk; look at its machine"),
)


def _address(url: str) -> URL:
    try:
        address = make_url(url)
    except ArgumentError as error:
        raise SettingsError.at("db", "postgresql://…", ALLOWED, "its address") from error
    return address.set(drivername="postgresql+psycopg")


def _state(error: DBAPIError) -> str:
    return getattr(error.orig, "sqlstate", None) or ""


def _set_up(connection: object, _record: object) -> None:
    with connection.cursor() as cursor:  # type: ignore[attr-defined]  # the driver's
        cursor.execute("SET synchronous_commit = on")
        cursor.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS}")
        cursor.execute("SET TIME ZONE 'UTC'")
    connection.commit()  # type: ignore[attr-defined]  # the driver's


def _begin(conn: Connection) -> None:
    if dict(conn.get_execution_options()).get(READS):
        conn.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")


def _count(conn: Connection, _cursor: object, statement: str, *_more: object) -> None:
    if not statement.lstrip().startswith(("SELECT", "WITH")):
        conn.info[_CHANGES] = conn.info.get(_CHANGES, 0) + 1
