"""The decision log only grows, an idempotence key enters it once; `decisions` and `outcomes` are its folds.

A decision's option, propensity and eligible set are in its log entry; the folds hold only what is looked up by.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from sqlalchemy import Row, delete, select
from sqlalchemy.engine import Connection

from service.store import chain, faults, locks
from service.store.chain import BlockKind
from service.store.schema import decision_log, decisions, models, outcomes
from service.store.statements import Statement, listed
from service.store.times import from_micros, from_micros_or_none, to_micros, to_micros_or_none

_PAGE = 1_000
_FOLLOWER = "homing.follower"
_INSERT = Statement(
    "INSERT INTO decision_log (seq, kind, decision_id, key, at, received_at, body, salt, row_digest) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING"
)
_RESERVE = Statement("SELECT nextval('decision_log_seq_seq') FROM generate_series(1, ?)")
_READ = Statement("SELECT * FROM decision_log WHERE seq IN numbers(?) ORDER BY seq")
_LAST = Statement("SELECT coalesce(max(seq), 0) FROM decision_log")
_ERASE = Statement(
    "UPDATE decision_log SET kind = 'erased', decision_id = CASE WHEN kind = 'decision' THEN decision_id END, key = ?, "
    "at = 0, received_at = 0, body = ?, salt = NULL WHERE seq = ? AND kind <> 'erased'"
)
# The literal is what lets SQLite use the partial index.
_ERASED = Statement("SELECT decision_id, key FROM decision_log WHERE kind = 'erased' AND decision_id IN texts(?)")
_DROP_DECISIONS = Statement("DELETE FROM decisions WHERE seq IN numbers(?)")
_DROP_OUTCOMES = Statement("DELETE FROM outcomes WHERE seq IN numbers(?)")
_ABOUT = Statement("SELECT seq FROM outcomes WHERE decision_id IN texts(?)")
_PUT_DECISION = Statement(
    "INSERT INTO decisions (decision_id, seq, profile_id, message_id, endpoint_id, send_at, expires_at) "
    "VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_ON_MESSAGES = Statement(
    "SELECT * FROM decisions WHERE profile_id IN texts(?) AND message_id IN texts(?) ORDER BY seq DESC"
)
_TO_ENDPOINTS = Statement(
    "SELECT * FROM decisions WHERE endpoint_id IN texts(?) AND send_at >= ? AND send_at < ? ORDER BY send_at, seq"
)
_PUT_OUTCOME = Statement("INSERT INTO outcomes (seq, decision_id, kind, at) VALUES (?, ?, ?, ?)")
_OUTCOMES_OF = Statement("SELECT * FROM outcomes WHERE decision_id IN texts(?) ORDER BY at, seq")
_BY_KEYS = Statement("SELECT * FROM decision_log WHERE key IN texts(?)")
_BY_IDS = Statement("SELECT * FROM decisions WHERE decision_id IN texts(?)")


class EntryKind(StrEnum):
    """What an entry of the decision log is."""

    DECISION = "decision"
    OUTCOME = "outcome"
    RUN = "run"
    """A learner's run: its number, log position, facts read, settings, and the population that came of them."""
    ERASED = "erased"
    """What an erasure left of an entry: its digest, of a decision its id, and the erasure's (how its key begins)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What goes into the decision log; `key` makes it idempotent, `body` is JSON."""

    kind: EntryKind
    decision_id: str | None
    key: str = field(repr=False)
    at: datetime
    received_at: datetime
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedEntry:
    """An entry of the decision log; `seq` counts from 1."""

    seq: int
    entry: Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRow:
    """What a decision is found by; `endpoint_id` and `send_at` are None where nothing is sent."""

    decision_id: str
    seq: int
    profile_id: str
    message_id: str = field(repr=False)
    endpoint_id: str | None
    send_at: datetime | None
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeRow:
    """What became of a decision; `seq` is its place in the decision log."""

    seq: int
    decision_id: str
    kind: str
    at: datetime


class Follower(Protocol):
    """Who keeps at hand what the folds hold."""

    def decided(self, row: DecisionRow) -> None:
        """Know that a decision was folded in."""
        ...

    def came(self, row: OutcomeRow) -> None:
        """Know that an outcome was folded in."""
        ...

    def forget(self) -> None:
        """Know that something was taken out."""
        ...


# --- the log --------------------------------------------------------------------------------------------------------


def append(conn: Connection, entry: Entry) -> int | None:
    """Append an entry and give its seq; None, and no effect, where its key is in the log already."""
    return append_all(conn, [entry])[0]


def append_all(conn: Connection, entries: Sequence[Entry]) -> list[int | None]:
    """Append entries of one kind, of different keys, and give their seqs; None for those whose key is in the log."""
    locks.join(conn)
    faults.reach("before_append")
    seqs = _reserve(conn, len(entries))
    rows = [(seq, *_row(each, salt)) for seq, each, salt in zip(seqs, entries, chain.salts(len(entries)), strict=True)]
    if _INSERT.many(conn, rows) < len(rows):
        entered = {row.seq for row in _READ(conn, listed(seqs))}
        rows = [row for row in rows if row[0] in entered]
    if rows:
        kind = BlockKind.RUN if entries[0].kind is EntryKind.RUN else BlockKind.DECISIONS
        chain.note(conn, kind, [(row[0], row[-1]) for row in rows])
        faults.reach("after_append")
    fresh = {row[0] for row in rows}
    return [seq if seq in fresh else None for seq in seqs]


def _row(entry: Entry, salt: bytes) -> tuple[Any, ...]:
    """Give an entry's columns but its seq; its digest is the last."""
    told = (str(entry.kind), entry.decision_id, entry.key, to_micros(entry.at), to_micros(entry.received_at))
    return (*told, entry.body, salt, chain.row_digest(salt, told, entry.body))


def _reserve(conn: Connection, number: int) -> list[int]:
    """Give the next seqs: without gaps where one process writes at a time, else from the database's sequence."""
    if conn.dialect.name == "postgresql":
        return sorted(_RESERVE(conn, number).scalars())
    first = last_seq(conn) + 1
    return list(range(first, first + number))


def by_key(conn: Connection, key: str) -> LoggedEntry | None:
    """Give the entry with that idempotence key."""
    row = conn.execute(select(decision_log).where(decision_log.c.key == key)).first()
    return None if row is None else _logged(row)


def by_keys(conn: Connection, keys: Sequence[str]) -> dict[str, LoggedEntry]:
    """Give the entries with those idempotence keys, by key."""
    return {row.key: _logged(row) for row in _BY_KEYS(conn, listed(keys))}


def read(conn: Connection, seqs: Sequence[int]) -> list[LoggedEntry]:
    """Give those entries by rising seq; seqs that do not exist are left out."""
    return [_logged(row) for row in _READ(conn, listed(seqs))]


def scan(conn: Connection, after: int = 0) -> Iterator[LoggedEntry]:
    """Give all entries with a seq above `after` by rising seq, a page at a time."""
    pages = select(decision_log).order_by(decision_log.c.seq).limit(_PAGE)
    while page := [_logged(row) for row in conn.execute(pages.where(decision_log.c.seq > after))]:
        yield from page
        after = page[-1].seq


def last_seq(conn: Connection) -> int:
    """Give the seq of the newest entry, 0 for an empty log."""
    seq: int = _LAST(conn).scalar_one()
    return seq


# --- erasures -------------------------------------------------------------------------------------------------------


def erase(conn: Connection, seqs: Sequence[int], erasure: str) -> None:
    """Destroy entries: of each remain its row digest, of a decision its id, and the erasure's."""
    _ERASE.many(conn, [(f"{erasure}:{seq}", b"", seq) for seq in seqs])


def erased(conn: Connection, decision_ids: Sequence[str]) -> dict[str, str]:
    """Give those of some decisions that were destroyed, with the erasure that did."""
    return {row.decision_id: row.key.partition(":")[0] for row in _ERASED(conn, listed(decision_ids))}


def about(conn: Connection, decision_ids: Sequence[str]) -> list[int]:
    """Give the seqs of all that is known to have come of some decisions, those not known included."""
    return sorted(row.seq for row in _ABOUT(conn, listed(decision_ids)))


def forget(conn: Connection, seqs: Sequence[int]) -> None:
    """Take entries out of this log's folds: they are to be destroyed."""
    _DROP_DECISIONS(conn, listed(seqs))
    _DROP_OUTCOMES(conn, listed(seqs))
    _taken_out(conn)


# --- its folds ------------------------------------------------------------------------------------------------------


def follow(conn: Connection, follower: Follower) -> None:
    """Tell the follower, instead of any other, what is folded in over this connection from now on."""
    conn.info[_FOLLOWER] = follower


def put_decision(conn: Connection, row: DecisionRow) -> None:
    """Fold one decision in; its id must be new."""
    put_decisions(conn, [row])


def put_decisions(conn: Connection, rows: Sequence[DecisionRow]) -> None:
    """Fold decisions in; their ids must be new."""
    _PUT_DECISION.many(
        conn,
        [
            (
                row.decision_id,
                row.seq,
                row.profile_id,
                row.message_id,
                row.endpoint_id,
                to_micros_or_none(row.send_at),
                to_micros(row.expires_at),
            )
            for row in rows
        ],
    )
    if (follower := _follower(conn)) is not None:
        for row in rows:
            follower.decided(row)


def find(conn: Connection, decision_id: str) -> DecisionRow | None:
    """Give the decision of that id."""
    row = conn.execute(select(decisions).where(decisions.c.decision_id == decision_id)).first()
    return None if row is None else _decision(row)


def by_ids(conn: Connection, decision_ids: Sequence[str]) -> dict[str, DecisionRow]:
    """Give the decisions of those ids that are known, by id."""
    return {row.decision_id: _decision(row) for row in _BY_IDS(conn, listed(decision_ids))}


def on_messages(conn: Connection, profile_ids: Iterable[str], message_ids: Iterable[str]) -> list[DecisionRow]:
    """Give the decisions on any of those messages for any of those profiles (survivor and absorbed), newest first."""
    return [_decision(row) for row in _ON_MESSAGES(conn, listed(profile_ids), listed(message_ids))]


def of_profiles(conn: Connection, profile_ids: Sequence[str]) -> list[DecisionRow]:
    """Give all decisions for any of those profiles, oldest first."""
    rows = conn.execute(select(decisions).where(decisions.c.profile_id.in_(profile_ids)).order_by(decisions.c.seq))
    return [_decision(row) for row in rows]


def profile_ids(conn: Connection) -> list[str]:
    """Give the profile ids, as they were then, that decisions were made for."""
    return list(conn.execute(select(decisions.c.profile_id).distinct().order_by(decisions.c.profile_id)).scalars())


def to_endpoints(conn: Connection, endpoint_ids: Sequence[str], since: datetime, until: datetime) -> list[DecisionRow]:
    """Give the decisions that send to any of those endpoints at since ≤ send_at < until, by send time."""
    rows = _TO_ENDPOINTS(conn, listed(endpoint_ids), to_micros(since), to_micros(until))
    return [_decision(row) for row in rows]


def put_outcome(conn: Connection, row: OutcomeRow) -> None:
    """Fold one outcome in, also before its decision is known (it is parked then)."""
    _PUT_OUTCOME(conn, row.seq, row.decision_id, row.kind, to_micros(row.at))
    if (follower := _follower(conn)) is not None:
        follower.came(row)


def outcomes_of(conn: Connection, decision_ids: Sequence[str]) -> list[OutcomeRow]:
    """Give what became of those decisions, by time and then by place in the log."""
    rows = _OUTCOMES_OF(conn, listed(decision_ids))
    return [OutcomeRow(seq=row.seq, decision_id=row.decision_id, kind=row.kind, at=from_micros(row.at)) for row in rows]


def clear_folds(conn: Connection) -> None:
    """Throw the folds of this log away, before they are made again."""
    for fold in (decisions, outcomes, models):
        conn.execute(delete(fold))
    _taken_out(conn)


def _follower(conn: Connection) -> Follower | None:
    follower: Follower | None = conn.info.get(_FOLLOWER)
    return follower


def _taken_out(conn: Connection) -> None:
    if (follower := _follower(conn)) is not None:
        follower.forget()


def _logged(row: Row[Any]) -> LoggedEntry:
    entry = Entry(
        kind=EntryKind(row.kind),
        decision_id=row.decision_id,
        key=row.key,
        at=from_micros(row.at),
        received_at=from_micros(row.received_at),
        body=row.body,
    )
    return LoggedEntry(seq=row.seq, entry=entry)


def _decision(row: Row[Any]) -> DecisionRow:
    return DecisionRow(
        decision_id=row.decision_id,
        seq=row.seq,
        profile_id=row.profile_id,
        message_id=row.message_id,
        endpoint_id=row.endpoint_id,
        send_at=from_micros_or_none(row.send_at),
        expires_at=from_micros(row.expires_at),
    )
