"""Which block of the chain a fact was appended in: an index of the blocks, caught up with when it is asked.

Only erasures ask. Nothing is written for it when facts are appended.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import orjson
from sqlalchemy.engine import Connection

from service.store.chain import Range
from service.store.statements import Statement

_PAGE = 5_000
_NEAR = 8
_NEWEST = Statement("SELECT coalesce(max(block), 0) FROM fact_blocks")
_AFTER = Statement(
    "SELECT block, ranges FROM blocks WHERE block > ? AND kind IN ('facts', 'words', 'erasures') ORDER BY block LIMIT ?"
)
_PUT = Statement("INSERT INTO fact_blocks (first, block) VALUES (?, ?) ON CONFLICT DO NOTHING")
_BELOW = Statement(
    "SELECT blocks.block AS block, blocks.ranges AS ranges, fact_blocks.first AS first FROM fact_blocks "
    "JOIN blocks ON blocks.block = fact_blocks.block WHERE fact_blocks.first <= ? "
    "ORDER BY fact_blocks.first DESC LIMIT ?"
)


class Found(NamedTuple):
    """A block, and the facts asked for that are in it, by rising seq."""

    block: int
    seqs: tuple[int, ...]


def catch_up(conn: Connection) -> bool:
    """Index a page of the blocks that are not yet; False once there are none."""
    rows = list(_AFTER(conn, _NEWEST(conn).scalar_one(), _PAGE))
    _PUT.many(conn, [(orjson.loads(row.ranges)[0][0], row.block) for row in rows])
    return len(rows) == _PAGE


def blocks_of(conn: Connection, seqs: Iterable[int]) -> list[Found]:
    """Give the committed blocks that hold these facts, in the order of the chain.

    O(log n) for each block found, n being all blocks. Raises LookupError for a fact that is in none.
    """
    while catch_up(conn):
        pass
    asked = sorted(set(seqs))
    placed: set[int] = set()
    found: list[Found] = []
    for seq in reversed(asked):
        if seq not in placed:
            block, ranges = _holding(conn, seq)
            inside = [each for range_ in ranges for each in _within(asked, range_)]
            placed.update(inside)
            found.append(Found(block, tuple(inside)))
    return sorted(found)


def _within(rising: Sequence[int], range_: Range) -> Sequence[int]:
    return rising[bisect_left(rising, range_[0]) : bisect_right(rising, range_[1])]


def _holding(conn: Connection, seq: int) -> tuple[int, Sequence[Range]]:
    """Look for a fact's block downward from its seq: replicas' seqs interleave a little."""
    below = seq
    while rows := list(_BELOW(conn, below, _NEAR)):
        for row in rows:
            ranges = orjson.loads(row.ranges)
            if any(first <= seq <= last for first, last in ranges):
                return row.block, ranges
        below = rows[-1].first - 1
    raise LookupError(f"fact {seq} is in no block")
