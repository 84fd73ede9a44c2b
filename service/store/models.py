"""The learner's snapshots, a fold of the decision log: the newest one is the model that decides."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.engine import Connection

from service.store.statements import Statement
from service.store.times import from_micros, to_micros


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What one run of the learner made of the log up to `position`; `run` counts from 1."""

    run: int
    position: int
    at: datetime
    body: bytes = field(repr=False)


KEPT = 2
"""So many snapshots stay; older ones are reproduced from the log."""

_INSERT = Statement("INSERT INTO models (run, position, at, body) VALUES (?, ?, ?, ?)")
_DELETE = Statement("DELETE FROM models WHERE run <= ?")
_KEPT = Statement("SELECT run, position, at, body FROM models ORDER BY run DESC")


def save(conn: Connection, snapshot: Snapshot) -> None:
    """Put a snapshot in and let go of all but the newest."""
    _INSERT(conn, snapshot.run, snapshot.position, to_micros(snapshot.at), snapshot.body)
    _DELETE(conn, snapshot.run - KEPT)


def newest(conn: Connection) -> Snapshot | None:
    """Give the newest snapshot, None before the first run."""
    return next(iter(kept(conn)), None)


def kept(conn: Connection) -> list[Snapshot]:
    """Give the snapshots that are kept, the newest first."""
    return [Snapshot(run=row.run, position=row.position, at=from_micros(row.at), body=row.body) for row in _KEPT(conn)]
