"""Graphs for analysts: the same every time, readable by others, and without values where these are masked."""

import json
from io import BytesIO

import networkx as nx  # type: ignore[import-untyped]  # it has no stubs

from identity.component import Component
from identity.graph import to_graphml, to_networkx, to_node_link
from identity.identifiers import Identifier
from identity.profiles import ProfileRef
from identity.rules import LinkingRules
from tests.identity.compare import hashed
from tests.identity.living import Living
from tests.identity.sketch import name, seen

FACTS = [
    seen("1", 9, "user_id:ada", "device_id:tab", "email:ada@example.com"),
    seen("2", 10, "user_id:ben", "device_id:phone"),
    seen("3", 11, "user_id:ben", "device_id:tab"),
]


def component(*, backwards: bool = False) -> Component:
    """Give the raw component of two persons and their tablet."""
    lives = Living(LinkingRules())
    for fact in FACTS[::-1] if backwards else FACTS:
        lives.ingest([fact])
    (only,) = lives.shelf.components()
    return only


def test_nodes_are_identifiers_and_edges_links() -> None:
    """Each with what is known of it, refused links with their reason."""
    graph = to_networkx(component(), hashed)
    assert set(graph) == {"user_id:ada", "user_id:ben", "device_id:tab", "device_id:phone", "email:ada@example.com"}
    assert graph.nodes["user_id:ada"] == {
        "namespace": "user_id",
        "value": "ada",
        "class": "person",
        "profile": hashed(ProfileRef(name("user_id:ada"), 0)),
        "first_seen": "2026-03-01T09:00:00+00:00",
        "last_seen": "2026-03-01T09:00:00+00:00",
    }
    refused = graph.edges["user_id:ada", "device_id:tab"]
    assert (refused["state"], refused["reason"], refused["sightings"]) == ("refused", "namespace_limit", 1)
    assert graph.edges["user_id:ben", "device_id:tab"]["state"] == "kept"


def test_one_profile_can_be_asked_for() -> None:
    """Others of the raw component, and links to them, are left out."""
    graph = to_networkx(component(), hashed, of={ProfileRef(name("user_id:ben"), 0)})
    assert set(graph) == {"user_id:ben", "device_id:tab", "device_id:phone"}
    assert {state for _, _, state in graph.edges(data="state")} == {"kept"}


def test_the_same_facts_are_the_same_bytes() -> None:
    """In whatever order they came."""
    one, other = (to_networkx(component(backwards=way), hashed) for way in (False, True))
    assert to_graphml(one) == to_graphml(other)
    assert json.dumps(to_node_link(one)) == json.dumps(to_node_link(other))


def test_what_is_written_can_be_read() -> None:
    """GraphML and node-link JSON come back as the graph they were."""
    graph = to_networkx(component(), hashed)
    read = nx.read_graphml(BytesIO(to_graphml(graph).encode()))
    assert dict(read.nodes(data=True)) == dict(graph.nodes(data=True))
    assert nx.utils.graphs_equal(nx.node_link_graph(json.loads(json.dumps(to_node_link(graph))), edges="edges"), graph)


def test_masked_values_are_nowhere() -> None:
    """Nodes are told apart by number, values are what the mask gives."""

    def mask(identifier: Identifier) -> str:
        return identifier.value[:1] + "***"

    text = to_graphml(to_networkx(component(), hashed, mask=mask))
    assert "ada" not in text
    assert "a***" in text
    assert "device_id:1" in text
