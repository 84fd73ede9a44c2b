"""A log and nothing else: one SQLite table, a row an event, a durable transaction a group; no index."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path


def open_log(path: Path) -> sqlite3.Connection:
    """Make an empty log that is as durable as the service's."""
    log = sqlite3.connect(path, isolation_level=None)
    log.execute("PRAGMA journal_mode = WAL")
    log.execute("PRAGMA synchronous = FULL")
    log.execute("CREATE TABLE log (seq INTEGER PRIMARY KEY, body BLOB NOT NULL)")
    return log


def append(log: sqlite3.Connection, rows: Sequence[tuple[bytes]]) -> None:
    """Append rows in a transaction of their own."""
    log.execute("BEGIN IMMEDIATE")
    log.executemany("INSERT INTO log (body) VALUES (?)", rows)
    log.execute("COMMIT")
