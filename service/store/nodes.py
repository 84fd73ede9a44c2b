"""Who is who as it stands: a fold of the facts log, kept so that one event touches only its own component."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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
