"""Which messages the facts log holds, for ever: a fold of it, by a hash of source, trust and message id.

A batch of new messages is one insert, in the order of the keys, and no look-up.
"""

from collections.abc import Mapping
from hashlib import blake2b

from sqlalchemy import delete
from sqlalchemy.engine import Connection

from identity.observations import Trust
from service.store.schema import message_ids
from service.store.statements import Statement

_CLAIM = Statement("INSERT INTO message_ids (key, seq) VALUES (?, ?) ON CONFLICT DO NOTHING")
_FIND = Statement("SELECT seq FROM message_ids WHERE key = ?")


def key_of(source: str, trust: Trust, message_id: str) -> bytes:
    """Give the 16 bytes that a message is known by: of a billion messages, two share them with a chance of 10⁻²¹."""
    return blake2b(f"{source}\0{int(trust)}\0{message_id}".encode(), digest_size=16).digest()


def claim(conn: Connection, seqs: Mapping[bytes, int]) -> dict[bytes, int]:
    """Put each key under its seq, unless it is there; give those that were, with the seqs that hold them.

    On PostgreSQL it waits for another transaction that has just put in one of them.
    """
    if _CLAIM.many(conn, sorted(seqs.items())) == len(seqs):
        return {}
    held = {key: int(_FIND(conn, key).scalar_one()) for key in seqs}
    return {key: seq for key, seq in held.items() if seq != seqs[key]}


def holds(conn: Connection, key: bytes) -> bool:
    """Tell whether the log holds a message of that key."""
    return _FIND(conn, key).first() is not None


def clear(conn: Connection) -> None:
    """Throw them away, before they are made again from the facts."""
    conn.execute(delete(message_ids))
