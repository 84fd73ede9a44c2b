"""What became of a decision's message is logged once, whoever tells it how often, and folded for looking up.

An outcome may come before its decision: it is folded all the same, and counts once the decision is there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy.engine import Connection

from channel_selector.outcomes import Outcome
from service.events.ingest import Receipt
from service.store import decisions
from service.store.decisions import DecisionRow, Entry, EntryKind, LoggedEntry, OutcomeRow
from service.store.times import to_micros


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """An outcome of a decision as somebody tells it; `key` makes a second telling known as one."""

    decision_id: str
    outcome: Outcome
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What became of a report, and the decision it is about (None: not known yet)."""

    receipt: Receipt
    decision: DecisionRow | None


def report(decision_id: str, outcome: Outcome, source: str, *, dated: bool = True) -> Report:
    """Name an outcome: by its id, which is `source`'s own; else by decision, kind and, if `dated`, moment.

    Whoever gives neither id nor moment tells the same outcome each time: of a kind only the first counts anyway.
    """
    if outcome.id is not None:
        name: list[Any] = [source, outcome.id]
    else:
        name = [decision_id, outcome.kind.value, to_micros(outcome.at) if dated else None]
    return Report(decision_id=decision_id, outcome=outcome, key=f"outcome:{orjson.dumps(name).decode()}")


def record_outcomes(conn: Connection, reports: Sequence[Report], now: datetime) -> list[Recorded]:
    """Log and fold outcomes; give what became of each, in order.

    One whose key is known changes nothing: a duplicate if it tells the same kind of the same decision, else a conflict.
    What is told of a decision that was erased is dropped.
    """
    gone = decisions.erased(conn, [each.decision_id for each in reports])
    rows = decisions.by_ids(conn, [each.decision_id for each in reports])
    known = {key: _told(logged.entry) for key, logged in decisions.by_keys(conn, [r.key for r in reports]).items()}
    recorded: list[Recorded] = []
    for each in reports:
        told = (each.decision_id, each.outcome.kind.value)
        if each.decision_id in gone:
            receipt = Receipt.DROPPED
        elif each.key not in known:
            known[each.key] = told
            _append(conn, each, now)
            receipt = Receipt.ACCEPTED
        else:
            receipt = Receipt.DUPLICATE if known[each.key] == told else Receipt.CONFLICT
        recorded.append(Recorded(receipt=receipt, decision=rows.get(each.decision_id)))
    return recorded


def fold_outcome(conn: Connection, logged: LoggedEntry) -> None:
    """Fold an entry of the log into the outcomes that are looked up."""
    decision_id, kind = _told(logged.entry)
    decisions.put_outcome(conn, OutcomeRow(seq=logged.seq, decision_id=decision_id, kind=kind, at=logged.entry.at))


def _append(conn: Connection, told: Report, now: datetime) -> None:
    entry = Entry(
        kind=EntryKind.OUTCOME,
        decision_id=told.decision_id,
        key=told.key,
        at=told.outcome.at,
        received_at=now,
        body=orjson.dumps(told.outcome.to_json(), option=orjson.OPT_SORT_KEYS),
    )
    seq = decisions.append(conn, entry)
    if seq is not None:
        fold_outcome(conn, LoggedEntry(seq=seq, entry=entry))


def _told(entry: Entry) -> tuple[str, str]:
    """Read which decision an entry is about, and what it tells of it."""
    return entry.decision_id or "", orjson.loads(entry.body)["kind"]
