"""A profile as a graph: its identifiers, and the links between them."""

from sqlalchemy.engine import Connection

from identity.graph import Graph, to_networkx
from identity.identifiers import Identifier
from service.masks import mask
from service.people import People, ProfileView


def profile_graph(people: People, conn: Connection, view: ProfileView, *, pii: bool) -> Graph:
    """Give a profile's graph; without `pii` values are masked and nodes numbered."""
    component = people.component_of(conn, view.profile.ref.founder)
    if component is None:
        raise LookupError("a profile's founder is in a component")
    return to_networkx(component, people.id_of, of={view.profile.ref}, mask=None if pii else _masked)


def _masked(identifier: Identifier) -> str:
    return mask(identifier.value)
