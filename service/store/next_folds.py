"""The folds to come: who is who under other rules, made beside the folds in force and put in their place at once.

They are tables of their own, named as those in force with `next_` before it. What is done within `folding_next` is done
to them; everything else, at any time, sees the folds in force alone.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import MetaData, Table
from sqlalchemy.engine import Connection
from sqlalchemy.sql import quoted_name

from service.store.schema import issued, nodes, sightings
from service.store.statements import Found, Statement

PREFIX = "next_"
IDENTITY = (nodes, sightings, issued)
"""The folds that depend on the linking rules."""

_FOLDING = "homing.folding_next"
_NAMES = re.compile(r"\b(nodes|sightings|issued)\b")


class FoldStatement(Statement):
    """A statement on the folds of who is who: those in force, or within `folding_next` those to come."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._to_come = Statement(_NAMES.sub(rf"{PREFIX}\1", text))

    def __call__(self, conn: Connection, *parameters: object) -> Found:
        """Send it once."""
        return self._to_come(conn, *parameters) if is_folding(conn) else super().__call__(conn, *parameters)

    def many(self, conn: Connection, rows: Sequence[tuple[object, ...]]) -> int:
        """Send it for each row, nothing for none; give the number of rows that it changed."""
        return self._to_come.many(conn, rows) if is_folding(conn) else super().many(conn, rows)


@contextmanager
def folding_next(conn: Connection) -> Iterator[None]:
    """Work on the folds to come for the length of the block."""
    conn.info[_FOLDING] = True
    try:
        yield
    finally:
        conn.info[_FOLDING] = False


def is_folding(conn: Connection) -> bool:
    """Tell whether it is the folds to come that this connection works on."""
    return bool(conn.info.get(_FOLDING))


def make(conn: Connection, number: int) -> None:
    """Make the tables, empty; `number` is another one than at any time before: it goes into the names of indexes."""
    drop(conn)
    for table in _copies(number):
        table.create(conn)


def drop(conn: Connection) -> None:
    """Let go of the folds to come, if there are any."""
    for table in IDENTITY:
        conn.exec_driver_sql(f"DROP TABLE IF EXISTS {PREFIX}{table.name}")


def put_in_force(conn: Connection) -> None:
    """Let the folds to come take the place of those in force, which are no more. Costs no copying of rows."""
    for table in IDENTITY:
        conn.exec_driver_sql(f"DROP TABLE {table.name}")
        conn.exec_driver_sql(f"ALTER TABLE {PREFIX}{table.name} RENAME TO {table.name}")


def _copies(number: int) -> list[Table]:
    """Give the tables under their other names; indexes keep theirs when a table is renamed, so each has its own."""
    into, made = MetaData(), []
    for table in IDENTITY:
        copy = table.to_metadata(into, name=f"{PREFIX}{table.name}")
        for index in copy.indexes:
            index.name = quoted_name(f"{index.name}_{number}", quote=None)
        for constraint in copy.constraints:
            named = f"{table.name}_pkey" if constraint is copy.primary_key else constraint.name
            if named is not None:
                constraint.name = f"{named}_{number}"
        for column in copy.primary_key:
            column.autoincrement = False
        made.append(copy)
    return made
