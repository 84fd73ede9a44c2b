"""What storage gives the core: shelves for raw components."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from identity.component import Component
from identity.hubs import Hubs
from identity.identifiers import Identifier


class Shelf(Protocol):
    """Where raw components are kept, each identifier's in one place. `incremental` is all that writes to it."""

    def hubs(self, identifiers: Iterable[Identifier]) -> Hubs:
        """Tell which of these are known as hubs."""
        ...

    def mark(self, hubs: Hubs) -> None:
        """Know these as hubs from now on; shared ones are in no component any more."""
        ...

    def find(self, identifiers: Iterable[Identifier]) -> Sequence[Component]:
        """Give the distinct components that hold any of these, in a stable order."""
        ...

    def put(self, component: Component, identifiers: Iterable[Identifier], absorbed: Sequence[Component]) -> None:
        """Keep these identifiers, and all that the absorbed components held, under one component."""
        ...


class ErasableShelf(Shelf, Protocol):
    """A shelf from which erasures take what must be known no more."""

    def unmark(self, identifiers: Iterable[Identifier]) -> None:
        """Know these as hubs no more."""
        ...

    def forget(self, identifiers: Iterable[Identifier]) -> None:
        """Hold these in no component any more: nothing known names them."""
        ...


class MemoryShelf:
    """Components in memory: for tests, and for whoever needs no store."""

    def __init__(self) -> None:
        self._hubs = Hubs()
        self._components: dict[Identifier, Component] = {}

    def hubs(self, identifiers: Iterable[Identifier]) -> Hubs:
        """Tell which of these are known as hubs."""
        some = frozenset(identifiers)
        return Hubs(shared=self._hubs.shared & some, flooded=self._hubs.flooded & some)

    def mark(self, hubs: Hubs) -> None:
        """Know these as hubs from now on."""
        self._hubs = self._hubs.joined(hubs)
        for identifier in hubs.shared:
            self._components.pop(identifier, None)

    def find(self, identifiers: Iterable[Identifier]) -> list[Component]:
        """Give the distinct components that hold any of these, in a stable order."""
        found = (self._components.get(i) for i in identifiers)
        return list({id(c): c for c in found if c is not None}.values())

    def put(self, component: Component, identifiers: Iterable[Identifier], absorbed: Sequence[Component]) -> None:
        """Keep these identifiers, and all that the absorbed components held, under one component."""
        for identifier in [*identifiers, *(i for c in absorbed for i in c.known)]:
            self._components[identifier] = component

    def unmark(self, identifiers: Iterable[Identifier]) -> None:
        """Know these as hubs no more."""
        some = frozenset(identifiers)
        self._hubs = Hubs(shared=self._hubs.shared - some, flooded=self._hubs.flooded - some)

    def forget(self, identifiers: Iterable[Identifier]) -> None:
        """Hold these in no component any more."""
        for identifier in identifiers:
            self._components.pop(identifier, None)

    def components(self) -> list[Component]:
        """Give all components."""
        return self.find(self._components)
