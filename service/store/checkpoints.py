"""While a SQLite store is served, a thread brings what was written ahead into the file: no commit waits for that.

A checkpoint that goes on beside commits is hardly ever whole, and only after a whole one does the log begin again from
its start. So beyond `LAST_RESORT_PAGES` a commit does what little is left itself: the log stays bounded however busy
the store is.
"""

import logging
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial

from sqlalchemy.engine import Connection

from service.store.database import Database
from service.store.sqlite import Sqlite
from service.store.writer import Writer

log = logging.getLogger("homing.store")

EVERY_SECONDS = 1.0
LAST_RESORT_PAGES = 32_000
"""Pages written ahead (128 MB) at which a commit checkpoints after all."""


@contextmanager
def kept_beside(
    writer: Writer, database: Database, every: float = EVERY_SECONDS, last_resort: int = LAST_RESORT_PAGES
) -> Iterator[None]:
    """Relieve a store's writer of its checkpoints until the end of the block; a server's database sees to its own.

    StoreError if the store cannot be opened. Whoever lets go of the file last, at a clean stop the writer, makes the
    log's rest part of it.
    """
    backend = database.backend
    if not isinstance(backend, Sqlite):
        yield
        return
    with closing(Checkpoints(backend.open(), every)):
        writer.submit(partial(_leave, last_resort)).result()
        yield


class Checkpoints:
    """The thread; it takes the connection over, and checkpoints `every` so many seconds."""

    def __init__(self, connection: sqlite3.Connection, every: float) -> None:
        self._connection = connection
        self._every = every
        self._failed = False
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name="homing-checkpoints", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Finish the one under way, and stop."""
        self._ending.set()
        self._thread.join()

    def _work(self) -> None:
        with closing(self._connection):
            while not self._ending.wait(self._every):
                self._checkpoint()

    def _checkpoint(self) -> None:
        """Bring into the file what was committed until now; what fails is said once, and tried again."""
        try:
            # Passive: it waits for nobody, and nobody waits for it.
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except sqlite3.Error as error:
            if not self._failed:
                name = getattr(error, "sqlite_errorname", type(error).__name__)
                log.warning("a checkpoint failed (%s); it will be tried again, and the log grows meanwhile", name)
            self._failed = True
        else:
            self._failed = False


def _leave(pages: int, conn: Connection) -> None:
    conn.exec_driver_sql(f"PRAGMA wal_autocheckpoint = {pages}")
