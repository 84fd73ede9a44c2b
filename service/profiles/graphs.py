"""A profile as a graph: its identifiers, and the links between them."""

from collections.abc import Callable

from identity.component import Component
from identity.graph import Graph, to_networkx
from identity.identifiers import Identifier
from identity.profiles import ProfileId, ProfileRef
from service.profiles.masks import mask
from service.profiles.profile_view import ProfileView


def profile_graph(
    component: Component, view: ProfileView, id_of: Callable[[ProfileRef], ProfileId], *, pii: bool
) -> Graph:
    """Give the graph of a profile of a raw component; without `pii` values are masked and nodes numbered."""
    return to_networkx(component, id_of, of={view.profile.ref}, mask=None if pii else _masked)


def _masked(identifier: Identifier) -> str:
    return mask(identifier.value)
