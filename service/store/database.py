"""A database is opened only if it is Homing's, at exactly this program's schema; an older one is brought up first."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from service.errors import SettingsError
from service.store import chain, locks, migrate
from service.store.backend import READS, Backend
from service.store.location import ALLOWED, sqlite_path
from service.store.postgresql import Postgresql
from service.store.sqlite import Sqlite


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """An open database: `url` as given, `name` for messages, and what makes its connections."""

    url: str = field(repr=False)
    backend: Backend

    @property
    def name(self) -> str:
        """What messages call the store."""
        return self.backend.name

    @property
    def file(self) -> Path | None:
        """The file of a SQLite store, None for a server's."""
        return self.backend.path if isinstance(self.backend, Sqlite) else None

    @property
    def path(self) -> Path:
        """The file of a store that is known to be SQLite's; TypeError for a server's."""
        if self.file is None:
            raise TypeError(f"{self.name} is no file")
        return self.file

    def connect(self) -> Connection:
        """Open a connection; its transactions may write. One thread at a time may use it."""
        try:
            return self.backend.engine.connect()
        except DBAPIError as error:
            raise self.backend.explain(error) from error

    @contextmanager
    def transaction(self, *, reads: bool = False) -> Iterator[Connection]:
        """Open a connection for one transaction; `reads`: it sees one moment of the store and keeps nobody waiting.

        Committed at the end, rolled back on an exception; the driver's own become StoreErrors.
        """
        try:
            with self.connect().execution_options(**{READS: reads}) as conn, conn.begin():
                chain.drop(conn)
                locks.drop(conn)
                yield conn
                chain.seal(conn)
        except DBAPIError as error:
            raise self.backend.explain(error) from error

    def revision(self) -> str | None:
        """Give the schema's revision; None where there is no store, and none is made. SchemaError for another's."""
        if self.file is not None and not self.file.exists():
            return None
        with self.transaction(reads=True) as conn:
            return migrate.current(conn)

    def close(self) -> None:
        """Let go of it."""
        self.backend.engine.dispose()


def database_at(url: str) -> Database:
    """Name the store at `url` without looking at it; SettingsError for a URL that cannot be."""
    try:
        path = sqlite_path(url)
    except ValueError as error:
        raise SettingsError.at("db", url, ALLOWED, "its address") from error
    return Database(url=url, backend=Postgresql(url) if path is None else Sqlite(path))


def open_database(url: str) -> Database:
    """Open the store at `url`, make it if there is none, bring its schema up if it is older.

    Raises SettingsError for a URL that cannot be, SchemaError for a newer schema or another program's database,
    StoreError if it cannot be opened.
    """
    return _opened(database_at(url))


def open_file(path: Path) -> Database:
    """Open the SQLite store at `path`, whatever characters that is made of; else like `open_database`."""
    return _opened(Database(url=f"sqlite:///{path}", backend=Sqlite(path)))


def _opened(database: Database) -> Database:
    with database.transaction(reads=True) as conn:
        # Refused before anything is touched, should it be another program's.
        current = migrate.current(conn)
        migrate.check(current, database.name)
    database.backend.prepare()
    if current != migrate.HEAD:
        with database.transaction() as conn:
            database.backend.alone(conn)
            migrate.upgrade(conn, database.name)
    return database
