"""Who was erased, and what an erasure covers; names are compared as tombstones, which tell nobody's name."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from identity.component import Component
from identity.covering import Covered, covered
from identity.identifiers import Identifier
from identity.profiles import ProfileId, ProfileRef
from service.events.messages import Message
from service.profiles.people import People
from service.profiles.turnover import current
from service.store import nodes


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What an erasure covers: facts by seq, with their types, and all ids that its profiles were ever known by."""

    covered: Covered
    types: Mapping[int, str]
    profile_ids: tuple[ProfileId, ...]

    @property
    def seqs(self) -> Collection[int]:
        """The facts, by seq."""
        return self.types.keys()


def kept_out_by(conn: Connection, people: People, messages: Sequence[Message]) -> list[str | None]:
    """Give, for each message, the erasure that forbids to believe it; None for those that none forbids."""
    buried = people.graves(conn)
    if buried.find is None:
        return [None] * len(messages)
    observed = [people.observe(message) for message in messages]
    return [_erasure_of(people, each.identifiers) if buried.drops(each) else None for each in observed]


def erased(conn: Connection, people: People, ask: Sequence[tuple[str, str]], wanted: ProfileId | None) -> bool:
    """Tell whether somebody was erased who is meant by raw names, or by a profile's id, and has not come back."""
    graves = people.graves(conn)
    if graves.find is None:
        return False
    if wanted is not None and people.erasure_of(profile_name(wanted)) is not None:
        return nodes.founder_of(conn, wanted) is None
    read = [i for i in (people.read(*raw) for raw in ask) if isinstance(i, Identifier)]
    gone = [i for i in read if graves.of(i) is not None]
    return any(people.shelf.component_of(i) is None for i in gone)


def erasures_of(conn: Connection, people: People, identifiers: Iterable[Identifier]) -> list[str | None]:
    """Give the erasure that each of these was covered by last, None for those never erased."""
    people.begin(conn)
    return [people.erasure_of(i) for i in identifiers]


def coverage(conn: Connection, people: People, given: Collection[Identifier]) -> Coverage:
    """Give what an erasure of these identifiers would cover, and by which ids its profiles were ever known."""
    people.begin(conn)
    people.hold(conn, sorted(given))
    found = people.shelf.find(sorted(given))
    gone = covered(given, found, people.shelf.hubs(given), people.rules, people.key)
    lost = {observation.key for observation in gone.observations}
    types = {
        seq: message.type
        for c in found
        for seq, (message, observation) in people.shelf.history(c).items()
        if observation.key in lost
    }
    return Coverage(covered=gone, types=types, profile_ids=tuple(_ids_of(conn, people, found, gone.profiles)))


def profile_name(known_as: ProfileId) -> Identifier:
    """Give the name that a tombstone of a profile's id is made of: no event can carry it."""
    return Identifier("homing:profile", known_as)


def _erasure_of(people: People, identifiers: Iterable[Identifier]) -> str:
    """Give the erasure that one of these was covered by last."""
    return next(name for i in identifiers if (name := people.erasure_of(i)) is not None)


def _ids_of(
    conn: Connection, people: People, found: Sequence[Component], refs: Collection[ProfileRef]
) -> Iterable[ProfileId]:
    """Give all ids ever issued that stand for some profiles today."""
    numbers = {number for c in found if (number := people.shelf.number_of(c)) is not None}
    by_founder = {i: c for c in found for i in c.known}
    for known_as, founder in nodes.issued_of(conn, sorted(numbers)):
        component = by_founder.get(founder.identifier)
        if component is not None and current(component, founder.identifier, known_as, people.id_of) in refs:
            yield known_as
