"""Folds of a few facts in memory: a store that is gone when it is closed, and never on a disk."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from sqlalchemy import create_engine, insert
from sqlalchemy.engine import Connection
from sqlalchemy.pool import StaticPool

from service.store import chain, locks
from service.store.facts import Fact
from service.store.schema import facts, issued, metadata, nodes, sightings
from service.store.times import to_micros

_TABLES = (facts, nodes, sightings, issued)


@contextmanager
def scratch(some: Iterable[Fact]) -> Iterator[Connection]:
    """Open a store that holds these facts and no fold, in one transaction that is never kept."""
    engine = create_engine("sqlite://", creator=_open, poolclass=StaticPool, hide_parameters=True)
    try:
        with engine.connect() as conn, conn.begin():
            metadata.create_all(conn, tables=_TABLES)
            chain.drop(conn)
            locks.drop(conn)
            rows = [_row(fact) for fact in some]
            if rows:
                conn.execute(insert(facts), rows)
            yield conn
    finally:
        engine.dispose()


def _open() -> sqlite3.Connection:
    return sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)


def _row(fact: Fact) -> dict[str, object]:
    return {
        "seq": fact.seq,
        "kind": str(fact.kind),
        "source": fact.source,
        "trust": int(fact.trust),
        "message_id": fact.message_id,
        "digest": fact.digest,
        "at": to_micros(fact.at),
        "received_at": to_micros(fact.received_at),
        "type": fact.type,
        "name": fact.name,
        "body": fact.body,
    }
