"""A key is kept as the SHA-256 of its text alone: 256 random bits need no salt, and the text cannot be had back."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Row, select, update
from sqlalchemy.engine import Connection

from identity.observations import Trust
from service.store.schema import keys
from service.store.statements import Statement
from service.store.times import from_micros, from_micros_or_none, to_micros


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """A key as it is kept; `scopes` are names parted by blanks."""

    id: str
    digest: bytes = field(repr=False)
    name: str
    source: str
    trust: Trust
    scopes: str
    created_at: datetime
    revoked_at: datetime | None = None


_PUT = Statement("INSERT INTO keys (id, digest, name, source, trust, scopes, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)")


def put(conn: Connection, row: KeyRow) -> None:
    """Keep a new key."""
    _PUT(conn, row.id, row.digest, row.name, row.source, int(row.trust), row.scopes, to_micros(row.created_at))


def every(conn: Connection) -> list[KeyRow]:
    """Give all keys, the revoked too, oldest first."""
    return [_key(row) for row in conn.execute(select(keys).order_by(keys.c.created_at, keys.c.id))]


def revoke(conn: Connection, key_id: str, at: datetime) -> bool:
    """Revoke a key for good; False where there is none of that id. A revoked one keeps its first moment."""
    known = conn.execute(select(keys.c.id).where(keys.c.id == key_id)).first() is not None
    conn.execute(update(keys).where(keys.c.id == key_id, keys.c.revoked_at.is_(None)).values(revoked_at=to_micros(at)))
    return known


def _key(row: Row[tuple[object, ...]]) -> KeyRow:
    return KeyRow(
        id=row.id,
        digest=row.digest,
        name=row.name,
        source=row.source,
        trust=Trust(row.trust),
        scopes=row.scopes,
        created_at=from_micros(row.created_at),
        revoked_at=from_micros_or_none(row.revoked_at),
    )
