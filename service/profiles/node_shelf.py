"""Identifiers' nodes kept in the store: a bounded cache in front of the table, and what is not yet written to it.

A node at hand is what the store holds, or will hold once it is written (`take`).
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from sqlalchemy.engine import Connection

from identity.identifiers import Identifier
from identity.observations import Observation
from service.store import nodes
from service.store.nodes import Node

MAX_NODES = 400_000
"""How many are kept between jobs: a few hundred megabytes at most."""


class NodeShelf:
    """The nodes of one deployment. `begin` gives it the connection of the job at hand."""

    def __init__(self) -> None:
        self._conn: Connection | None = None
        self.forget()

    def forget(self) -> None:
        """Drop everything at hand."""
        self._nodes: dict[Identifier, Node] = {}
        self._members: defaultdict[int, set[Identifier]] = defaultdict(set)
        self._unknown: set[Identifier] = set()
        self._unwritten: dict[int, Node] = {}
        self._touched: set[int] = set()
        self._new: dict[Identifier, int] = {}
        self._former: dict[Identifier, str | None] = {}

    def forget_component(self, number: int) -> None:
        """Drop what is at hand of a raw component: another process has changed it."""
        for identifier in self._members.pop(number, ()):
            self._nodes.pop(identifier, None)

    def begin(self, conn: Connection) -> None:
        """Work on this connection from now on; let go of the oldest beyond the bound."""
        self._conn = conn
        self._unknown.clear()
        while len(self._nodes) > MAX_NODES:
            node = self._nodes.pop(next(iter(self._nodes)))
            if node.component is not None:
                self._members[node.component].discard(node.identifier)
                if not self._members[node.component]:
                    del self._members[node.component]

    def look_again(self) -> None:
        """Take nothing for unknown any more: other processes may have written it."""
        self._unknown.clear()

    def expect(self, observed: Iterable[tuple[int, Observation]]) -> None:
        """Know the numbers of the nodes that these facts, by rising seq, may bring up."""
        self._new = {}
        for seq, observation in observed:
            for place, identifier in enumerate(observation.identifiers):
                self._new.setdefault(identifier, nodes.number(seq, place))

    def look_up(self, identifiers: Iterable[Identifier]) -> None:
        """Read the nodes of many identifiers at once."""
        asked = [i for i in dict.fromkeys(identifiers) if i not in self._nodes and i not in self._unknown]
        found = nodes.find(self.connection, asked) if asked else {}
        for node in found.values():
            self._remember(node)
        self._unknown.update(i for i in asked if i not in found)

    def get(self, identifier: Identifier) -> Node | None:
        """Give an identifier's node; None if it was never seen."""
        known = self._nodes.get(identifier)
        if known is None and identifier not in self._unknown:
            self.look_up([identifier])
            known = self._nodes.get(identifier)
        return known

    def known(self, identifier: Identifier) -> Node:
        """Give an identifier's node, a new one if it was never seen."""
        node = self.get(identifier)
        if node is None:
            node = Node(node=self._new[identifier], identifier=identifier, component=None, profile_id=None)
            self._write(node)
        return node

    def numbers(self, identifiers: Iterable[Identifier]) -> list[int]:
        """Give the nodes of identifiers seen before."""
        return [node.node for i in identifiers if (node := self.get(i)) is not None]

    def change(self, identifier: Identifier, **changes: object) -> None:
        """Give an identifier's node other values."""
        before = self.known(identifier)
        after = replace(before, **changes)  # type: ignore[arg-type]  # fields of Node
        if after != before:
            if after.profile_id != before.profile_id:
                self._former.setdefault(identifier, before.profile_id)
            if before.component is not None:
                self._members[before.component].discard(identifier)
                self._touched.add(before.component)
            self._write(after)

    def profile_ids(self, identifiers: Iterable[Identifier], profile_id: str | None) -> None:
        """Say which profile holds these identifiers now."""
        for identifier in identifiers:
            self.change(identifier, profile_id=profile_id)

    def is_new(self, identifier: Identifier) -> bool:
        """Tell whether an identifier came into its first profile since the last call of `left`."""
        return identifier in self._former and self._former[identifier] is None

    def left(self) -> dict[Identifier, str | None]:
        """Give the identifiers that went from one profile to another since the last call, and where each was then."""
        former, self._former = self._former, {}
        return {i: was for i, was in former.items() if self.known(i).profile_id != was}

    def take(self) -> tuple[list[Node], set[int]]:
        """Give the nodes that the store does not have yet, and the components that changed; it has them then."""
        written, touched = list(self._unwritten.values()), self._touched
        self._unwritten, self._touched = {}, set()
        return written, touched

    @property
    def connection(self) -> Connection:
        """The connection of the job at hand; RuntimeError before the first."""
        if self._conn is None:
            raise RuntimeError("begin() comes first")
        return self._conn

    def _write(self, node: Node) -> None:
        self._remember(node)
        self._unknown.discard(node.identifier)
        self._unwritten[node.node] = node
        if node.component is not None:
            self._touched.add(node.component)

    def _remember(self, node: Node) -> None:
        self._nodes[node.identifier] = node
        if node.component is not None:
            self._members[node.component].add(node.identifier)
