"""Whose profile is meant: by its id, by one of its identifiers, or by all that an event names."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy.engine import Connection

from identity.component import Component
from identity.identifiers import Identifier, NamespaceClass
from identity.judgements import Judgement, in_force
from identity.ownership import deciding
from identity.profiles import Profile, ProfileId, ProfileRef
from service.profiles.people import People
from service.profiles.profile_view import Glance, Parted, ProfileView, face_of, view_of
from service.profiles.turnover import current
from service.store import nodes


def view(conn: Connection, people: People, wanted: ProfileId) -> ProfileView | None:
    """Give the profile an id stands for today: itself, the survivor, or whoever holds its founder; None if none."""
    people.begin(conn)
    node = nodes.founder_of(conn, wanted)
    if node is not None:
        people.hold(conn, [node.identifier])
    component = None if node is None else people.shelf.component_of(node.identifier)
    if node is None or component is None:
        return None
    ref = current(component, node.identifier, wanted, people.id_of)
    return _view(conn, people, component, ref, wanted)


def profile_of(conn: Connection, people: People, namespace: str, value: str) -> ProfileView | None:
    """Give the profile that holds an identifier today; None if it was never seen or is a hub."""
    people.begin(conn)
    identifier = people.read(namespace, value)
    if not isinstance(identifier, Identifier):
        return None
    people.hold(conn, [identifier])
    component = people.shelf.component_of(identifier)
    if component is None:
        return None
    return _view(conn, people, component, component.replay.ref(identifier), None)


def who(conn: Connection, people: People, recipient: Sequence[tuple[str, str]], at: datetime) -> Glance | None:
    """Give whose an event with these raw identifiers would be at a moment; None for people never seen.

    A device belongs to who held it then, a contact to the person it was last seen with before. Where the person
    named first was never seen, another person's device or contact beside it does not make it that one.
    """
    people.begin(conn)
    read = [i for i in (people.read(*raw) for raw in recipient) if isinstance(i, Identifier)]
    named = sorted(read, key=people.rules.rank)
    people.hold(conn, named)
    known = [i for i in named if people.shelf.component_of(i) is not None]
    if not known:
        return None
    persons = [i for i in named if people.rules.kind(i) is NamespaceClass.PERSON]
    component = people.shelf.component_of(known[0])
    assert component is not None  # noqa: S101 - it is of a known one
    together = [i for i in known if i in component.known]
    person = component.replay.person(deciding(together, people.rules))
    ref = component.owners().at(together, at, person)
    seen = None if ref is None else _glance(conn, people, component, ref)
    another = seen is not None and seen.profile.is_person and bool(persons) and persons[0] not in known
    return None if another else seen


def parted(
    conn: Connection, people: People, members: Collection[Identifier], words: Collection[Judgement]
) -> Iterator[Parted]:
    """Give whom these judgements parted from these."""
    parting = people.parting(conn) if words else frozenset[str]()
    for word in words if parting else ():
        if word.id in parting:
            for mine, theirs in ((word.left, word.right), (word.right, word.left)):
                if not mine.isdisjoint(members):
                    yield Parted(others=theirs.difference(members), at=word.at)


def _view(
    conn: Connection, people: People, component: Component, ref: ProfileRef, asked: ProfileId | None
) -> ProfileView:
    filed = people.filing.file(component, people.shelf.history(component))
    seen = view_of(component, ref, asked, filed=filed, hubs=people.shelf.hubs, id_of=people.id_of)
    return replace(seen, parted=_parted(conn, people, seen.profile))


def _glance(conn: Connection, people: People, component: Component, ref: ProfileRef) -> Glance:
    filed = people.filing.file(component, people.shelf.history(component))
    faces = people.faces.setdefault(filed, {})
    if ref not in faces:
        faces[ref] = face_of(component, ref, people.id_of)
    profile, absorbed = faces[ref]
    return Glance(profile=profile, absorbed=absorbed, filed=filed, parted=_parted(conn, people, profile))


def _parted(conn: Connection, people: People, profile: Profile) -> tuple[Parted, ...]:
    return tuple(parted(conn, people, profile.identifiers, in_force(people.incremental.words)))
