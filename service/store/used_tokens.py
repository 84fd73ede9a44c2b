"""A signed identity token makes one event verified: it is remembered until it has expired, with the event's key."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.engine import Connection

from service.store.statements import Statement
from service.store.times import to_micros

KEPT = timedelta(hours=1)
"""How long one is remembered once it has expired: the clocks of replicas differ."""

_CLAIM = Statement("INSERT INTO used_tokens (token, key, expires_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
_FIND = Statement("SELECT key FROM used_tokens WHERE token = ?")
_FORGET = Statement("DELETE FROM used_tokens WHERE expires_at < ?")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenUse:
    """A token, by the hash of its key's name and its jti, and when it expires."""

    token: bytes = field(repr=False)
    expires_at: datetime


def claim(conn: Connection, use: TokenUse, key: bytes) -> bool:
    """Use a token for the event of that key; False where another event has used it.

    On PostgreSQL it waits for another transaction that has just used the same one.
    """
    if _CLAIM.many(conn, [(use.token, key, to_micros(use.expires_at))]):
        return True
    return bytes(_FIND(conn, use.token).scalar_one()) == key


def forget(conn: Connection, now: datetime) -> int:
    """Let go of those that have long expired; give their number."""
    gone: int = _FORGET(conn, to_micros(now - KEPT)).rowcount
    return gone
