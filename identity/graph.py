"""Profiles as graphs for analysts: networkx, GraphML, node-link JSON. The only module that imports networkx.

The same component always gives the same graph, to the byte. Values can be masked; nodes are then told apart by number.
"""

from collections.abc import Callable, Collection, Iterator
from typing import Any

import networkx as nx  # type: ignore[import-untyped]  # it has no stubs

from identity.component import Component
from identity.identifiers import Identifier
from identity.links import Link, LinkState, links
from identity.profiles import ProfileId, ProfileRef

Graph = Any
"""A `networkx.Graph` whose nodes are texts."""


def to_networkx(
    component: Component,
    id_of: Callable[[ProfileRef], ProfileId],
    *,
    of: Collection[ProfileRef] | None = None,
    mask: Callable[[Identifier], str] | None = None,
) -> Graph:
    """Give identifiers as nodes and their links as edges: of some profiles, or of the whole raw component.

    A node has `namespace`, `value`, `class`, `profile`, `first_seen` and `last_seen`; an edge `state` (kept, refused,
    expired), `reason`, `trust`, `sightings`, `against`, `log_odds`, `first_seen` and `last_seen`; times in ISO 8601.
    Refused edges that lead out of the profiles asked for are left out. Nodes are called `namespace:value`; where `mask`
    gives the values, `namespace:number` in the order of the values.
    """
    members = sorted(i for i, ref in component.refs().items() if of is None or ref in of)
    names = dict(zip(members, _names(members, masked=mask is not None), strict=True))
    graph = nx.Graph()
    for identifier in members:
        value = identifier.value if mask is None else mask(identifier)
        graph.add_node(names[identifier], **_node(component, identifier, id_of), value=value)
    for (left, right), link in links(component).items():
        if left in names and right in names:
            graph.add_edge(names[left], names[right], **_edge(link))
    return graph


def to_graphml(graph: Graph) -> str:
    """Write a graph as GraphML, which Gephi, yEd and Cytoscape read."""
    return "\n".join(nx.generate_graphml(graph)) + "\n"


def to_node_link(graph: Graph) -> dict[str, Any]:
    """Give a graph as node-link data for JSON: `nodes` with `id`, `edges` with `source` and `target`."""
    data: dict[str, Any] = nx.node_link_data(graph, edges="edges")
    return data


def _names(members: Collection[Identifier], *, masked: bool) -> Iterator[str]:
    """Name nodes."""
    counted: dict[str, int] = {}
    for identifier in members:
        number = counted[identifier.namespace] = counted.get(identifier.namespace, 0) + 1
        yield f"{identifier.namespace}:{number}" if masked else str(identifier)


def _node(component: Component, identifier: Identifier, id_of: Callable[[ProfileRef], ProfileId]) -> dict[str, str]:
    """Say what is known of an identifier."""
    replay = component.replay
    return {
        "namespace": identifier.namespace,
        "class": str(component.rules.kind(identifier)),
        "profile": id_of(replay.ref(identifier)),
        "first_seen": replay.first_seen(identifier).isoformat(),
        "last_seen": replay.last_seen(identifier).isoformat(),
    }


def _edge(link: Link) -> dict[str, str | int | float]:
    """Say what is known of a link; GraphML knows no null, so the reason of one kept is empty."""
    return {
        "state": str(link.state),
        "reason": "" if link.refused is None or link.state is not LinkState.REFUSED else str(link.refused),
        "trust": link.trust.name.lower(),
        "sightings": link.sightings,
        "against": link.against,
        "log_odds": link.log_odds,
        "first_seen": link.first_seen.isoformat(),
        "last_seen": link.last_seen.isoformat(),
    }
