"""A hot statement is written once, with `?`, and said in the words of whichever database it is sent to.

Many values are one parameter: `value IN texts(?)` and `node IN numbers(?)` take what `listed` gives. A statement whose
text never changes is planned once, and costs a tenth of one that is put together for each call.

SQLite's driver is spoken to directly: what SQLAlchemy adds costs four times the statement itself.

What is sent within `folding_next` is about the folds to come instead of those in force (see `next_folds`).
"""

import re
import sqlite3
from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import orjson
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

_SQLITE = {
    "IN texts(?)": "IN (SELECT value FROM json_each(?))",
    "IN numbers(?)": "IN (SELECT value FROM json_each(?))",
}
_POSTGRESQL = {
    # An array, unlike a subquery, is looked up by index whatever the planner knows of the table.
    "IN texts(?)": "= ANY (ARRAY(SELECT json_array_elements_text(?::json)))",
    "IN numbers(?)": "= ANY (ARRAY(SELECT json_array_elements_text(?::json)::bigint))",
    "?": "%s",
}


NEXT = "next_"
"""What the tables of folds to come are called, before the name of those in force."""

_FOLDING = "homing.folding_next"
_FOLDS = re.compile(r"\b(nodes|sightings|issued)\b")
"""The folds that depend on the linking rules."""


class Found(Protocol):
    """What a statement found: the part of SQLAlchemy's result that is used here."""

    @property
    def rowcount(self) -> int:
        """Give the number of rows changed."""
        ...

    def __iter__(self) -> Iterator[Any]:
        """Give the rows, whose columns are attributes."""
        ...

    def all(self) -> Sequence[Any]:
        """Give the rows as a list."""
        ...

    def first(self) -> Any:
        """Give the first row, None if there is none."""
        ...

    def scalar(self) -> Any:
        """Give the first row's first column, None if there is no row."""
        ...

    def scalar_one(self) -> Any:
        """Give the only row's first column."""
        ...

    def scalars(self) -> Iterable[Any]:
        """Give each row's first column."""
        ...


class Statement:
    """One statement; call it with a connection and its parameters in order."""

    def __init__(self, text: str) -> None:
        self._said = _in_words(text)
        self._to_come = _in_words(_FOLDS.sub(rf"{NEXT}\1", text)) if _FOLDS.search(text) else None
        self._row: Callable[[Iterable[Any]], Any] | None = None

    def __call__(self, conn: Connection, *parameters: object) -> Found:
        """Send it once."""
        text = self._text(conn)
        driver = _driver(conn)
        if driver is None:
            return conn.exec_driver_sql(text, parameters)
        try:
            cursor = driver.execute(text, parameters)
            rows = cursor.fetchall()
        except sqlite3.Error as error:
            raise _explained(text, error) from error
        if rows and self._row is None:
            self._row = _row_of(cursor)
        return _Rows(cursor.rowcount, [] if self._row is None else list(map(self._row, rows)))

    def many(self, conn: Connection, rows: Sequence[tuple[object, ...]]) -> int:
        """Send it for each row, nothing for none; give the number of rows that it changed."""
        if not rows:
            return 0
        text = self._text(conn)
        driver = _driver(conn)
        if driver is None:
            changed: int = conn.exec_driver_sql(text, list(rows)).rowcount
            return changed
        try:
            return driver.executemany(text, rows).rowcount
        except sqlite3.Error as error:
            raise _explained(text, error) from error

    def _text(self, conn: Connection) -> str:
        """Say it to this connection."""
        said = self._said if self._to_come is None or not is_folding_next(conn) else self._to_come
        return said[conn.dialect.name]


class _Rows:
    """Rows that have all been read."""

    __slots__ = ("_rows", "rowcount")

    def __init__(self, rowcount: int, rows: Sequence[Any]) -> None:
        self.rowcount = rowcount
        self._rows = rows

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rows)

    def all(self) -> Sequence[Any]:
        return self._rows

    def first(self) -> Any:
        return self._rows[0] if self._rows else None

    def scalar(self) -> Any:
        return self._rows[0][0] if self._rows else None

    def scalar_one(self) -> Any:
        ((value, *_),) = self._rows
        return value

    def scalars(self) -> Iterable[Any]:
        return [row[0] for row in self._rows]


@contextmanager
def folding_next(conn: Connection) -> Iterator[None]:
    """Work on the folds to come for the length of the block."""
    conn.info[_FOLDING] = True
    try:
        yield
    finally:
        conn.info[_FOLDING] = False


def is_folding_next(conn: Connection) -> bool:
    """Tell whether it is the folds to come that this connection works on."""
    return bool(conn.info.get(_FOLDING))


def listed(values: Iterable[str] | Iterable[int]) -> str:
    """Give many values as one parameter; texts are free of NUL (no database could hold it)."""
    return orjson.dumps(list(values)).decode()


def _driver(conn: Connection) -> sqlite3.Connection | None:
    """Give SQLite's own connection within a transaction that was begun; None where SQLAlchemy has something to do."""
    if not conn.in_transaction():
        return None
    driver = conn.connection.driver_connection
    return driver if isinstance(driver, sqlite3.Connection) else None


def _row_of(cursor: sqlite3.Cursor) -> Callable[[Iterable[Any]], Any]:
    """Give what makes a row of an answer's columns."""
    row: Any = namedtuple("Row", [column[0] for column in cursor.description], rename=True)  # type: ignore[misc]  # noqa: PYI024 - columns come
    make: Callable[[Iterable[Any]], Any] = row._make
    return make


def _explained(text: str, error: sqlite3.Error) -> Exception:
    """Give what SQLAlchemy would raise, without the parameters: they are personal data."""
    return DBAPIError.instance(text, None, error, sqlite3.Error, hide_parameters=True)


def _in_words(text: str) -> dict[str, str]:
    return {"sqlite": _say(text, _SQLITE), "postgresql": _say(text, _POSTGRESQL)}


def _say(text: str, words: dict[str, str]) -> str:
    for ours, theirs in words.items():
        text = text.replace(ours, theirs)
    return text
