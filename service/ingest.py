"""Messages become facts: each once, appended to the log and folded into the profiles in the same transaction."""

from collections.abc import Sequence
from enum import StrEnum

from sqlalchemy.engine import Connection

from identity.observations import Trust
from service.messages import Message
from service.people import People
from service.store import facts
from service.store.facts import FactKind


class Receipt(StrEnum):
    """What became of a message: it is in the log now, was there already, or another one is under its id."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"


def ingest(conn: Connection, people: People, messages: Sequence[Message]) -> list[Receipt]:
    """Take in messages; give what became of each, in order.

    A message is known by (source, trust, message id) for ever. The same one again changes nothing; one of the same id
    with another content is a conflict and changes nothing either.
    """
    people.hold(conn, messages)
    known = _known(conn, messages)
    receipts: list[Receipt] = []
    fresh: list[Message] = []
    for message in messages:
        name = (message.source, message.trust, message.message_id)
        if name not in known:
            known[name] = message.digest
            fresh.append(message)
            receipts.append(Receipt.ACCEPTED)
        else:
            receipts.append(Receipt.DUPLICATE if known[name] == message.digest else Receipt.CONFLICT)
    # In the order of the replay: what comes late replays its component, and clients send batches in any order.
    fresh.sort(key=lambda m: (m.at, m.message_id, m.source, m.trust))
    seqs = facts.append(conn, FactKind.MESSAGE, fresh)
    people.take(conn, list(zip(seqs, fresh, strict=True)))
    return receipts


def _known(conn: Connection, messages: Sequence[Message]) -> dict[tuple[str, Trust, str], bytes]:
    """Give the digests of those that the log holds already."""
    by_source: dict[tuple[str, Trust], list[str]] = {}
    for message in messages:
        by_source.setdefault((message.source, message.trust), []).append(message.message_id)
    return {
        (source, trust, message_id): digest
        for (source, trust), ids in by_source.items()
        for message_id, digest in facts.known(conn, source, trust, ids).items()
    }
