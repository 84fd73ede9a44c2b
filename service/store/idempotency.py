"""An `Idempotency-Key` belongs to the API key that used it, and stands for one body and one answer."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.engine import Connection

from service.store.statements import Statement, listed
from service.store.times import to_micros

KEPT = timedelta(days=2)
"""How long a second try is known as one."""

_FIND = Statement("SELECT digest, status, body FROM idempotency WHERE key_id = ? AND idempotency_key = ?")
_KEEP = Statement(
    "INSERT INTO idempotency (key_id, idempotency_key, digest, status, body, at, decision_id) "
    "VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_ANSWERED = Statement("SELECT body FROM idempotency WHERE decision_id IN texts(?) ORDER BY at")
_FORGET_DECISIONS = Statement("DELETE FROM idempotency WHERE decision_id IN texts(?)")
_FORGET_UNNAMED = Statement("DELETE FROM idempotency WHERE decision_id IS NULL")
_FORGET = Statement("DELETE FROM idempotency WHERE at < ?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was answered to the body with that digest."""

    digest: bytes
    status: int
    body: bytes = field(repr=False)
    decision_id: str | None = None


def find(conn: Connection, key_id: str, idempotency_key: str) -> Answer | None:
    """Give what was answered under that key before."""
    row = _FIND(conn, key_id, idempotency_key).first()
    return None if row is None else Answer(digest=row.digest, status=row.status, body=row.body)


def keep(conn: Connection, key_id: str, idempotency_key: str, answer: Answer, at: datetime) -> None:
    """Keep an answer under a key not used before (sqlalchemy's IntegrityError otherwise)."""
    _KEEP(conn, key_id, idempotency_key, answer.digest, answer.status, answer.body, to_micros(at), answer.decision_id)


def answered(conn: Connection, decision_ids: Sequence[str]) -> list[bytes]:
    """Give what was answered with some decisions."""
    return [row.body for row in _ANSWERED(conn, listed(decision_ids))]


def forget(conn: Connection, before: datetime) -> int:
    """Let go of the answers older than `before`; give their number."""
    gone: int = _FORGET(conn, to_micros(before)).rowcount
    return gone


def forget_decisions(conn: Connection, decision_ids: Sequence[str]) -> int:
    """Let go of what was answered with some decisions, and of answers that do not say which; give their number."""
    gone: int = _FORGET_DECISIONS(conn, listed(decision_ids)).rowcount
    unnamed: int = _FORGET_UNNAMED(conn).rowcount
    return gone + unnamed
