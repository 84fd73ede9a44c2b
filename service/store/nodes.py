"""Who is who as it stands: a fold of the facts log, kept so that one event touches only its own component."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, select
from sqlalchemy.engine import Connection

from identity.identifiers import Identifier
from service.store.schema import issued, nodes, sightings
from service.store.statements import Statement, listed

_PAGE = 500
# A namespace at a time: SQLite scans the whole table for (namespace, value) IN (VALUES …).
_FIND = Statement("SELECT * FROM nodes WHERE namespace = ? AND value IN texts(?)")
_PUT = Statement(
    "INSERT INTO nodes (node, namespace, value, component, profile_id, hub) VALUES (?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (node) DO UPDATE SET component = excluded.component, profile_id = excluded.profile_id, "
    "hub = excluded.hub"
)
_SAW = Statement("INSERT INTO sightings (node, seq) VALUES (?, ?) ON CONFLICT DO NOTHING")
_NO_NODES = Statement("DELETE FROM nodes WHERE node IN numbers(?)")
_NO_SIGHTINGS = Statement("DELETE FROM sightings WHERE node IN numbers(?) AND seq IN numbers(?)")
_NO_ISSUED = Statement("DELETE FROM issued WHERE founder IN numbers(?)")
_ISSUE = Statement("INSERT INTO issued (profile_id, founder) VALUES (?, ?) ON CONFLICT DO NOTHING")
_FOUNDERS = Statement(
    "SELECT issued.profile_id, nodes.namespace, nodes.value FROM issued JOIN nodes ON nodes.node = issued.founder "
    "WHERE issued.profile_id IN texts(?)"
)
_ISSUED_ON = Statement(
    "SELECT issued.profile_id, nodes.namespace, nodes.value FROM issued JOIN nodes ON nodes.node = issued.founder "
    "WHERE issued.founder IN numbers(?)"
)

NAMES_A_FACT = 128
"""A fact names fewer identifiers than this (100 at most): a node's number derives from the first one's seq."""


class Hub(IntEnum):
    """Whether too many persons share an identifier (see identity.hubs)."""

    NO = 0
    FLOODED = 1
    SHARED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """An identifier seen; `component` is its raw component's id; a shared hub is in none, and in no profile."""

    node: int
    identifier: Identifier
    component: int | None
    profile_id: str | None
    hub: Hub = Hub.NO


def find(conn: Connection, identifiers: Sequence[Identifier]) -> dict[Identifier, Node]:
    """Give the nodes of those identifiers that were seen before."""
    by_namespace: dict[str, list[str]] = {}
    for identifier in identifiers:
        by_namespace.setdefault(identifier.namespace, []).append(identifier.value)
    found: dict[Identifier, Node] = {}
    for namespace, values in by_namespace.items():
        nodes_found = map(_node, _FIND(conn, namespace, listed(values)))
        found.update((node.identifier, node) for node in nodes_found)
    return found


def number(seq: int, place: int) -> int:
    """Give the number of the node that a fact names first, at a place among its identifiers: whenever it is folded."""
    return seq * NAMES_A_FACT + place


def put(conn: Connection, some: Iterable[Node]) -> None:
    """Write nodes as they stand now, new ones and known ones."""
    _PUT.many(conn, [(one.node, *one.identifier, one.component, one.profile_id, int(one.hub)) for one in some])


def of_components(conn: Connection, components: Sequence[int]) -> list[Node]:
    """Give the nodes of those raw components, by node."""
    return _select(conn, nodes.c.component, components)


def read(conn: Connection, numbers: Sequence[int]) -> list[Node]:
    """Give the nodes of those numbers, by node."""
    return _select(conn, nodes.c.node, numbers)


def saw(conn: Connection, pairs: Iterable[tuple[int, int]]) -> None:
    """Note (node, seq of the fact) pairs; those noted before change nothing."""
    _SAW.many(conn, list(pairs))


def issue(conn: Connection, ids: Iterable[tuple[str, int]]) -> None:
    """Remember (profile id, founder's node) pairs for ever; an id issued before keeps its founder."""
    _ISSUE.many(conn, list(ids))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Some rows of the folds: nodes, (node, seq) pairs, (profile id, founder's node) pairs."""

    nodes: tuple[Node, ...] = field(repr=False)
    sightings: tuple[tuple[int, int], ...] = field(repr=False)
    issued: tuple[tuple[str, int], ...] = field(repr=False)

    @property
    def components(self) -> frozenset[int]:
        """The raw components of these nodes."""
        return frozenset(node.component for node in self.nodes if node.component is not None)


def rows(conn: Connection, besides: Iterable[int]) -> Rows:
    """Give all rows but those of some nodes."""
    without = frozenset(besides)
    return Rows(
        nodes=tuple(node for row in conn.execute(select(nodes)) if (node := _node(row)).node not in without),
        sightings=tuple((row.node, row.seq) for row in conn.execute(select(sightings)) if row.node not in without),
        issued=tuple(
            (row.profile_id, row.founder) for row in conn.execute(select(issued)) if row.founder not in without
        ),
    )


def replace(conn: Connection, gone: Sequence[int], seqs: Collection[int], by: Rows) -> None:
    """Put rows in the place of those of some nodes; of what they were seen in, only those facts' change."""
    _NO_NODES(conn, listed(gone))
    _NO_SIGHTINGS(conn, listed(gone), listed(seqs))
    _NO_ISSUED(conn, listed(gone))
    put(conn, by.nodes)
    saw(conn, by.sightings)
    issue(conn, by.issued)


def issued_of(conn: Connection, components: Sequence[int]) -> list[tuple[str, Node]]:
    """Give the ids ever issued for members of those raw components, each with its founder."""
    found: list[tuple[str, Node]] = []
    for start in range(0, len(components), _PAGE):
        part = components[start : start + _PAGE]
        query = select(issued.c.profile_id.label("issued_id"), nodes).join(nodes, nodes.c.node == issued.c.founder)
        found += [(row.issued_id, _node(row)) for row in conn.execute(query.where(nodes.c.component.in_(part)))]
    return sorted(found, key=lambda each: each[0])


def founder_of(conn: Connection, profile_id: str) -> Node | None:
    """Give the founder of a profile id that was ever issued, None for an id that never was."""
    row = conn.execute(
        select(nodes).join(issued, nodes.c.node == issued.c.founder).where(issued.c.profile_id == profile_id)
    ).first()
    return None if row is None else _node(row)


def founders_of(conn: Connection, profile_ids: Iterable[str]) -> dict[str, Identifier]:
    """Give the founders of those ids that were ever issued and whose founder is known."""
    found = _FOUNDERS(conn, listed(profile_ids))
    return {row.profile_id: Identifier(row.namespace, row.value) for row in found}


def issued_on(conn: Connection, founders: Iterable[int]) -> dict[str, Identifier]:
    """Give the ids ever issued that were founded on those nodes, with their founders."""
    found = _ISSUED_ON(conn, listed(founders))
    return {row.profile_id: Identifier(row.namespace, row.value) for row in found}


def clear_folds(conn: Connection) -> None:
    """Throw who is who away, before it is made again from the facts."""
    for fold in (nodes, sightings, issued):
        conn.execute(delete(fold))


def _select(conn: Connection, column: ColumnElement[Any], values: Sequence[object]) -> list[Node]:
    found: list[Node] = []
    for start in range(0, len(values), _PAGE):
        found.extend(map(_node, conn.execute(select(nodes).where(column.in_(values[start : start + _PAGE])))))
    return sorted(found, key=lambda node: node.node)


def _node(row: Row[Any]) -> Node:
    return Node(
        node=row.node,
        identifier=Identifier(row.namespace, row.value),
        component=row.component,
        profile_id=row.profile_id,
        hub=Hub(row.hub),
    )
