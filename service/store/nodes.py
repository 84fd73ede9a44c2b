"""Who is who as it stands: a fold of the facts log, kept so that one event touches only its own component."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from sqlalchemy import Row, delete, select
from sqlalchemy.engine import Connection

from identity.identifiers import Identifier
from service.store.schema import issued, nodes, sightings
from service.store.statements import Statement, listed

_PAGE = 1_000
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
_OF_COMPONENTS = Statement("SELECT * FROM nodes WHERE component IN numbers(?) ORDER BY node")
_NUMBERS = Statement("SELECT component FROM nodes WHERE component > ? GROUP BY component ORDER BY component LIMIT ?")
_HUBS = Statement("SELECT hub, count(*) AS number FROM nodes WHERE hub <> 0 GROUP BY hub ORDER BY hub")
_READ = Statement("SELECT * FROM nodes WHERE node IN numbers(?) ORDER BY node")
_FOUNDER = Statement(
    "SELECT nodes.* FROM issued JOIN nodes ON nodes.node = issued.founder WHERE issued.profile_id = ? "
    "UNION ALL SELECT nodes.* FROM former_ids AS f "
    "JOIN nodes ON nodes.namespace = f.namespace AND nodes.value = f.value WHERE f.profile_id = ? LIMIT 1"
)
_KEEP_IDS = (
    "INSERT INTO former_ids (profile_id, namespace, value) "
    "SELECT issued.profile_id, nodes.namespace, nodes.value FROM issued JOIN nodes ON nodes.node = issued.founder "
)
_TO_COME = "NOT EXISTS (SELECT 1 FROM next_issued AS next WHERE next.profile_id = issued.profile_id)"
_KEEP_ALL, _KEEP_OTHERS = (
    Statement(f"{_KEEP_IDS} WHERE {which} ON CONFLICT DO NOTHING") for which in ("true", _TO_COME)
)
_REISSUED = Statement("DELETE FROM former_ids WHERE profile_id IN (SELECT profile_id FROM issued)")
_FORGET_FORMER = Statement("DELETE FROM former_ids WHERE namespace = ? AND value = ?")

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
    return [_node(row) for row in _OF_COMPONENTS(conn, listed(components))]


def components(conn: Connection) -> Iterator[int]:
    """Give the numbers of all raw components, rising, a page at a time."""
    after = 0
    while page := [row.component for row in _NUMBERS(conn, after, _PAGE)]:
        yield from page
        after = page[-1]


def hubs(conn: Connection) -> dict[Hub, int]:
    """Count the hubs of each kind. O(identifiers)."""
    return {Hub(row.hub): row.number for row in _HUBS(conn)}


def read(conn: Connection, numbers: Sequence[int]) -> list[Node]:
    """Give the nodes of those numbers, by node."""
    return [_node(row) for row in _READ(conn, listed(numbers))]


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
    """Give the founder of a profile id that was ever issued, under whichever rules; None for one that never was.

    None, too, for one whose founder is no identifier any more.
    """
    row = _FOUNDER(conn, profile_id, profile_id).first()
    return None if row is None else _node(row)


def founders_of(conn: Connection, profile_ids: Iterable[str]) -> dict[str, Identifier]:
    """Give the founders of those ids that were ever issued and whose founder is known."""
    found = _FOUNDERS(conn, listed(profile_ids))
    return {row.profile_id: Identifier(row.namespace, row.value) for row in found}


def issued_on(conn: Connection, founders: Iterable[int]) -> dict[str, Identifier]:
    """Give the ids ever issued that were founded on those nodes, with their founders."""
    found = _ISSUED_ON(conn, listed(founders))
    return {row.profile_id: Identifier(row.namespace, row.value) for row in found}


def keep_ids(conn: Connection, *, unless_to_come: bool = False) -> None:
    """Keep the ids issued so far, for other rules will issue others; leave out those that the folds to come have, too.

    O(ids issued).
    """
    (_KEEP_OTHERS if unless_to_come else _KEEP_ALL)(conn)


def drop_reissued(conn: Connection) -> None:
    """Let go of former ids that the rules in force issue as well."""
    _REISSUED(conn)


def forget_former(conn: Connection, founders: Iterable[Identifier]) -> None:
    """Let go of the ids that other rules issued on these founders: they were erased."""
    _FORGET_FORMER.many(conn, [tuple(founder) for founder in founders])


def clear_folds(conn: Connection) -> None:
    """Throw who is who away, before it is made again from the facts."""
    for fold in (nodes, sightings, issued):
        conn.execute(delete(fold))


def _node(row: Row[Any]) -> Node:
    return Node(
        node=row.node,
        identifier=Identifier(row.namespace, row.value),
        component=row.component,
        profile_id=row.profile_id,
        hub=Hub(row.hub),
    )
