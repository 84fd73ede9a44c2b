"""Messages become facts: each once, appended to the log and folded into the profiles in the same transaction."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from sqlalchemy.engine import Connection

from identity.observations import Trust
from service.messages import Message
from service.people import People
from service.store import changes, facts
from service.store.facts import FactKind

_Name = tuple[str, Trust, str]
"""What a message is known by."""


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
    firsts: dict[_Name, Message] = {}
    for message in messages:
        firsts.setdefault(_name(message), message)
    # In the order of the replay: what comes late replays its component, and clients send batches in any order.
    ordered = sorted(firsts.values(), key=lambda m: (m.at, m.message_id, m.source, m.trust))
    entered = facts.append(conn, FactKind.MESSAGE, ordered)
    changes.note(conn, people.take(conn, [(e.seq, m) for e, m in zip(entered, ordered, strict=True) if e.fresh]))
    digests = {_name(m): each.digest for each, m in zip(entered, ordered, strict=True)}
    return _receipts(
        messages, digests, fresh={_name(m) for each, m in zip(entered, ordered, strict=True) if each.fresh}
    )


def _name(message: Message) -> _Name:
    return message.source, message.trust, message.message_id


def _receipts(messages: Sequence[Message], digests: Mapping[_Name, bytes], fresh: set[_Name]) -> list[Receipt]:
    """Tell what became of each message, given the digests in the log; of a fresh name the first one was accepted."""
    receipts = []
    for message in messages:
        name = _name(message)
        if name in fresh:
            fresh.discard(name)
            receipts.append(Receipt.ACCEPTED)
        else:
            receipts.append(Receipt.DUPLICATE if digests[name] == message.digest else Receipt.CONFLICT)
    return receipts
