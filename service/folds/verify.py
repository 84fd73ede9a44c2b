"""A store is whole if every row of both logs is the one the chain was made over, and the folds follow from them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import zip_longest
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
from sqlalchemy import Column, Row, Table, func, select
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from service.folds.rebuild import rebuild
from service.judgements.words import Restated, read_restated
from service.profiles.people import People
from service.store import chain, copying, meta, purges
from service.store.chain import FACT_BLOCKS, GENESIS, BlockKind, Head
from service.store.database import open_file
from service.store.facts import FactKind, of_kind
from service.store.schema import FOLDS, blocks, changes, decision_log, facts

BLOCKS = "blocks"
FACTS = "facts"
DECISIONS = "decision_log"

_LOGS: Mapping[BlockKind, Table] = {kind: facts if kind in FACT_BLOCKS else decision_log for kind in BlockKind}
MANY_ROWS = 100_000
"""More than a job appends."""

_FIRST = itemgetter(0)
ERASED = "erased"
_UNTOLD = {"seq", "body", "salt", "row_digest"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that is not as it was written: in which table, at which row (None: not to be told), and what."""

    table: str
    row: int | None
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What was looked at, the chain's head (noted elsewhere, it shows a log cut off at its end), and the faults.

    `unfinished` gives the erasures that have rows still to destroy, and how many.
    """

    facts: int
    entries: int
    blocks: int
    head: str
    faults: tuple[Fault, ...]
    unfinished: Mapping[str, int]

    @property
    def whole(self) -> bool:
        """Tell whether nothing is amiss."""
        return not self.faults


def verify(
    conn: Connection, people: People | None = None, progress: Callable[[int], None] = lambda _: None
) -> Verified:
    """Check the chain and every row it is made over; with `people`, also that the folds follow from the logs.

    `conn` sees one moment of the store. `progress` hears of rows as they are checked, by their number.
    """
    links = _Links(progress)
    faults = list(links.check(conn))
    if people is not None and not faults:
        faults += _folds(conn, people)
    return Verified(
        facts=links.rows[FACTS],
        entries=links.rows[DECISIONS],
        blocks=links.head.block,
        head=str(links.head),
        faults=tuple(faults),
        unfinished={name: sum(rows.values()) for name, rows in sorted(purges.left(conn).items())},
    )


class _Links:
    """Follows the chain from its first block."""

    def __init__(self, progress: Callable[[int], None]) -> None:
        self._progress = progress
        self.head = Head(block=0, link=GENESIS)
        self.rows = {FACTS: 0, DECISIONS: 0}
        self._erased = _Erased(names=frozenset(), restated={})

    def check(self, conn: Connection) -> Iterator[Fault]:
        """Give what is wrong."""
        try:
            self._erased = _erasures(conn)
            numbers = conn.execute(select(blocks.c.block).order_by(blocks.c.block)).scalars().all()
            for start in range(0, len(numbers), copying.PAGE):
                for number, block in sorted(_read(conn, blocks, numbers[start : start + copying.PAGE]), key=_FIRST):
                    yield from self._block(conn, number, block)
            yield from self._ends(conn)
        except DBAPIError as error:
            yield Fault(table=BLOCKS, row=self.head.block + 1, what=f"cannot be read on ({type(error.orig).__name__})")

    def _block(self, conn: Connection, number: int, block: Row[Any] | None) -> Iterator[Fault]:
        if number != self.head.block + 1:
            yield Fault(table=BLOCKS, row=self.head.block + 1, what="is missing")
        if block is None:
            yield Fault(table=BLOCKS, row=number, what="cannot be read")
            self.head = Head(block=number, link=self.head.link)
            return
        link = block.link if isinstance(block.link, bytes) else b""
        try:
            kind, ranges = BlockKind(block.kind), orjson.loads(block.ranges)
            told = (block.block, block.kind, ranges, orjson.loads(block.touched))
            expected = chain.link_after(self.head.link, told, block.digest)
            # Ranges that the chain does not vouch for could name more rows than there is time to look for.
            believed = expected == link or all(
                0 < first <= last < min(first + MANY_ROWS, 2**63) for first, last in ranges
            )
        except (ValueError, TypeError):
            believed, expected = False, None
        if expected != link:
            yield Fault(table=BLOCKS, row=block.block, what="is not what the chain was made over")
        if believed:
            seqs = [seq for first, last in ranges for seq in range(first, last + 1)]
            yield from self._rows(conn, _LOGS[kind], seqs, block.digest)
        self.head = Head(block=block.block, link=link)

    def _rows(self, conn: Connection, log: Table, seqs: Sequence[int], digest: bytes) -> Iterator[Fault]:
        """Check the rows of a block against themselves and against the block."""
        found = dict(_read(conn, log, seqs))
        self.rows[log.name] += len(found)
        self._progress(len(found))
        wrong = [seq for seq in seqs if seq in found and not self._is_whole(found[seq], log)]
        missing = [seq for seq in seqs if seq not in found]
        yield from (Fault(table=log.name, row=seq, what="is not as it was written") for seq in wrong)
        yield from (Fault(table=log.name, row=seq, what="is missing") for seq in missing)
        if not wrong and not missing:
            digests = [(seq, found[seq].row_digest) for seq in seqs]  # type: ignore[union-attr]  # none is unreadable
            if chain.block_digest(digests) != digest:
                row = seqs[0] if len(seqs) == 1 else None
                yield Fault(table=log.name, row=row, what=f"rows {seqs[0]} to {seqs[-1]} are others than were written")

    def _is_whole(self, row: Row[Any] | None, log: Table) -> bool:
        return _is_whole(row, log) or (row is not None and self._erased.leaves(row, log))

    def _ends(self, conn: Connection) -> Iterator[Fault]:
        """Check that the chain ends where it should, and that no row is outside of it."""
        if not self._ends_with_head(conn):
            yield Fault(table=BLOCKS, row=None, what="the chain ends elsewhere than it did")
        for log in (facts, decision_log):
            stored = conn.execute(select(func.count()).select_from(log)).scalar_one()
            if stored != self.rows[log.name]:
                what = f"{stored} rows are there, the chain was made over {self.rows[log.name]}"
                yield Fault(table=log.name, row=None, what=what)

    def _ends_with_head(self, conn: Connection) -> bool:
        try:
            return chain.ends_with(conn, self.head)
        except DBAPIError:
            return False


def _read(conn: Connection, table: Table, numbers: Sequence[int]) -> Iterator[tuple[int, Row[Any] | None]]:
    """Give rows by their number, those that are there; None for one that cannot be read."""
    key = _key(table)
    for start in range(0, len(numbers), copying.PAGE):
        part = numbers[start : start + copying.PAGE]
        try:
            found = conn.execute(select(table).where(key.in_(part))).all()
            yield from ((row._mapping[key.name], row) for row in found)
        except (DBAPIError, UnicodeDecodeError):
            for number in part:
                yield from _read_one(conn, table, number)


def _read_one(conn: Connection, table: Table, number: int) -> Iterator[tuple[int, Row[Any] | None]]:
    try:
        row = conn.execute(select(table).where(_key(table) == number)).first()
    except (DBAPIError, UnicodeDecodeError):
        yield number, None
    else:
        if row is not None:
            yield number, row


def _key(table: Table) -> Column[Any]:
    """Give the column that numbers a log's rows, or the blocks."""
    (key,) = table.primary_key
    return key


def _is_whole(row: Row[Any] | None, log: Table) -> bool:
    """Tell whether a row is what its digest was made over."""
    if row is None:
        return False
    digest = _digest(row, log)
    return digest is not None and bool(digest == row.row_digest)


def _digest(row: Row[Any], log: Table) -> bytes | None:
    """Give the digest that a row has by what stands in it; None for what no row is."""
    try:
        told = [_told(row._mapping[c.name]) for c in log.columns if c.name not in _UNTOLD]
        return chain.row_digest(row.salt, told, row.body)
    except (TypeError, ValueError):
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Erased:
    """What the erasures in the log account for: their ids, and the new digests of judgements that they restated."""

    names: frozenset[str]
    restated: Restated

    def leaves(self, row: Row[Any], log: Table) -> bool:
        """Tell whether a row is what an erasure left of it: nothing, or what the erasure says it is now."""
        if row.salt is None:
            named = row.type if log is facts else row.key.partition(":")[0]
            return row.kind == ERASED and not row.body and named in self.names
        return log is facts and row.seq in self.restated and _digest(row, log) == self.restated[row.seq]


def _erasures(conn: Connection) -> _Erased:
    names, restated = set(), dict[int, bytes]()
    for fact in of_kind(conn, FactKind.ERASURE):
        with suppress(ValueError, KeyError):  # damaged: its row is told of
            restated |= read_restated(fact)
            names.add(fact.message_id)
    return _Erased(names=frozenset(names), restated=restated)


def _told(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else value


def _folds(conn: Connection, people: People) -> Iterator[Fault]:
    """Make the folds again in a store of their own, and compare them row by row."""
    with TemporaryDirectory(prefix="homing-verify-") as folder:
        scratch = open_file(Path(folder) / "scratch.db")
        try:
            with scratch.transaction() as again:
                copying.copy(conn, again, (*copying.LOGS, changes))
                meta.put(again, meta.RULES_SINCE, meta.get(conn, meta.RULES_SINCE) or "0")
                rebuild(again, people)
                for fold in FOLDS:
                    yield from _compare(conn, again, fold)
        finally:
            scratch.close()


def _compare(conn: Connection, again: Connection, fold: Table) -> Iterator[Fault]:
    """Tell the first row in which a fold differs."""
    for number, (kept, made) in enumerate(zip_longest(_kept(conn, fold), _all(again, fold)), 1):
        if kept is None or made is None or tuple(kept) != tuple(made):
            yield Fault(table=fold.name, row=number, what="does not follow from the logs; run `homing rebuild`")
            return


def _kept(conn: Connection, table: Table) -> Iterator[Row[Any] | None]:
    """Give a table's rows, None at last where they cannot be read on."""
    try:
        yield from _all(conn, table)
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        yield None
    except UnicodeDecodeError:
        yield None


def _all(conn: Connection, table: Table) -> Iterator[Row[Any]]:
    for page in copying.pages(conn, table):
        yield from page
