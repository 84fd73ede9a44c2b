"""Several processes on PostgreSQL take turns by what they touch: a transaction waits only while it holds nothing.

Keys are locked in sorted order, all at once. A transaction that needs more later only tries for them; where somebody
else has one, it is undone and begun again with all the keys it needs (`Taken`). So nobody waits in a circle. SQLite has
one writer at a time, and needs none of this.
"""

from collections.abc import Collection, Iterable
from hashlib import blake2b

from sqlalchemy.engine import Connection

from service.store.backend import READS
from service.store.statements import Statement

EVERYBODY = -1
"""Shared by all who lock anything; whoever has it alone is alone."""
LEARNER = -2
_HELD = "homing.held"
_ALONE = Statement("SELECT pg_advisory_xact_lock(?)")
_SHARE = Statement("SELECT pg_advisory_xact_lock_shared(?)")
_WAIT = Statement("SELECT pg_advisory_xact_lock(k::bigint) FROM json_array_elements_text(?::json) AS k")
_TRY = Statement(
    "SELECT coalesce(bool_and(pg_try_advisory_xact_lock(k::bigint)), true) FROM json_array_elements_text(?::json) AS k"
)
_TRY_SESSION = Statement("SELECT pg_try_advisory_lock(?)")
_TRY_ONCE = Statement("SELECT pg_try_advisory_xact_lock(?)")
_UNLOCK_SESSION = Statement("SELECT pg_advisory_unlock(?)")


class Taken(Exception):  # noqa: N818 - what happened to the lock
    """Another process holds one of these keys, and this transaction holds others: begin again with all of them."""

    def __init__(self, keys: Collection[int]) -> None:
        super().__init__(f"{len(keys)} keys")
        self.keys = frozenset(keys)


def needed(conn: Connection) -> bool:
    """Tell whether processes that share this database write at the same time; who only reads keeps nobody off."""
    return conn.dialect.name == "postgresql" and not dict(conn.get_execution_options()).get(READS)


def name_key(*names: str) -> int:
    """Give the key of something that has no number yet: a negative one, for components' are positive."""
    return -3 - int.from_bytes(blake2b("\0".join(names).encode(), digest_size=7).digest())


def held(conn: Connection) -> frozenset[int]:
    """Give the keys that this transaction holds."""
    keys: frozenset[int] = conn.info.get(_HELD, frozenset())
    return keys


def join(conn: Connection) -> None:
    """Be one of those who write, until the end of the transaction; waits while somebody is alone."""
    if needed(conn) and not held(conn):
        _SHARE(conn, EVERYBODY)
        conn.info[_HELD] = frozenset({EVERYBODY})


def hold(conn: Connection, keys: Iterable[int]) -> bool:
    """Hold these keys until the end of the transaction; True if that took any new ones. Raises Taken."""
    if not needed(conn):
        return False
    has = held(conn)
    missing = sorted(frozenset(keys) - has)
    if not missing:
        return False
    join(conn)
    wanted = "[" + ",".join(map(str, missing)) + "]"
    if not has:
        _WAIT(conn, wanted).all()
    elif not _TRY(conn, wanted).scalar_one():
        raise Taken(has.union(missing) - {EVERYBODY})
    conn.info[_HELD] = has.union(missing, {EVERYBODY})
    return True


def hold_alone(conn: Connection) -> None:
    """Wait until nobody else holds anything, and keep it so until the end of the transaction."""
    if needed(conn):
        _ALONE(conn, EVERYBODY)


def drop(conn: Connection) -> None:
    """Know that nothing is held: a new transaction begins."""
    conn.info[_HELD] = frozenset()


def try_session(conn: Connection, key: int) -> bool:
    """Take a key for as long as the connection lasts, or until `leave_session`; False if another process has it."""
    return not needed(conn) or bool(_TRY_SESSION(conn, key).scalar_one())


def try_once(conn: Connection, key: int) -> bool:
    """Take a key until the end of the transaction; False if another process has it."""
    return not needed(conn) or bool(_TRY_ONCE(conn, key).scalar_one())


def leave_session(conn: Connection, key: int) -> None:
    """Give back what `try_session` took."""
    if needed(conn):
        _UNLOCK_SESSION(conn, key)
