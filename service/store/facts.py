"""The facts log only grows: what was accepted once stays as it was accepted.

A message is found again by its source, trust and message id.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson
from sqlalchemy import Row, literal_column, select
from sqlalchemy.engine import Connection

from identity.observations import Trust
from service.event_identifiers import identifiers_of
from service.messages import Message
from service.store.lists import listed
from service.store.schema import facts
from service.store.times import from_micros, to_micros

_INSERT = (
    "INSERT INTO facts (seq, kind, source, trust, message_id, digest, at, received_at, type, name, body) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
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
_PAGE = 1_000


class FactKind(StrEnum):
    """What an entry of the facts log is."""

    MESSAGE = "message"
    JUDGEMENT = "judgement"
    ERASURE = "erasure"


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


def known(conn: Connection, source: str, trust: Trust, message_ids: Sequence[str]) -> Mapping[str, bytes]:
    """Give the digests of those messages that the log holds already, by message id; one statement for all."""
    rows = conn.exec_driver_sql(
        "SELECT message_id, digest FROM facts "
        "WHERE source = ? AND trust = ? AND message_id IN (SELECT value FROM json_each(?))",
        (source, int(trust), listed(message_ids)),
    )
    return {row.message_id: row.digest for row in rows}


def append(conn: Connection, kind: FactKind, messages: Sequence[Message]) -> list[int]:
    """Append messages not known yet; give each one's seq, in order.

    Raises sqlalchemy's IntegrityError where (source, trust, message id) is known: ask `known` first.
    """
    first = last_seq(conn) + 1
    rows = [_row(seq, kind, message) for seq, message in enumerate(messages, first)]
    if rows:
        conn.exec_driver_sql(_INSERT, rows)
    return [row[0] for row in rows]


def last_seq(conn: Connection) -> int:
    """Give the seq of the newest fact, 0 for an empty log."""
    seq: int = conn.exec_driver_sql("SELECT coalesce(max(seq), 0) FROM facts").scalar_one()
    return seq


def read(conn: Connection, seqs: Sequence[int]) -> list[Fact]:
    """Give those facts by rising seq; seqs that do not exist are left out."""
    rows = conn.exec_driver_sql(
        "SELECT * FROM facts WHERE seq IN (SELECT value FROM json_each(?)) ORDER BY seq", (listed(seqs),)
    )
    return [_fact(row) for row in rows]


def scan(conn: Connection, after: int = 0, kind: FactKind | None = None) -> Iterator[Fact]:
    """Give all facts with a seq above `after` by rising seq, a page at a time; of one kind, if asked."""
    pages = select(facts).order_by(facts.c.seq).limit(_PAGE)
    if kind is not None:
        pages = pages.where(facts.c.kind == str(kind))
    while page := [_fact(row) for row in conn.execute(pages.where(facts.c.seq > after))]:
        yield from page
        after = page[-1].seq


def of_nodes(conn: Connection, nodes: Sequence[int]) -> list[Fact]:
    """Give the facts that any of those nodes was seen in, each once, by rising seq."""
    rows = conn.exec_driver_sql(
        "SELECT * FROM facts WHERE seq IN "
        "(SELECT seq FROM sightings WHERE node IN (SELECT value FROM json_each(?))) ORDER BY seq",
        (listed(nodes),),
    )
    return [_fact(row) for row in rows]


def tracked_names(conn: Connection) -> list[str]:
    """Give the distinct names of all track events, sorted; one step of the index each, however many events."""
    return list(conn.exec_driver_sql(TRACKED_NAMES).scalars())


def tracked(conn: Connection, names: Sequence[str], since: datetime) -> list[int]:
    """Give the seqs of the track events of those names that happened at or after `since`, by rising seq."""
    found: set[int] = set()
    for start in range(0, len(names), _PAGE):
        found.update(
            conn.execute(
                # The literal is what lets SQLite use the partial index.
                select(facts.c.seq).where(
                    facts.c.type == literal_column("'track'"),
                    facts.c.name.in_(names[start : start + _PAGE]),
                    facts.c.at >= to_micros(since),
                )
            ).scalars()
        )
    return sorted(found)


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


def _row(seq: int, kind: FactKind, message: Message) -> tuple[Any, ...]:
    return (
        seq,
        str(kind),
        message.source,
        int(message.trust),
        message.message_id,
        message.digest,
        to_micros(message.at),
        to_micros(message.received_at),
        message.type,
        message.name,
        message.body,
    )


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
