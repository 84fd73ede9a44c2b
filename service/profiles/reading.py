"""What was known at a moment, read of today's components; whatever is read is held first, and its messages kept."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from sqlalchemy.engine import Connection

from identity.component import Component
from identity.history import History
from identity.hubs import Hubs
from identity.identifiers import Identifier
from identity.judgements import Judgement, in_force
from identity.observations import Observation
from identity.ports import MemoryShelf
from service.events.messages import Message
from service.profiles.people import People
from service.profiles.shelf import History as Messages
from service.profiles.shelf import StoreShelf


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Who was who at a moment and the judgements in force then; `messages` are those of it, and later ones."""

    shelf: MemoryShelf
    judgements: Sequence[Judgement]
    messages: Mapping[int, tuple[Message, Observation]] = field(repr=False)


class Reader:
    """Reads a shelf for `identity.history`."""

    def __init__(self, shelf: StoreShelf, hold: Callable[[Collection[Identifier]], None]) -> None:
        self._shelf = shelf
        self._hold = hold
        self.messages: Messages = {}

    def hubs(self, identifiers: Iterable[Identifier]) -> Hubs:
        """Tell which of these are known as hubs."""
        return self._shelf.hubs(self._held(identifiers))

    def find(self, identifiers: Iterable[Identifier]) -> Sequence[Component]:
        """Give the distinct components that hold any of these."""
        found = self._shelf.find(self._held(identifiers))
        for component in found:
            self.messages |= self._shelf.history(component)
        return found

    def naming(self, identifiers: Iterable[Identifier]) -> Iterator[Observation]:
        """Give every fact that names any of these hubs."""
        for seq, seen in self._shelf.facts_naming(self._held(identifiers)):
            self.messages[seq] = seen
            yield seen[1]

    def _held(self, identifiers: Iterable[Identifier]) -> list[Identifier]:
        some = sorted(identifiers)
        self._hold(some)
        return some


def known_by(conn: Connection, people: People, identifiers: Iterable[Identifier], moment: datetime) -> Known:
    """Give what was known at a moment that bears on some identifiers."""
    people.begin(conn)
    incremental, reader = people.incremental, Reader(people.shelf, partial(people.hold, conn))
    past = History(
        rules=people.rules,
        shelf=reader,
        naming=reader.naming,
        words=incremental.words,
        graves=incremental.graves,
    )
    return Known(
        shelf=past.past(identifiers, moment),
        judgements=tuple(in_force(incremental.words, moment)),
        messages=reader.messages,
    )
