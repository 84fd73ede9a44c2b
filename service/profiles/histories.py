"""What happened to a profile: its events and why they are its own, mergers and splits, what people said of it.

Of one moment the order is that of the log. Reading changes nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.engine import Connection

from identity.identifiers import Identifier
from identity.judgements import Judgement, Undo
from identity.observations import ReplayKey
from identity.ownership import Attributed
from identity.profiles import ProfileId
from service.judgements.words import read_word
from service.profiles.change_answers import told
from service.profiles.filed import SeenFact
from service.profiles.past import who
from service.profiles.people import People
from service.profiles.profile_view import ProfileView
from service.schemas.changes import ChangeShown
from service.store import changes, facts, nodes
from service.store.facts import FactKind
from service.store.times import to_micros
from service.web.pages import Page, page


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A judgement, or (`undone`) that it counts no more."""

    word: Judgement
    undone: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Something that happened at a moment; `number` tells entries of one moment apart."""

    at: datetime
    number: int
    what: SeenFact | ChangeShown | Said = field(repr=False)

    @property
    def place(self) -> tuple[int, ...]:
        """Where it stands among all entries."""
        return to_micros(self.at), self.number


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A page of a profile's history: `grounds` tell why its events are whose they are."""

    view: ProfileView
    absorbed: Sequence[ProfileId]
    entries: Page[Entry]
    grounds: dict[ReplayKey, Attributed] = field(repr=False)


def history(conn: Connection, people: People, profile_id: ProfileId, cursor: str | None, limit: int) -> History:
    """Read a page of what happened to a profile; ApiError 404 for none, 422 for what is no cursor of it."""
    looking = who(people, conn, None)
    view = looking.view(profile_id)
    absorbed = sorted(nodes.founders_of(conn, view.absorbed))
    entries = [*_events(view), *_changes(conn, [view.profile.profile_id, *absorbed]), *_said(conn, view)]
    found = page(entries, lambda entry: entry.place, cursor, limit)
    shown = {e.what.observation.key for e in found.entries if isinstance(e.what, SeenFact)}
    grounds = looking.component_of(view).owners().grounds(shown)
    return History(view=view, absorbed=absorbed, entries=found, grounds=grounds)


def concerning(view: ProfileView) -> list[SeenFact]:
    """Give the events that are a profile's, or name one of its identifiers."""
    members, mine = frozenset(view.profile.identifiers), view.profile.profile_id
    return [fact for fact in view.facts if fact.owner == mine or not members.isdisjoint(fact.observation.identifiers)]


def _events(view: ProfileView) -> Iterator[Entry]:
    return (Entry(at=fact.message.at, number=2 * fact.seq, what=fact) for fact in concerning(view))


def _changes(conn: Connection, profile_ids: Sequence[ProfileId]) -> Iterator[Entry]:
    # Odd numbers, for a change's position may be an event's, too.
    shown = told(changes.of_profiles(conn, profile_ids))
    return (Entry(at=change.at, number=2 * int(change.position) + 1, what=change) for change in shown)


def _said(conn: Connection, view: ProfileView) -> Iterator[Entry]:
    """Give the judgements that name a member, and their undoing."""
    members: frozenset[Identifier] = frozenset(view.profile.identifiers)
    concerned: dict[str, Judgement] = {}
    for fact in facts.of_kind(conn, FactKind.JUDGEMENT):
        word = read_word(fact)
        if isinstance(word, Judgement) and not members.isdisjoint(word.identifiers):
            concerned[word.id] = word
            yield Entry(at=fact.at, number=2 * fact.seq, what=Said(word=word, undone=False))
        elif isinstance(word, Undo) and word.judgement in concerned:
            yield Entry(at=fact.at, number=2 * fact.seq, what=Said(word=concerned[word.judgement], undone=True))
