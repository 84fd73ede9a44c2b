"""An `Idempotency-Key` belongs to the API key that used it, and stands for one body and one answer."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.engine import Connection

from service.store.times import to_micros

KEPT = timedelta(days=2)
"""How long a second try is known as one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was answered to the body with that digest."""

    digest: bytes
    status: int
    body: bytes = field(repr=False)


def find(conn: Connection, key_id: str, idempotency_key: str) -> Answer | None:
    """Give what was answered under that key before."""
    row = conn.exec_driver_sql(
        "SELECT digest, status, body FROM idempotency WHERE key_id = ? AND idempotency_key = ?",
        (key_id, idempotency_key),
    ).first()
    return None if row is None else Answer(digest=row[0], status=row[1], body=row[2])


def keep(conn: Connection, key_id: str, idempotency_key: str, answer: Answer, at: datetime) -> None:
    """Keep an answer under a key not used before (sqlalchemy's IntegrityError otherwise)."""
    conn.exec_driver_sql(
        "INSERT INTO idempotency (key_id, idempotency_key, digest, status, body, at) VALUES (?, ?, ?, ?, ?, ?)",
        (key_id, idempotency_key, answer.digest, answer.status, answer.body, to_micros(at)),
    )


def forget(conn: Connection, before: datetime) -> int:
    """Let go of the answers older than `before`; give their number."""
    gone: int = conn.exec_driver_sql("DELETE FROM idempotency WHERE at < ?", (to_micros(before),)).rowcount
    return gone
