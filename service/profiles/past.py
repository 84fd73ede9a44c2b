"""Who is who today, or who was who by what was known at a moment: asked in the same words.

What came to be known later, a merger above all, does not show; what was erased since does not either.
"""

from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import Protocol

from sqlalchemy.engine import Connection

from identity.component import Component
from identity.explain import Explanation, explain, seen_beside
from identity.identifiers import Identifier
from identity.judgements import in_force
from identity.normalize import normalize
from identity.profiles import ProfileId, ProfileRef
from service.errors import ApiError
from service.profiles import finding
from service.profiles.filed import Filing
from service.profiles.people import People
from service.profiles.profile_view import ProfileView, view_of
from service.profiles.reading import Known, known_by
from service.profiles.turnover import current
from service.store import nodes


class Who(Protocol):
    """Whom ids and identifiers stand for. Every answer is of one transaction."""

    def view(self, wanted: ProfileId) -> ProfileView:
        """Give the profile an id stands for; ApiError 404 for none."""
        ...

    def profile_of(self, namespace: str, value: str) -> ProfileView:
        """Give the profile that holds an identifier; ApiError 404 for none."""
        ...

    def component_of(self, view: ProfileView) -> Component:
        """Give the raw component of a profile given before."""
        ...

    def explain(self, left: Identifier, right: Identifier) -> Explanation:
        """Tell why two identifiers are in one profile, or why not."""
        ...


def who(people: People, conn: Connection, as_of: datetime | None) -> Who:
    """Give who is who today (None), or as of a moment."""
    return Present(people, conn) if as_of is None else Past(people, conn, as_of)


class Present:
    """Today, by all that is known."""

    def __init__(self, people: People, conn: Connection) -> None:
        self._people = people
        self._conn = conn

    def view(self, wanted: ProfileId) -> ProfileView:
        """Give the profile an id stands for; ApiError 404 for none."""
        return _known(finding.view(self._conn, self._people, wanted))

    def profile_of(self, namespace: str, value: str) -> ProfileView:
        """Give the profile that holds an identifier; ApiError 404 for none."""
        return _known(finding.profile_of(self._conn, self._people, namespace, value))

    def component_of(self, view: ProfileView) -> Component:
        """Give the raw component of a profile given before."""
        component = self._people.component_of(self._conn, view.profile.founder)
        if component is None:
            raise LookupError("a profile's founder is in a component")
        return component

    def explain(self, left: Identifier, right: Identifier) -> Explanation:
        """Tell why two identifiers are in one profile, or why not."""
        people = self._people
        people.begin(self._conn)
        people.hold(self._conn, [left, right])
        found = people.shelf.find([left, right])
        hubs = people.shelf.hubs(seen_beside([left, right], found))
        return explain(left, right, found, in_force(people.incremental.words), hubs)


class Past:
    """A moment: R of the facts and judgements known by then."""

    def __init__(self, people: People, conn: Connection, moment: datetime) -> None:
        self._people = people
        self._conn = conn
        self._moment = moment
        self._components: dict[ProfileRef, Component] = {}

    def view(self, wanted: ProfileId) -> ProfileView:
        """Give the profile an id stood for: itself, who had absorbed it by then, or who held its founder."""
        founder = nodes.founders_of(self._conn, [wanted]).get(wanted)
        if founder is None:
            return _known(None)
        known = known_by(self._conn, self._people, [founder], self._moment)
        component = self._component(known, founder)
        return self._view(known, component, current(component, founder, wanted, self._people.id_of), wanted)

    def profile_of(self, namespace: str, value: str) -> ProfileView:
        """Give the profile that held an identifier; ApiError 404 for none."""
        identifier = normalize(namespace, value, self._people.rules)
        if not isinstance(identifier, Identifier):
            return _known(None)
        known = known_by(self._conn, self._people, [identifier], self._moment)
        component = self._component(known, identifier)
        return self._view(known, component, component.replay.ref(identifier), None)

    def component_of(self, view: ProfileView) -> Component:
        """Give the raw component of a profile given before."""
        return self._components[view.profile.ref]

    def explain(self, left: Identifier, right: Identifier) -> Explanation:
        """Tell why two identifiers were in one profile, or why not."""
        known = known_by(self._conn, self._people, [left, right], self._moment)
        found = known.shelf.find([left, right])
        return explain(left, right, found, known.judgements, known.shelf.hubs(seen_beside([left, right], found)))

    def _component(self, known: Known, identifier: Identifier) -> Component:
        found = known.shelf.find([identifier])
        if not found:
            message = "nothing was known of it at that moment, or too many persons shared it; today: leave as_of out"
            raise ApiError(HTTPStatus.NOT_FOUND, "not_known_then", message)
        return found[0]

    def _view(self, known: Known, component: Component, ref: ProfileRef, asked: ProfileId | None) -> ProfileView:
        self._components[ref] = component
        id_of = self._people.id_of
        filed = Filing(id_of).file(component, known.messages)
        view = view_of(component, ref, asked, filed=filed, hubs=known.shelf.hubs, id_of=id_of)
        return replace(
            view, parted=tuple(finding.parted(self._conn, self._people, view.profile.identifiers, known.judgements))
        )


def _known(view: ProfileView | None) -> ProfileView:
    if view is None:
        message = "no such profile: this was never seen, or too many persons share it"
        raise ApiError(HTTPStatus.NOT_FOUND, "unknown_profile", message)
    return view
