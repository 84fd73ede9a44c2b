"""What erasures still have to destroy, by ranges of seqs in both logs, and how much each has kept out since.

A row leaves the list in the transaction that destroys it: an erasure cut off goes on where it was.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from service.store.chain import Range, ranges_of
from service.store.statements import Statement

FACTS, ENTRIES = "facts", "decision_log"
"""The logs, by their tables' names."""

_PLAN = Statement(
    "INSERT INTO purges (log, first, last, erasure) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (log, first) DO UPDATE SET last = excluded.last"
)
_NEXT = Statement("SELECT log, first, last, erasure FROM purges ORDER BY log, first LIMIT ?")
_GONE = Statement("DELETE FROM purges WHERE log = ? AND first = ?")
_OF_LOG = Statement("SELECT first, last FROM purges WHERE log = ? ORDER BY first")
_LEFT = Statement("SELECT erasure, log, sum(last - first + 1) AS rows FROM purges GROUP BY erasure, log")
_DROPPED = Statement(
    "INSERT INTO dropped (erasure, facts) VALUES (?, ?) "
    "ON CONFLICT (erasure) DO UPDATE SET facts = dropped.facts + excluded.facts"
)
_COUNT = Statement("SELECT facts FROM dropped WHERE erasure = ?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Doomed:
    """Rows of one log that one erasure has still to destroy, by rising seq."""

    log: str
    erasure: str
    seqs: Sequence[int]


class Planned:
    """Rows of one log that are to be destroyed and count no more."""

    def __init__(self, ranges: Sequence[Range]) -> None:
        self._firsts = [first for first, _ in ranges]
        self._lasts = [last for _, last in ranges]

    def __contains__(self, seq: object) -> bool:
        """Tell whether a row is one of them; O(log n) for n ranges."""
        if not isinstance(seq, int):
            return False
        place = bisect_right(self._firsts, seq) - 1
        return place >= 0 and seq <= self._lasts[place]


def plan(conn: Connection, log: str, seqs: Iterable[int], erasure: str) -> None:
    """Put rows on the list, to be destroyed by that erasure; those that are on it stay another's."""
    there = planned(conn, log)
    ranges = ranges_of(seq for seq in sorted(set(seqs)) if seq not in there)
    _PLAN.many(conn, [(log, first, last, erasure) for first, last in ranges])


def planned(conn: Connection, log: str) -> Planned:
    """Give the rows of a log on the list."""
    return Planned([(row.first, row.last) for row in _OF_LOG(conn, log)])


def take(conn: Connection, most: int) -> list[Doomed]:
    """Take some rows off the list, `most` at most, to be destroyed now; none once there are none."""
    taken: list[Doomed] = []
    left = most
    for row in _NEXT(conn, most):
        if left == 0:
            break
        last = min(row.last, row.first + left - 1)
        _GONE(conn, row.log, row.first)
        if last < row.last:
            _PLAN(conn, row.log, last + 1, row.last, row.erasure)
        taken.append(Doomed(log=row.log, erasure=row.erasure, seqs=range(row.first, last + 1)))
        left -= last + 1 - row.first
    return taken


def left(conn: Connection) -> Mapping[str, Mapping[str, int]]:
    """Give how many rows of each log are still to be destroyed, by erasure; erasures that are done are left out."""
    found: dict[str, dict[str, int]] = {}
    for row in _LEFT(conn):
        found.setdefault(row.erasure, {})[row.log] = int(row.rows)
    return found


def count_dropped(conn: Connection, counts: Mapping[str, int]) -> None:
    """Count facts that erasures kept out."""
    _DROPPED.many(conn, sorted(counts.items()))


def dropped(conn: Connection, erasure: str) -> int:
    """Give how many facts an erasure has kept out."""
    return int(_COUNT(conn, erasure).scalar() or 0)
