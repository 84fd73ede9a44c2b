"""What the database driver says in its own words becomes one plain sentence with what to do."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from service.errors import StoreBusy, StoreError

_Explain = Callable[[Path], StoreError]


def _busy(path: Path) -> StoreError:
    return StoreBusy(f"{path}: another process holds the store; try again, or end the other process")


def _failure(code: str, what: str) -> _Explain:
    return lambda path: StoreError(code, f"{path}: {what}")


_BY_NAME: dict[str, _Explain] = {
    "SQLITE_BUSY": _busy,
    "SQLITE_LOCKED": _busy,
    "SQLITE_READONLY": _failure("store_readonly", "the store cannot be written; make it and its folder writable"),
    "SQLITE_PERM": _failure("store_readonly", "the store may not be used; look at the rights of it and its folder"),
    "SQLITE_FULL": _failure("store_full", "the disk is full; make room, nothing was lost that was acknowledged"),
    "SQLITE_CANTOPEN": _failure("store_unopened", "the store cannot be opened; its folder must exist and be writable"),
    "SQLITE_CORRUPT": _failure("store_corrupt", "the store is damaged; run `homing doctor`, go back to a backup"),
    "SQLITE_NOTADB": _failure("store_corrupt", "that file is no SQLite database; give another with --db"),
    "SQLITE_IOERR": _failure("store_io", "reading or writing the disk failed; look at the machine's disk"),
}


def explain(error: Exception, path: Path) -> Exception:
    """Give the `StoreError` that `error` stands for, or `error` itself if it is no fault of the store's."""
    original = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(original, sqlite3.Error):
        return error
    # Extended codes (SQLITE_BUSY_SNAPSHOT, SQLITE_IOERR_WRITE …) begin with the primary one's name.
    name = "_".join(getattr(original, "sqlite_errorname", "").split("_")[:2])
    known = _BY_NAME.get(name)
    return error if known is None else known(path)
