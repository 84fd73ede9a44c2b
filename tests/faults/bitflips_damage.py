"""What can happen to a store's logs and their chain while nobody looks: bits flip, rows go, change places, are others.

Each kind of damage is done to a SQLite store that is not in use, and tells where it was done.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

LOGS = ("facts", "decision_log")
_KEYS = {"facts": "seq", "decision_log": "seq", "blocks": "block"}
_TRIES = 1_000

Place = tuple[str, int | None]
"""A table and a row of it; None: the table, and no single row."""

_END = ("blocks", None)
Logs = dict[Place, tuple[Any, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """What was done, and the places that it can be seen at; none: a log cannot be read any more."""

    what: str
    places: frozenset[Place] = frozenset()


def flip_column(store: Path, chance: Random) -> Damage:
    """Flip one bit of one value of one row of a log."""
    with _changing(store) as conn:
        return _flip_value(conn, chance, chance.choice(LOGS))


def flip_file(store: Path, chance: Random) -> Damage:
    """Flip one bit of the file, such that a log reads otherwise than before, or not at all."""
    before, content = _logs(store), bytearray(store.read_bytes())
    for _ in range(_TRIES):
        at, bit = chance.randrange(len(content)), 1 << chance.randrange(8)
        content[at] ^= bit
        store.write_bytes(content)
        after = _logs(store)
        if after is None or after != before:
            return Damage(what=f"bit {bit} of byte {at} of the file flipped", places=_changed(before, after))
        content[at] ^= bit
    raise AssertionError("no bit of the file matters")


def delete_row(store: Path, chance: Random) -> Damage:
    """Delete one row of a log."""
    with _changing(store) as conn:
        log = chance.choice(LOGS)
        seq = _pick(conn, log, chance)
        conn.execute(f"DELETE FROM {log} WHERE seq = ?", (seq,))  # noqa: S608 - a table's name
        return Damage(what=f"{log} {seq} deleted", places=frozenset({(log, seq)}))


def swap_rows(store: Path, chance: Random) -> Damage:
    """Let two rows of a log change places."""
    with _changing(store) as conn:
        log = chance.choice(LOGS)
        left, right = (_pick(conn, log, chance) for _ in range(2))
        while left == right:
            right = _pick(conn, log, chance)
        for old, new in ((left, -1), (right, left), (-1, right)):
            conn.execute(f"UPDATE {log} SET seq = ? WHERE seq = ?", (new, old))  # noqa: S608 - a table's name
        return Damage(what=f"{log} {left} and {right} swapped", places=frozenset({(log, left), (log, right)}))


def cut_tail(store: Path, chance: Random) -> Damage:
    """Delete the newest rows of a log."""
    with _changing(store) as conn:
        log = chance.choice(LOGS)
        (last,) = conn.execute(f"SELECT max(seq) FROM {log}").fetchone()  # noqa: S608 - a table's name
        first = last + 1 - chance.randint(1, 5)
        conn.execute(f"DELETE FROM {log} WHERE seq >= ?", (first,))  # noqa: S608 - a table's name
        return Damage(what=f"{log} cut off from {first}", places=frozenset((log, n) for n in range(first, last + 1)))


def cut_chain(store: Path, chance: Random) -> Damage:
    """Delete the newest block, with the rows it is made over: what is left is whole but for its end."""
    with _changing(store) as conn:
        block, kind = conn.execute("SELECT block, kind FROM blocks ORDER BY block DESC LIMIT 1").fetchone()
        log = "facts" if kind == "facts" else "decision_log"
        conn.execute(
            f"DELETE FROM {log} WHERE seq >= "  # noqa: S608 - a table's name
            "(SELECT json_extract(ranges, '$[0][0]') FROM blocks WHERE block = ?)",
            (block,),
        )
        conn.execute("DELETE FROM blocks WHERE block = ?", (block,))
    return Damage(what=f"block {block} and its rows cut off", places=frozenset({_END}))


def flip_block(store: Path, chance: Random) -> Damage:
    """Flip one bit of one value of a block."""
    with _changing(store) as conn:
        damage = _flip_value(conn, chance, "blocks")
    # The next block is made over it: where a number or a link is another one, it may be told there.
    near = {("blocks", number + 1) for table, number in damage.places if number is not None}
    return Damage(what=damage.what, places=damage.places | near)


def delete_block(store: Path, chance: Random) -> Damage:
    """Delete a block and leave its rows."""
    with _changing(store) as conn:
        block = _pick(conn, "blocks", chance)
        conn.execute("DELETE FROM blocks WHERE block = ?", (block,))
        return Damage(what=f"block {block} deleted", places=frozenset({("blocks", block), ("blocks", block + 1)}))


def flip_head(store: Path, chance: Random) -> Damage:
    """Flip one bit of what is kept of the chain's head."""
    with _changing(store) as conn:
        (value,) = conn.execute("SELECT value FROM meta WHERE name = 'head'").fetchone()
        conn.execute("UPDATE meta SET value = CAST(? AS TEXT) WHERE name = 'head'", (_flipped(value, chance),))
    return Damage(what="one bit of the chain's head flipped", places=frozenset({_END}))


KINDS: tuple[Callable[[Path, Random], Damage], ...] = (
    flip_column,
    flip_file,
    flip_column,
    flip_file,
    flip_column,
    delete_row,
    flip_column,
    swap_rows,
    flip_file,
    cut_tail,
    flip_column,
    flip_block,
    flip_file,
    cut_chain,
    flip_column,
    flip_head,
    flip_file,
    delete_block,
    flip_column,
    flip_file,
)
"""What is done in turn: bits flip oftenest."""


def _changing(store: Path) -> "closing[sqlite3.Connection]":
    # Without its own transactions, and bytes as they are: a flipped bit need not be a letter.
    conn = sqlite3.connect(store, isolation_level=None)
    conn.text_factory = bytes
    return closing(conn)


def _pick(conn: sqlite3.Connection, table: str, chance: Random) -> int:
    numbers = [row[0] for row in conn.execute(f"SELECT {_KEYS[table]} FROM {table} ORDER BY 1")]  # noqa: S608 - names of ours
    return int(chance.choice(numbers))


def _flip_value(conn: sqlite3.Connection, chance: Random, table: str) -> Damage:
    """Flip a bit of a value that has one; where the flipped one cannot stand beside the others, of another value."""
    columns = {name.decode(): kind.decode() for _, name, kind, *_ in conn.execute(f"PRAGMA table_info({table})")}
    key = _KEYS[table]
    for _ in range(_TRIES):
        number, column = _pick(conn, table, chance), chance.choice(sorted(columns))
        (value,) = conn.execute(f"SELECT {column} FROM {table} WHERE {key} = ?", (number,)).fetchone()  # noqa: S608 - names of ours
        if value in {None, b""}:
            continue
        cast = "CAST(? AS TEXT)" if columns[column] == "TEXT" else "?"
        try:
            conn.execute(f"UPDATE {table} SET {column} = {cast} WHERE {key} = ?", (_flipped(value, chance), number))  # noqa: S608 - names of ours
        except sqlite3.IntegrityError:
            continue
        return Damage(what=f"one bit of {column} of {table} {number} flipped", places=frozenset({(table, number)}))
    raise AssertionError(f"{table} has no bit to flip")


def _flipped(value: Any, chance: Random) -> Any:
    if isinstance(value, int):
        return value ^ (1 << chance.randrange(62))
    changed = bytearray(value)
    changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _logs(store: Path) -> Logs | None:
    """Read both logs as they are; None where that is not possible."""
    try:
        with _changing(store) as conn:
            return {(log, row[0]): row for log in LOGS for row in conn.execute(f"SELECT * FROM {log}")}  # noqa: S608 - a table's name
    except sqlite3.DatabaseError:
        return None


def _changed(before: Logs | None, after: Logs | None) -> frozenset[Place]:
    if before is None or after is None:
        return frozenset()
    return frozenset(place for place in {*before, *after} if before.get(place) != after.get(place))
