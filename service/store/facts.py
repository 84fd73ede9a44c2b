"""The facts log only grows: what was accepted once stays as it was accepted.

A message is found again by its source, trust and message id.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from heapq import nlargest
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Row, literal_column, select
from sqlalchemy.engine import Connection

from identity.observations import Trust
from service.events.event_identifiers import identifiers_of
from service.events.messages import Message, digest_of
from service.store import chain, faults, locks, message_ids
from service.store.chain import BlockKind
from service.store.schema import facts
from service.store.statements import Statement, listed
from service.store.times import from_micros, to_micros

_INSERT = Statement(
    "INSERT INTO facts (seq, kind, source, trust, message_id, digest, at, received_at, type, name, body, salt, "
    "row_digest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_LAST = Statement("SELECT coalesce(max(seq), 0) FROM facts")
_RESERVE = Statement("SELECT nextval('facts_seq_seq') FROM generate_series(1, ?)")
_READ = Statement("SELECT * FROM facts WHERE seq IN numbers(?) ORDER BY seq")
_OF_NODES = Statement(
    "SELECT * FROM facts WHERE seq IN (SELECT seq FROM sightings WHERE node IN numbers(?)) ORDER BY seq"
)
_ERASE = Statement(
    "UPDATE facts SET kind = 'erased', source = '', trust = 0, message_id = ?, digest = ?, at = 0, received_at = 0, "
    "type = ?, name = NULL, body = ?, salt = NULL WHERE seq = ?"
)
_RESTATE = Statement("UPDATE facts SET digest = ?, body = ?, salt = ? WHERE seq = ?")
_SEQS_OF_NODES = Statement("SELECT seq FROM sightings WHERE node IN numbers(?)")
_FIRST_OF_NODE = Statement(
    "SELECT facts.* FROM sightings JOIN facts ON facts.seq = sightings.seq "
    "WHERE sightings.node = ? AND sightings.seq > ? ORDER BY sightings.seq LIMIT ?"
)
TRACKED_NAMES = """
WITH RECURSIVE names (name) AS (
    SELECT min(name) FROM facts WHERE type = 'track'
    UNION ALL
    SELECT (SELECT min(facts.name) FROM facts WHERE facts.type = 'track' AND facts.name > names.name)
    FROM names WHERE names.name IS NOT NULL
)
SELECT name FROM names WHERE name IS NOT NULL
"""
_TRACKED = Statement(
    "SELECT at, seq FROM facts WHERE type = 'track' AND name = ? AND at >= ? AND (at, seq) < (?, ?) "
    "ORDER BY at DESC, seq DESC LIMIT ?"
)
_PAGE = 1_000
_FEW = 20

Place = tuple[int, int]
"""When an event happened, in microseconds since 1970, and its seq."""


class FactKind(StrEnum):
    """What an entry of the facts log is."""

    MESSAGE = "message"
    JUDGEMENT = "judgement"
    ERASURE = "erasure"
    ERASED = "erased"
    """What an erasure left of an entry: its digest, the key its message is known by, and the erasure's id."""


_BLOCKS = {
    FactKind.MESSAGE: BlockKind.FACTS,
    FactKind.JUDGEMENT: BlockKind.WORDS,
    FactKind.ERASURE: BlockKind.ERASURES,
}


class Entered(NamedTuple):
    """Where a message is in the log, under which digest, and whether it was put there just now.

    `erasure` is the id of the erasure that destroyed it since.
    """

    seq: int
    digest: bytes
    fresh: bool
    erasure: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """An entry of the facts log; `seq` counts from 1 in the order of acceptance."""

    seq: int
    kind: FactKind
    source: str
    trust: Trust
    message_id: str = field(repr=False)
    digest: bytes = field(repr=False)
    at: datetime
    received_at: datetime
    type: str
    name: str | None = field(repr=False)
    body: bytes = field(repr=False)


def append(conn: Connection, kind: FactKind, messages: Sequence[Message]) -> list[Entered]:
    """Append those of some different messages that the log does not hold, as one block; tell of each, in order.

    A message is known by source, trust and message id for ever.
    """
    if not messages:
        return []
    locks.join(conn)
    faults.reach("before_append")
    keys = [message_ids.key_of(m.source, m.trust, m.message_id) for m in messages]
    seqs = dict(zip(keys, _reserve(conn, len(keys)), strict=True))
    held = message_ids.claim(conn, seqs)
    fresh = [(seqs[key], message) for key, message in zip(keys, messages, strict=True) if key not in held]
    _write(conn, kind, fresh)
    before = {fact.seq: _entered_before(fact) for fact in read(conn, held.values())} if held else {}
    faults.reach("after_append")
    return [
        before[held[key]] if key in held else Entered(seqs[key], m.digest, fresh=True)
        for key, m in zip(keys, messages, strict=True)
    ]


def last_seq(conn: Connection) -> int:
    """Give the seq of the newest fact, 0 for an empty log."""
    seq: int = _LAST(conn).scalar_one()
    return seq


def read(conn: Connection, seqs: Iterable[int]) -> list[Fact]:
    """Give those facts by rising seq; seqs that do not exist are left out."""
    return [_fact(row) for row in _READ(conn, listed(seqs))]


def of_kind(conn: Connection, kind: FactKind) -> list[Fact]:
    """Give all facts of a kind that is rare, by rising seq: no messages."""
    # The literal is what lets SQLite use the partial index.
    rare = select(facts).where(facts.c.kind != literal_column("'message'"), facts.c.kind == str(kind))
    return [_fact(row) for row in conn.execute(rare.order_by(facts.c.seq))]


def scan(conn: Connection, after: int = 0) -> Iterator[Fact]:
    """Give all facts with a seq above `after` by rising seq, a page at a time."""
    pages = select(facts).order_by(facts.c.seq).limit(_PAGE)
    while page := [_fact(row) for row in conn.execute(pages.where(facts.c.seq > after))]:
        yield from page
        after = page[-1].seq


def of_nodes(conn: Connection, nodes: Sequence[int]) -> list[Fact]:
    """Give the facts that any of those nodes was seen in, each once, by rising seq."""
    return [_fact(row) for row in _OF_NODES(conn, listed(nodes))]


def left_of_nodes(conn: Connection, nodes: Sequence[int], lost: Collection[int]) -> list[Fact]:
    """Give the facts that any of those nodes was seen in, but those lost, by rising seq; the lost are not read."""
    return read(conn, sorted({row.seq for row in _SEQS_OF_NODES(conn, listed(nodes))}.difference(lost)))


def first_of_node(conn: Connection, node: int) -> Iterator[Fact]:
    """Give the facts that a node was seen in by rising seq, a few at a time."""
    after = 0
    while page := [_fact(row) for row in _FIRST_OF_NODE(conn, node, after, _FEW)]:
        yield from page
        after = page[-1].seq


def tracked_names(conn: Connection) -> list[str]:
    """Give the distinct names of all track events, sorted; one step of the index each, however many events."""
    return list(conn.exec_driver_sql(TRACKED_NAMES).scalars())


def tracked(conn: Connection, names: Sequence[str], since: datetime, before: Place, most: int) -> list[Place]:
    """Give the last `most` track events of those names before a place, none from before `since`, the latest first.

    O(names · most), by an index.
    """
    found = (tuple(row) for name in names for row in _TRACKED(conn, name, to_micros(since), *before, most))
    return nlargest(most, found)


def erase(conn: Connection, seqs: Sequence[int], erasure: str) -> None:
    """Destroy facts: of each remain its row digest, the key it is known by and the erasure's id.

    Those destroyed before stay as they are.
    """
    doomed = [fact for fact in read(conn, seqs) if fact.kind is not FactKind.ERASED]
    _ERASE.many(conn, [(key_of(fact).hex(), b"", erasure, b"", fact.seq) for fact in doomed])


def restated_digest(fact: Fact, body: bytes, salt: bytes) -> bytes:
    """Give the row digest that a fact would have with another body and salt."""
    told = (str(fact.kind), fact.source, int(fact.trust), fact.message_id, digest_of(body).hex())
    when = (to_micros(fact.at), to_micros(fact.received_at), fact.type, fact.name)
    return chain.row_digest(salt, (*told, *when), body)


def restate(conn: Connection, fact: Fact, body: bytes, salt: bytes) -> None:
    """Let a fact say something else; an erasure in the log holds its new row digest, the chain the old one."""
    _RESTATE(conn, digest_of(body), body, salt, fact.seq)


def key_of(fact: Fact) -> bytes:
    """Give what an entry of the log is known by."""
    if fact.kind is FactKind.ERASED:
        return bytes.fromhex(fact.message_id)
    return message_ids.key_of(fact.source, fact.trust, fact.message_id)


def message(fact: Fact) -> Message:
    """Give the message back that an entry of the log was."""
    content = orjson.loads(fact.body)
    restored = Message(
        message_id=fact.message_id,
        type=fact.type,
        name=fact.name,
        source=fact.source,
        trust=fact.trust,
        at=fact.at,
        received_at=fact.received_at,
        identifiers=identifiers_of(content),
        body=fact.body,
        digest=fact.digest,
    )
    restored.__dict__["content"] = content  # what the cached property would parse once more
    return restored


def _entered_before(fact: Fact) -> Entered:
    erasure = fact.type if fact.kind is FactKind.ERASED else None
    return Entered(fact.seq, fact.digest, fresh=False, erasure=erasure)


def _reserve(conn: Connection, number: int) -> list[int]:
    """Give the next seqs: without gaps where one process writes at a time, else from the database's sequence."""
    if conn.dialect.name == "postgresql":
        return sorted(_RESERVE(conn, number).scalars())
    first = last_seq(conn) + 1
    return list(range(first, first + number))


def _write(conn: Connection, kind: FactKind, fresh: Sequence[tuple[int, Message]]) -> None:
    salted = zip(fresh, chain.salts(len(fresh)), strict=True)
    rows = [_row(seq, kind, message, salt) for (seq, message), salt in salted]
    _INSERT.many(conn, rows)
    chain.note(conn, _BLOCKS[kind], [(row[0], row[-1]) for row in rows])


def _row(seq: int, kind: FactKind, message: Message, salt: bytes) -> tuple[Any, ...]:
    at, received_at = to_micros(message.at), to_micros(message.received_at)
    told = (str(kind), message.source, int(message.trust), message.message_id)
    when = (at, received_at, message.type, message.name)
    row_digest = chain.row_digest(salt, (*told, message.digest.hex(), *when), message.body)
    return (seq, *told, message.digest, *when, message.body, salt, row_digest)


def _fact(row: Row[Any]) -> Fact:
    return Fact(
        seq=row.seq,
        kind=FactKind(row.kind),
        source=row.source,
        trust=Trust(row.trust),
        message_id=row.message_id,
        digest=row.digest,
        at=from_micros(row.at),
        received_at=from_micros(row.received_at),
        type=row.type,
        name=row.name,
        body=row.body,
    )
