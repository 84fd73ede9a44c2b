"""Both logs hang on one chain: each append is a block, whose link is a hash over the block before it and its own rows.

A row's digest is salted, so that it tells nothing of a row whose salt and body an erasure destroyed. Blocks are
numbered without gaps in the order of commit, also where several replicas write: the head of the chain is taken last in
a transaction and held until its commit.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count
from typing import Any

import orjson
from sqlalchemy import Row
from sqlalchemy.engine import Connection

from service.errors import StoreError
from service.store import faults
from service.store.statements import Statement, is_folding_next

SALT_BYTES = 16
GENESIS = bytes(32)
"""What the first block's link is made over."""

_PENDING = "homing.blocks"
_HEAD = Statement("SELECT value FROM meta WHERE name = 'head'")
_TAKE_HEAD = Statement(
    "INSERT INTO meta (name, value) VALUES ('head', '0:') ON CONFLICT (name) DO UPDATE SET value = meta.value "
    "RETURNING value"
)
_PUT_HEAD = Statement("UPDATE meta SET value = ? WHERE name = 'head'")
_INSERT = Statement("INSERT INTO blocks (block, kind, ranges, touched, digest, link) VALUES (?, ?, ?, ?, ?, ?)")
_AFTER = Statement(
    "SELECT block, kind, ranges, touched, digest, link FROM blocks WHERE block > ? ORDER BY block LIMIT ?"
)
_OTHERS = Statement("SELECT 1 FROM blocks WHERE block > ? AND kind <> 'run' LIMIT 1")
_CHANGED = Statement("INSERT INTO changes (position, kind, profile_id, other, at) VALUES (?, ?, ?, ?, ?)")
_OF_KIND = Statement(
    "SELECT block, kind, ranges, touched, digest, link FROM blocks WHERE kind = ? AND block <= ? ORDER BY block"
)
_PAGE = 1_000
PLACES = 1 << 24
"""How many changes a block has room for."""

Range = tuple[int, int]
"""The first and the last of some seqs that follow each other."""

Changed = tuple[str, str, str | None, int]
"""What a block changed of profiles, as it is kept (see `changes`): all but its position."""

Told = tuple[int, str, Sequence[Range], Sequence[int]]
"""What a link is made over beside the rows: the block's number, kind, ranges and components touched."""


class BlockKind(StrEnum):
    """What a block's rows are: the first three in the facts log, the others in the decision log."""

    FACTS = "facts"
    WORDS = "words"
    ERASURES = "erasures"
    DECISIONS = "decisions"
    RUN = "run"


FACT_BLOCKS = frozenset({BlockKind.FACTS, BlockKind.WORDS, BlockKind.ERASURES})
"""Those of the facts log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Rows appended together; `touched` are the raw components that they changed."""

    block: int
    kind: BlockKind
    ranges: tuple[Range, ...]
    touched: tuple[int, ...]
    digest: bytes = field(repr=False)
    link: bytes = field(repr=False)

    def seqs(self) -> Iterator[int]:
        """Give the rows' seqs, rising."""
        for first, last in self.ranges:
            yield from range(first, last + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The newest block and its link; block 0 for an empty chain."""

    block: int
    link: bytes = field(repr=False)

    @classmethod
    def parse(cls, text: str | None) -> "Head":
        """Read what `meta` keeps; StoreError for what no chain ends with."""
        block, _, link = (text or "0:").partition(":")
        try:
            return cls(block=int(block), link=bytes.fromhex(link) or GENESIS)
        except ValueError as error:
            raise StoreError("store_corrupt", "the end of the logs' chain is damaged; go back to a backup") from error

    def __str__(self) -> str:
        return f"{self.block}:{self.link.hex()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """The chain's head before and after a transaction's blocks."""

    before: Head
    after: Head


@dataclass(slots=True)
class _Pending:
    """A block of the open transaction: it gets its number at the end."""

    kind: BlockKind
    rows: list[tuple[int, bytes]]
    touched: set[int] = field(default_factory=set)
    changed: list[Changed] = field(default_factory=list)


def salts(number: int) -> list[bytes]:
    """Draw that many salts."""
    drawn = os.urandom(SALT_BYTES * number)
    return [drawn[start : start + SALT_BYTES] for start in range(0, len(drawn), SALT_BYTES)]


def row_digest(salt: bytes, fields: Sequence[str | int | None], body: bytes) -> bytes:
    """Give the 32 bytes that a row is known by; `fields` are all but its seq, its salt and its body."""
    return hashlib.blake2b(salt + orjson.dumps(fields) + b"\0" + body, digest_size=32).digest()


def block_digest(rows: Iterable[tuple[int, bytes]]) -> bytes:
    """Give a block's digest over its rows' seqs and digests."""
    return hashlib.blake2b(b"".join(seq.to_bytes(8) + digest for seq, digest in rows), digest_size=32).digest()


def link_after(link: bytes, told: Told, digest: bytes) -> bytes:
    """Give a block's link, given the link before it: what all blocks after it stand on."""
    return hashlib.blake2b(link + orjson.dumps(told) + digest, digest_size=32).digest()


def ranges_of(seqs: Iterable[int]) -> list[Range]:
    """Give rising seqs as ranges."""
    ranges: list[Range] = []
    for seq in seqs:
        if ranges and seq == ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], seq)
        else:
            ranges.append((seq, seq))
    return ranges


# --- writing --------------------------------------------------------------------------------------------------------


def note(conn: Connection, kind: BlockKind, rows: Sequence[tuple[int, bytes]]) -> None:
    """Begin a block of these rows, (seq, row digest) each by rising seq; decisions and outcomes in a row share one."""
    pending = _pending(conn)
    if kind is BlockKind.DECISIONS and pending and pending[-1].kind is kind:
        pending[-1].rows += rows
    elif rows:
        pending.append(_Pending(kind, list(rows)))


def pending(conn: Connection) -> bool:
    """Tell whether the open transaction has appended anything."""
    return bool(_pending(conn))


def touch(conn: Connection, components: Iterable[int]) -> None:
    """Say which raw components the newest block changed; while folds are made again there is none."""
    pending = _pending(conn)
    if pending and not is_folding_next(conn):
        pending[-1].touched.update(components)


def change(conn: Connection, changed: Sequence[Changed]) -> None:
    """Say what the newest block changed of profiles; while folds are made again `put_changes` does."""
    if changed:
        _pending(conn)[-1].changed += changed


def put_changes(conn: Connection, block: int, changed: Sequence[Changed], first: int = 0) -> None:
    """Keep what a block changed of profiles, in the order given; `first` is the place to begin at."""
    _CHANGED.many(conn, [(block * PLACES + place, *each) for place, each in enumerate(changed, first)])


def seal(conn: Connection) -> Sealed | None:
    """Write the transaction's blocks; None if it appended nothing. The last thing before the commit.

    Whoever else wants to seal waits from here until the commit.
    """
    pending = _pending(conn)
    conn.info[_PENDING] = []
    if not pending:
        return None
    faults.reach("before_seal")
    before = after = Head.parse(_TAKE_HEAD(conn).scalar_one())
    blocks = []
    for number, each in zip(count(before.block + 1), pending):
        ranges, digest = ranges_of(seq for seq, _ in each.rows), block_digest(each.rows)
        touched = sorted(each.touched)
        after = Head(block=number, link=link_after(after.link, (number, each.kind.value, ranges, touched), digest))
        told = (str(each.kind), orjson.dumps(ranges).decode(), orjson.dumps(touched).decode())
        blocks.append((number, *told, digest, after.link))
        put_changes(conn, number, each.changed)
    _INSERT.many(conn, blocks)
    _PUT_HEAD(conn, str(after))
    return Sealed(before=before, after=after)


def drop(conn: Connection) -> None:
    """Forget what was noted: the transaction was undone, or a new one begins."""
    conn.info[_PENDING] = []


def _pending(conn: Connection) -> list[_Pending]:
    pending: list[_Pending] = conn.info.setdefault(_PENDING, [])
    return pending


# --- reading --------------------------------------------------------------------------------------------------------


def head(conn: Connection) -> Head:
    """Give the chain's head; StoreError where it is damaged."""
    return Head.parse(_HEAD(conn).scalar())


def ends_with(conn: Connection, newest: Head) -> bool:
    """Tell whether what is kept of the chain's head is, to the letter, this one."""
    kept = _HEAD(conn).scalar()
    return kept == str(newest) or (newest.block == 0 and kept in {None, "0:"})


def others_after(conn: Connection, block: int) -> bool:
    """Tell whether anything but a learner's runs was appended after that block."""
    return _OTHERS(conn, block).first() is not None


def scan(conn: Connection, after: int = 0, page_size: int = _PAGE) -> Iterator[Block]:
    """Give the blocks above `after`, in order, a page at a time."""
    while page := [_block(row) for row in _AFTER(conn, after, page_size)]:
        yield from page
        after = page[-1].block


def of_kind(conn: Connection, kind: BlockKind, upto: int) -> list[Block]:
    """Give the blocks of a kind that is rare, up to one of that number, in order. O(blocks)."""
    return [_block(row) for row in _OF_KIND(conn, str(kind), upto)]


def _block(row: Row[Any]) -> Block:
    return Block(
        block=row.block,
        kind=BlockKind(row.kind),
        ranges=tuple((first, last) for first, last in orjson.loads(row.ranges)),
        touched=tuple(orjson.loads(row.touched)),
        digest=row.digest,
        link=row.link,
    )
