"""The folds are thrown away and made again from the logs, in one transaction: nobody ever sees a half of them.

Facts are folded block by block, as they were appended, then the decision log in its own order; so the folds come out
the same to the last bit.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from service.decisions.rulings import fold_decision
from service.folds import rules_digest, rules_to_come
from service.learning import runs
from service.learning.outcomes import fold_outcome
from service.profiles.people import People
from service.store import chain, changes, decisions, facts, faults, locks, message_ids, meta, nodes, purges
from service.store.chain import FACT_BLOCKS
from service.store.decisions import EntryKind, LoggedEntry
from service.store.schema import nodes as node_table

FOLDS: Mapping[EntryKind, Callable[[Connection, LoggedEntry], None]] = {
    EntryKind.DECISION: fold_decision,
    EntryKind.OUTCOME: fold_outcome,
    EntryKind.RUN: runs.fold,
}
"""What folds each kind of entry of the decision log that was not erased."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """What was folded, and how many identifiers and profiles came of it."""

    facts: int
    identifiers: int
    profiles: int
    entries: int


def rebuild(conn: Connection, people: People, progress: Callable[[int], None] = lambda _: None) -> Rebuilt:
    """Make the folds again; `progress` hears of facts and entries, by their number. A job of the writer."""
    locks.hold_alone(conn)
    people.start_over(conn)
    if rules_digest.in_force(conn, people.rules) is not people.rules:
        nodes.keep_ids(conn)
        changes.other_rules(conn)
    message_ids.clear(conn)
    nodes.clear_folds(conn)
    decisions.clear_folds(conn)
    told = changes.clear(conn)
    rules_digest.remember(conn, people.rules)
    meta.put(conn, meta.FOLDS, meta.MADE)
    meta.put(conn, meta.EPOCH, str(int(meta.get(conn, meta.EPOCH) or 0) + 1))
    taken = _facts(conn, people, told, progress)
    nodes.drop_reissued(conn)
    rules_to_come.settle(conn)
    entries, doomed = 0, purges.planned(conn, purges.ENTRIES)
    for logged in decisions.scan(conn):
        if logged.entry.kind is not EntryKind.ERASED and logged.seq not in doomed:
            FOLDS[logged.entry.kind](conn, logged)
        entries += 1
        progress(1)
    identifiers, profiles = conn.execute(
        select(func.count(), func.count(node_table.c.profile_id.distinct())).select_from(node_table)
    ).one()
    return Rebuilt(facts=taken, identifiers=identifiers, profiles=profiles, entries=entries)


def to_fold(conn: Connection) -> int:
    """Tell how many facts and entries there are to fold; on PostgreSQL, which leaves numbers out, at most."""
    return facts.last_seq(conn) + decisions.last_seq(conn)


def _facts(conn: Connection, people: People, told: int, progress: Callable[[int], None]) -> int:
    """Fold the facts; what the blocks up to `told` changed stands as it was told then."""
    taken, doomed = 0, purges.planned(conn, purges.FACTS)
    for block in chain.scan(conn):
        if block.kind in FACT_BLOCKS:
            appended = facts.read(conn, block.seqs())
            message_ids.claim(conn, {facts.key_of(fact): fact.seq for fact in appended})
            changed = people.take_facts(conn, appended, without=doomed)
            if block.block > told:
                changes.put(conn, block.block, changed)
            taken += len(appended)
            progress(len(appended))
            faults.reach("mid_rebuild")
    return taken
