"""A store is copied table by table, whichever kinds of database the two are; it is read as of one moment."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import Row, Table, func, insert, select, tuple_
from sqlalchemy.engine import Connection

from service.store import faults, meta
from service.store.chain import head
from service.store.schema import blocks, decision_log, facts, metadata, purges

PAGE = 1_000
LOGS = (facts, decision_log, blocks, purges)
"""The truth, and what of it counts no more."""
EVERYTHING = tuple(metadata.sorted_tables)


def copy(
    source: Connection,
    target: Connection,
    tables: Sequence[Table] = EVERYTHING,
    progress: Callable[[int], None] = lambda _: None,
) -> int:
    """Copy the rows of some tables into empty ones; give their number. `progress` hears of each page's rows."""
    copied = 0
    for table in tables:
        for page in pages(source, table):
            target.execute(insert(table), [dict(row._mapping) for row in page])
            copied += len(page)
            progress(len(page))
            faults.reach("mid_backup")
    # Folds to come stay behind: their tables are no part of a store.
    meta.drop(target, meta.NEXT_RULES)
    if target.dialect.name == "postgresql":
        _continue_numbering(target)
    return copied


def pages(conn: Connection, table: Table) -> Iterator[list[Row[Any]]]:
    """Give a table's rows in the order of its primary key, a page at a time."""
    key = tuple(table.primary_key)
    query = select(table).order_by(*key).limit(PAGE)
    found = conn.execute(query).all()
    while found:
        yield list(found)
        last = [found[-1]._mapping[column.name] for column in key]
        beyond = key[0] > last[0] if len(key) == 1 else tuple_(*key) > tuple_(*last)
        found = conn.execute(query.where(beyond)).all()


def count(conn: Connection, tables: Sequence[Table] = EVERYTHING) -> int:
    """Count the rows of some tables."""
    return sum(conn.execute(select(func.count()).select_from(table)).scalar_one() for table in tables)


def is_empty(conn: Connection) -> bool:
    """Tell whether nothing was ever put into a store."""
    return head(conn).block == 0 and meta.get(conn, meta.SECRET_FINGERPRINT) is None


def _continue_numbering(conn: Connection) -> None:
    """Let the sequences go on behind what was copied."""
    for log in ("facts", "decision_log"):
        conn.exec_driver_sql(
            f"SELECT setval('{log}_seq_seq', greatest((SELECT coalesce(max(seq), 0) FROM {log}), 1))"  # noqa: S608 - two names of ours
        )
