"""Nodes at hand are the store's, or will be once they are written; others hear of every component that changed."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.engine import Connection

from identity.identifiers import Identifier
from identity.observations import Observation
from service.profiles import node_shelf
from service.profiles.node_shelf import NodeShelf
from service.store import nodes
from service.store.database import open_database

ADA, BOB, PHONE = Identifier("user_id", "ada"), Identifier("user_id", "bob"), Identifier("device_id", "phone")
AT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[Connection]:
    """Give a connection to an empty store."""
    database = open_database(f"sqlite:///{tmp_path}/homing.db")
    with database.connect() as opened, opened.begin():
        yield opened
    database.close()


@pytest.fixture
def shelf(conn: Connection) -> NodeShelf:
    """Give an empty shelf that expects two facts, of which both name Ada."""
    made = NodeShelf()
    made.begin(conn)
    made.expect(
        (seq, Observation(id=str(seq), at=AT, identifiers=named)) for seq, named in [(7, (PHONE, ADA)), (8, (ADA, BOB))]
    )
    return made


def test_a_node_has_the_number_of_its_first_fact(shelf: NodeShelf) -> None:
    """And of its place there, in whatever order nodes are asked for."""
    assert [shelf.known(each).node for each in (BOB, ADA, PHONE)] == [
        nodes.number(8, 1),
        nodes.number(7, 1),
        nodes.number(7, 0),
    ]


def test_the_component_left_has_changed_too(shelf: NodeShelf) -> None:
    """What is taken names where a node came from and where it went, once."""
    shelf.change(ADA, component=3)
    shelf.take()
    shelf.change(ADA, component=4)
    written, touched = shelf.take()
    assert ([each.component for each in written], touched) == ([4], {3, 4})
    assert shelf.take() == ([], set())


def test_what_was_let_go_is_read_again(shelf: NodeShelf, conn: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound the oldest go; what another process made of a component is read once it is forgotten."""
    monkeypatch.setattr(node_shelf, "MAX_NODES", 1)
    for each in (ADA, BOB):
        shelf.change(each, component=3)
    nodes.put(conn, shelf.take()[0])
    conn.exec_driver_sql("UPDATE nodes SET profile_id = 'p'")
    shelf.begin(conn)
    assert [shelf.known(each).profile_id for each in (ADA, BOB)] == ["p", None]
    shelf.forget_component(3)
    assert shelf.known(BOB).profile_id == "p"
