"""Messages become facts: each once, appended to the log and folded into the profiles in the same transaction."""

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum

from sqlalchemy.engine import Connection

from identity.observations import Trust
from service.messages import Message
from service.people import People
from service.store import changes, facts, purges
from service.store.facts import Entered, FactKind

_Name = tuple[str, Trust, str]
"""What a message is known by."""


class Receipt(StrEnum):
    """What became of a message: it is in the log now, was there already, or another one is under its id.

    DROPPED: it tells of somebody who was erased. It is counted, and kept nowhere.
    """

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    DROPPED = "dropped"


def ingest(conn: Connection, people: People, messages: Sequence[Message]) -> list[Receipt]:
    """Take in messages; give what became of each, in order.

    A message is known by (source, trust, message id) for ever. The same one again changes nothing; one of the same id
    with another content is a conflict and changes nothing either. What an erasure forbids to believe, and what it
    destroyed, is dropped before the log.
    """
    people.hold(conn, messages)
    kept_out = people.kept_out_by(conn, messages)
    if not any(kept_out):
        receipts = _take(conn, people, messages)
    else:
        believed = iter(_take(conn, people, [m for m, by in zip(messages, kept_out, strict=True) if by is None]))
        receipts = [(Receipt.DROPPED, by) if by is not None else next(believed) for by in kept_out]
    purges.count_dropped(conn, Counter(by for _, by in receipts if by is not None))
    return [receipt for receipt, _ in receipts]


def _take(conn: Connection, people: People, messages: Sequence[Message]) -> list[tuple[Receipt, str | None]]:
    """Take in messages that may be believed; beside DROPPED stands the erasure that destroyed the same one before."""
    firsts: dict[_Name, Message] = {}
    for message in messages:
        firsts.setdefault(_name(message), message)
    # In the order of the replay: what comes late replays its component, and clients send batches in any order.
    ordered = sorted(firsts.values(), key=lambda m: (m.at, m.message_id, m.source, m.trust))
    entered = facts.append(conn, FactKind.MESSAGE, ordered)
    changes.note(conn, people.take(conn, [(e.seq, m) for e, m in zip(entered, ordered, strict=True) if e.fresh]))
    return _receipts(messages, {_name(m): each for each, m in zip(entered, ordered, strict=True)})


def _name(message: Message) -> _Name:
    return message.source, message.trust, message.message_id


def _receipts(messages: Sequence[Message], entered: Mapping[_Name, Entered]) -> list[tuple[Receipt, str | None]]:
    """Tell what became of each message, given what is in the log; of a fresh name the first one was accepted."""
    fresh = {name for name, each in entered.items() if each.fresh}
    receipts: list[tuple[Receipt, str | None]] = []
    for message in messages:
        name = _name(message)
        if name in fresh:
            fresh.discard(name)
            receipts.append((Receipt.ACCEPTED, None))
        elif entered[name].erasure is not None:
            receipts.append((Receipt.DROPPED, entered[name].erasure))
        else:
            same = entered[name].digest == message.digest
            receipts.append((Receipt.DUPLICATE if same else Receipt.CONFLICT, None))
    return receipts
