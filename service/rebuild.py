"""The folds are thrown away and made again from the logs, in one transaction: nobody ever sees a half of them.

Facts are folded in the order of their acceptance, then the decision log in its own; both as on the day they came.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from service import rules_digest
from service.learner import fold_run
from service.outcomes import fold_outcome
from service.people import People
from service.rulings import fold_decision
from service.store import decisions, facts, nodes
from service.store.decisions import EntryKind, LoggedEntry
from service.store.facts import FactKind
from service.store.schema import nodes as node_table

STEP = 1_000
"""So many facts are folded at a time."""

T = TypeVar("T")

FOLDS: Mapping[EntryKind, Callable[[Connection, LoggedEntry], None]] = {
    EntryKind.DECISION: fold_decision,
    EntryKind.OUTCOME: fold_outcome,
    EntryKind.RUN: fold_run,
}
"""What folds each kind of entry of the decision log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """What was folded, and how many identifiers and profiles came of it."""

    facts: int
    identifiers: int
    profiles: int
    entries: int


def rebuild(conn: Connection, people: People, progress: Callable[[int], None] = lambda _: None) -> Rebuilt:
    """Make the folds again; `progress` hears of each facts and entries folded, by their number. A job of the writer."""
    people.forget()
    nodes.clear_folds(conn)
    decisions.clear_folds(conn)
    rules_digest.remember(conn, people.rules)
    taken = _facts(conn, people, progress)
    entries = 0
    for logged in decisions.scan(conn):
        FOLDS[logged.entry.kind](conn, logged)
        entries += 1
        progress(1)
    identifiers, profiles = conn.execute(
        select(func.count(), func.count(node_table.c.profile_id.distinct())).select_from(node_table)
    ).one()
    return Rebuilt(facts=taken, identifiers=identifiers, profiles=profiles, entries=entries)


def to_fold(conn: Connection) -> int:
    """Tell how many facts and entries there are to fold."""
    return facts.last_seq(conn) + decisions.last_seq(conn)


def _facts(conn: Connection, people: People, progress: Callable[[int], None]) -> int:
    taken = 0
    for part in _steps(facts.scan(conn, kind=FactKind.MESSAGE)):
        people.take(conn, [(fact.seq, facts.message(fact)) for fact in part])
        taken += len(part)
        progress(len(part))
    return taken


def _steps(rows: Iterable[T]) -> Iterator[list[T]]:
    left = iter(rows)
    while part := list(islice(left, STEP)):
        yield part
