"""A server whose log is synced at checkpoints only, SQLite's synchronous=NORMAL: what the power cut must find out."""

import sqlite3
from functools import partial
from typing import Any

from tests.faults import shim


class Careless(sqlite3.Connection):
    """A connection that is asked for synchronous=FULL and does with NORMAL."""

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        """Run a statement, a little worse than it was meant."""
        return super().execute(sql.replace("synchronous = FULL", "synchronous = NORMAL"), *parameters)


def watch_careless() -> None:
    """Note what this process does to its disk, and have it be careless."""
    sqlite3.connect = partial(sqlite3.connect, factory=Careless)  # type: ignore[assignment]  # the same but for its default
    shim.watch()
