"""What a kind of database must be able to do, so that nothing above need know which one it is."""

from collections.abc import Callable
from typing import Protocol

from sqlalchemy import Engine
from sqlalchemy.engine import Connection

READS = "homing_reads"
"""The execution option of a transaction that only reads: it keeps nobody waiting."""


class Backend(Protocol):
    """A kind of database, at one address."""

    @property
    def name(self) -> str:
        """What messages call the store: its file, or host and database; never a password."""
        ...

    @property
    def engine(self) -> Engine:
        """What makes connections."""
        ...

    def prepare(self) -> None:
        """Make ready for a schema to be brought up: settings of the database that outlive a connection."""
        ...

    def alone(self, conn: Connection) -> None:
        """Keep every other migration out until the end of the transaction."""
        ...

    def guard(self) -> Callable[[], None]:
        """Give a check that raises StoreError once what is written would not be found again."""
        ...

    def scrub(self) -> bool:
        """Take what was destroyed out of the store's files, as far as that is ours; False: try again later."""
        ...

    def explain(self, error: Exception) -> Exception:
        """Give the StoreError that a driver's error stands for; the error itself if it is no fault of the store's."""
        ...

    def passing(self, error: Exception) -> bool:
        """Tell whether the same transaction may succeed when it is run again at once."""
        ...

    def lost(self, error: Exception) -> bool:
        """Tell whether the connection broke, so that nobody knows whether the transaction was committed."""
        ...

    def changes(self, conn: Connection) -> int:
        """Give a number that is another one after each change made through this connection."""
        ...
