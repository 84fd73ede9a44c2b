"""Messages become facts: each once, appended to the log and folded into the profiles in the same transaction."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.engine import Connection

from identity.observations import Trust
from service.erasures import burials
from service.events.identity_tokens import REPLAYED, Presented
from service.events.messages import Message, Rejection
from service.profiles.people import People
from service.store import changes, facts, message_ids, purges, used_tokens
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
    people.hold_named(conn, messages)
    kept_out = burials.kept_out_by(conn, people, messages)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of an event, and why its identity token did not count (None: it had none, or it did)."""

    receipt: Receipt
    warning: Rejection | None = None


def admit(conn: Connection, people: People, events: Sequence[Message | Presented]) -> list[Taken]:
    """Take in events, those with a good identity token as verified; give what became of each, in order.

    A token counts once, for the event that showed it first and that event's repetitions. An event that is in the log,
    verified or as its key lets it be, stays as it is there, whatever has become of its token.
    """
    shown = [each for each in events if isinstance(each, Presented)]
    if not shown:
        return [
            Taken(receipt=receipt) for receipt in ingest(conn, people, [e for e in events if isinstance(e, Message)])
        ]
    # Before it is looked what the log holds: a repetition may be on its way into it.
    verified = (each.verified for each in shown if each.verified is not None)
    people.hold_named(conn, [*(each.own if isinstance(each, Presented) else each for each in events), *verified])
    chosen = [_chosen(conn, each) if isinstance(each, Presented) else (each, None) for each in events]
    receipts = iter(ingest(conn, people, [message for message, _ in chosen if message is not None]))
    return [
        Taken(receipt=Receipt.DUPLICATE if message is None else next(receipts), warning=warning)
        for message, warning in chosen
    ]


def _chosen(conn: Connection, event: Presented) -> tuple[Message | None, Rejection | None]:
    """Choose as which message an event counts (None: it is in the log, verified), and what is told of its token."""
    own = event.own
    key = message_ids.key_of(own.source, Trust.VERIFIED, own.message_id)
    if event.verified is None or event.use is None:
        return (None, None) if message_ids.holds(conn, key) else (own, event.fault)
    if message_ids.holds(conn, message_ids.key_of(own.source, own.trust, own.message_id)):
        return own, None
    return (event.verified, None) if used_tokens.claim(conn, event.use, key) else (own, REPLAYED)


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
