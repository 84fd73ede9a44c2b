"""A learner's run is itself an entry of the decision log.

It carries what it made of the logs, so that decisions can be recomputed from the log alone and a rebuild gives the same
models to the last bit.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy.engine import Connection

from channel_selector.model.population import Population
from channel_selector.settings import SelectorSettings
from service.store import decisions, models
from service.store.decisions import Entry, EntryKind, LoggedEntry
from service.store.models import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run: `position` is the newest block of the chain that it had read."""

    number: int
    position: int
    settings: dict[str, Any] = field(repr=False)


def newest(conn: Connection) -> Run | None:
    """Give the last run, None before the first."""
    snapshot = models.newest(conn)
    logged = None if snapshot is None else decisions.by_key(conn, _key(snapshot.run))
    if logged is None:
        return None
    body = orjson.loads(logged.entry.body)
    return Run(number=body["run"], position=body["position"], settings=body["settings"])


def log(conn: Connection, population: Population, *, position: int, settings: SelectorSettings, at: datetime) -> None:
    """Append a run and fold it; nothing where another process has just logged one of its number."""
    last = newest(conn)
    number = 1 if last is None else last.number + 1
    body: dict[str, Any] = {
        "run": number,
        "position": position,
        "settings": settings.to_json(),
        "population": population.sealed(),
    }
    entry = Entry(
        kind=EntryKind.RUN,
        decision_id=None,
        key=_key(number),
        at=at,
        received_at=at,
        body=orjson.dumps(body, option=orjson.OPT_SORT_KEYS),
    )
    seq = decisions.append(conn, entry)
    if seq is not None:
        fold(conn, LoggedEntry(seq=seq, entry=entry))


def fold(conn: Connection, logged: LoggedEntry) -> None:
    """Fold a run's entry into the models."""
    body = orjson.loads(logged.entry.body)
    population = orjson.dumps(body["population"], option=orjson.OPT_SORT_KEYS)
    models.save(conn, Snapshot(run=body["run"], position=body["position"], at=logged.entry.at, body=population))


def _key(number: int) -> str:
    return f"run:{number}"
