"""Who is who as kept: found by identifier, component, profile and founder."""

from identity.identifiers import Identifier
from service.store import nodes
from service.store.database import Database
from service.store.nodes import Hub, Node

ADA = Node(node=1, identifier=Identifier("email", "ada@example.org"), component=1, profile_id="p1")
PHONE = Node(node=2, identifier=Identifier("device_id", "ada@example.org"), component=1, profile_id="p1")
KIOSK = Node(node=3, identifier=Identifier("device_id", "kiosk"), component=None, profile_id=None, hub=Hub.SHARED)


def test_nodes_are_found_as_they_were_put(database: Database) -> None:
    """The same value in another namespace is another node; unknown identifiers are left out."""
    with database.transaction() as conn:
        nodes.put(conn, [ADA, PHONE, KIOSK])
        asked = [ADA.identifier, KIOSK.identifier, Identifier("email", "nobody@example.org")]
        assert nodes.find(conn, asked) == {ADA.identifier: ADA, KIOSK.identifier: KIOSK}
        assert nodes.find(conn, []) == {}


def test_many_nodes_are_found_in_parts(database: Database) -> None:
    """More identifiers than a statement takes are all found."""
    many = [
        Node(node=n, identifier=Identifier("anonymous_id", f"a{n}"), component=n, profile_id=None)
        for n in range(1, 1_202)
    ]
    with database.transaction() as conn:
        nodes.put(conn, many)
        assert len(nodes.find(conn, [node.identifier for node in many])) == len(many)


def test_a_founder_answers_for_an_id_ever_issued(database: Database) -> None:
    """The first founder of an id stays its founder; an id never issued has none."""
    with database.transaction() as conn:
        nodes.put(conn, [ADA, PHONE])
        nodes.issue(conn, [("p0", ADA.node)])
        nodes.issue(conn, [("p0", PHONE.node)])
        assert nodes.founder_of(conn, "p0") == ADA
        assert nodes.founder_of(conn, "p9") is None
