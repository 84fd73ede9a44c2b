"""Writers that are observed, jobs for them, and what holds them up."""

import threading
from collections.abc import Callable
from concurrent.futures import Future

from sqlalchemy import insert, select
from sqlalchemy.engine import Connection

from service.store import chain, decisions, meta
from service.store.database import Database
from service.store.decisions import Entry, EntryKind
from service.store.schema import meta as table
from service.store.watch import News, Watch
from service.store.writer import MAX_WAITING, Writer
from tests.service.harness import NOON


class Seen:
    """Counts resets and remembers how many jobs each commit held."""

    def __init__(self) -> None:
        self.resets = 0
        self.groups: list[int] = []
        self.components: set[int] = set()

    def told(self, news: News) -> None:
        """Be told what is to be read again."""
        self.resets += news.everything
        self.components |= news.components

    def committed(self, jobs: int, _seconds: float) -> None:
        """Be told of a commit."""
        self.groups.append(jobs)


def watching(database: Database, seen: Seen, max_waiting: int = MAX_WAITING) -> Writer:
    """Make a writer that is observed."""
    watch = Watch()
    watch.listen(seen.told)
    return Writer(database, watch, on_commit=seen.committed, max_waiting=max_waiting)


def put(name: str, value: str = "v") -> Callable[[Connection], str]:
    """Make a job that writes one row and gives its name."""

    def job(conn: Connection) -> str:
        meta.put(conn, name, value)
        return name

    return job


def refused_by_the_database(conn: Connection) -> None:
    """Be a job that fails in the database itself: a value must not be null."""
    conn.execute(insert(table).values(name="half", value=None))


def append(name: str, component: int) -> Callable[[Connection], None]:
    """Make a job that appends to the decision log, as if that had changed a component."""

    def job(conn: Connection) -> None:
        entry = Entry(kind=EntryKind.OUTCOME, decision_id=None, key=name, at=NOON, received_at=NOON, body=b"{}")
        assert decisions.append(conn, entry) is not None
        chain.touch(conn, {component})

    return job


def names(database: Database) -> set[str]:
    """Give the rows that another connection sees, which are the committed ones."""
    with database.transaction(reads=True) as conn:
        return set(conn.execute(select(table.c.name)).scalars())


class Gate:
    """Holds the writer's thread until it is opened, so that jobs pile up behind it."""

    def __init__(self, writer: Writer) -> None:
        self._open = threading.Event()
        self._reached = threading.Event()
        self.future: Future[bool] = writer.submit(self._hold)
        assert self._reached.wait(10)

    def _hold(self, _conn: Connection) -> bool:
        self._reached.set()
        return self._open.wait(10)

    def open(self) -> None:
        """Let the writer go on."""
        self._open.set()
