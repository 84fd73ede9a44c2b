"""Raw components kept in the store: a bounded cache in front of the nodes and the facts log.

A component in the cache is what loading it would give. Changes are written by `flush`; whoever rolls back drops the
shelf (`forget`), so that the cache never holds what the store does not. Where several processes write at the same time,
`hold` comes before anything is read: what is held is nobody else's until the transaction ends.
"""

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.engine import Connection

from identity.component import Component
from identity.hubs import Hubs
from identity.identifiers import Identifier
from identity.observations import Observation
from identity.replaying.replay import Replay, Sighting
from identity.resolve import sightings
from identity.rules import LinkingRules
from service.events.messages import Message
from service.events.observing import Observer
from service.profiles.node_shelf import NodeShelf
from service.store import chain, facts, locks, nodes
from service.store.nodes import Hub
from service.store.watch import Watch

MAX_COMPONENTS = 50_000
MAX_MESSAGES = 200_000
"""How much is kept between jobs: each bounds a few hundred megabytes at most."""

History = dict[int, tuple[Message, Observation]]
"""A component's messages, and what they observe under the rules, by their place in the facts log."""


@dataclass(slots=True)
class _Shelved:
    """A component at hand, with its messages."""

    number: int
    component: Component
    history: History
    replay: Replay
    """What it was when it was last asked for."""


@dataclass(slots=True)
class _Unwritten:
    """What the store does not have yet, beside nodes."""

    sightings: list[tuple[int, int]] = field(default_factory=list)
    issued: dict[str, int] = field(default_factory=dict)
    touched: set[int] = field(default_factory=set)


class StoreShelf:
    """A `Shelf` on the store, over the nodes at hand. `begin` gives it the connection of the job at hand."""

    def __init__(
        self, rules: LinkingRules, make: Callable[[Iterable[Sighting]], Component], watch: Watch | None = None
    ) -> None:
        self._rules = rules
        self.nodes = NodeShelf()
        self.forget_names()
        self._make = make
        self._watch = watch
        self.forget()

    def forget_names(self) -> None:
        """Drop what was read of messages' names."""
        self.observe = Observer(self._rules).observe

    def forget(self) -> None:
        """Drop everything at hand."""
        self.nodes.forget()
        self._shelved: OrderedDict[int, _Shelved] = OrderedDict()
        self._numbers: dict[Component, int] = {}
        self._unwritten = _Unwritten()
        self._messages = 0

    def forget_some(self, components: Iterable[int]) -> None:
        """Drop what is at hand of these raw components: another process has changed them."""
        for number in components:
            shelved = self._shelved.get(number)
            if shelved is not None:
                self._drop(shelved.component)
            self.nodes.forget_component(number)

    def begin(self, conn: Connection) -> None:
        """Work on this connection from now on; let go of what is beyond the bounds."""
        self.nodes.begin(conn)
        while self._shelved and (len(self._shelved) > MAX_COMPONENTS or self._messages > MAX_MESSAGES):
            self._drop(next(iter(self._shelved.values())).component)

    def look(self, conn: Connection) -> None:
        """Look what other processes have written meanwhile."""
        self.nodes.look_again()
        if self._watch is not None:
            self._watch.look(conn)

    def hold(self, identifiers: Collection[Identifier]) -> None:
        """Keep other processes off these identifiers and their components until the transaction ends.

        Raises locks.Taken: the transaction is then begun again with all that it needs.
        """
        if not locks.needed(self.nodes.connection):
            return
        # While it waited, what is held may have become part of something else.
        while locks.hold(self.nodes.connection, self._keys(identifiers)):
            self.look(self.nodes.connection)

    # --- identity.ports.Shelf ---

    def hubs(self, identifiers: Iterable[Identifier]) -> Hubs:
        """Tell which of these are known as hubs."""
        known = [n for i in identifiers if (n := self.nodes.get(i)) is not None and n.hub]
        return Hubs(
            shared=frozenset(n.identifier for n in known if n.hub is Hub.SHARED),
            flooded=frozenset(n.identifier for n in known if n.hub is Hub.FLOODED),
        )

    def mark(self, hubs: Hubs) -> None:
        """Know these as hubs from now on; facts filed under a shared one alone are filed under their others too."""
        for identifier in sorted(hubs.shared | hubs.flooded):
            self._file_under(identifier)
        for identifier in sorted(hubs.flooded):
            self.nodes.change(identifier, hub=Hub.FLOODED)
        for identifier in sorted(hubs.shared):
            self.nodes.change(identifier, hub=Hub.SHARED, component=None, profile_id=None)
        if hubs.shared:
            self.flush()
            numbers = [self.nodes.known(identifier).node for identifier in sorted(hubs.shared)]
            for fact in facts.of_nodes(self.nodes.connection, numbers):
                self._file(fact.seq, self.observe(facts.message(fact)))

    def find(self, identifiers: Iterable[Identifier]) -> list[Component]:
        """Give the distinct components that hold any of these, in the order of the identifiers."""
        found = [n.component for i in identifiers if (n := self.nodes.get(i)) is not None and n.component is not None]
        return [self._load(number).component for number in dict.fromkeys(found)]

    def put(self, component: Component, identifiers: Iterable[Identifier], absorbed: Sequence[Component]) -> None:
        """Keep these identifiers, and all that the absorbed components held, under one component."""
        ordered = [*identifiers, *(i for c in absorbed for i in sorted(c.known))]
        number = self._numbers.get(component)
        if number is None:
            number = self.nodes.known(ordered[0]).node
            self._keep(_Shelved(number, component, {}, component.replay))
        for identifier in ordered:
            self.nodes.change(identifier, component=number)
        into = self._shelved[number]
        for other in absorbed:
            dropped = self._drop(other).history
            into.history |= dropped
            self._messages += len(dropped)

    # --- what People asks ---

    def component_of(self, identifier: Identifier) -> Component | None:
        """Give the component that holds an identifier, if any."""
        found = self.find([identifier])
        return found[0] if found else None

    def numbered(self, number: int) -> Component:
        """Give the component of that number."""
        return self._load(number).component

    def replayed(self, identifiers: Iterable[Identifier]) -> list[tuple[Replay, Component]]:
        """Give the components of these that were replayed anew since the last call, each with what it was before."""
        found: list[tuple[Replay, Component]] = []
        for component in self.find(identifiers):
            shelved = self._shelved[self._numbers[component]]
            if shelved.replay is not component.replay:
                found.append((shelved.replay, component))
                shelved.replay = component.replay
        return found

    def _keys(self, identifiers: Collection[Identifier]) -> set[int]:
        """Give what to lock: components by number, identifiers that are in none by name."""
        self.nodes.look_up(identifiers)
        found = {identifier: self.nodes.get(identifier) for identifier in identifiers}
        return {
            locks.name_key(*identifier) if node is None or node.component is None else node.component
            for identifier, node in found.items()
        }

    def issue(self, profile_id: str, founder: Identifier) -> None:
        """Remember an id and its founder for ever."""
        self._unwritten.issued[profile_id] = self.nodes.known(founder).node

    def file(self, seq: int, observation: Observation, message: Message) -> None:
        """File a fact with its components, in the store and at hand."""
        for identifier in self._file(seq, observation):
            component = self.component_of(identifier)
            if component is not None:
                number = self._numbers[component]
                self._shelved[number].history[seq] = (message, observation)
                self._messages += 1
                self._unwritten.touched.add(number)

    def number_of(self, component: Component) -> int | None:
        """Give the number of a component at hand."""
        return self._numbers.get(component)

    def history(self, component: Component) -> Mapping[int, tuple[Message, Observation]]:
        """Give a component's messages by their place in the log."""
        return self._shelved[self._numbers[component]].history

    def flush(self) -> None:
        """Write what changed since the last flush."""
        unwritten, self._unwritten = self._unwritten, _Unwritten()
        written, touched = self.nodes.take()
        nodes.put(self.nodes.connection, written)
        nodes.saw(self.nodes.connection, unwritten.sightings)
        nodes.issue(self.nodes.connection, unwritten.issued.items())
        chain.touch(self.nodes.connection, unwritten.touched | touched)

    def naming(self, identifiers: Iterable[Identifier]) -> Iterator[Observation]:
        """Give every fact filed that names any of these hubs."""
        return (observation for _, (_, observation) in self.facts_naming(identifiers))

    def facts_naming(self, identifiers: Iterable[Identifier]) -> Iterator[tuple[int, tuple[Message, Observation]]]:
        """Give them with their messages, and their places in the log."""
        numbers = self.nodes.numbers(identifiers)
        self.flush()
        for fact in facts.of_nodes(self.nodes.connection, numbers):
            yield fact.seq, self._seen(facts.message(fact))

    # --- the cache ---

    def _file_under(self, hub: Identifier) -> None:
        """File all facts at hand that name what has become a hub under it: it no longer leads to them otherwise."""
        node = self.nodes.known(hub)
        if node.component is not None:
            history = self._load(node.component).history
            named = [seq for seq, (_, observation) in history.items() if hub in observation.identifiers]
            self._unwritten.sightings += [(node.node, seq) for seq in named]

    def _file(self, seq: int, observation: Observation) -> list[Identifier]:
        """Note a fact under the first identifier of each of its parts, to find it by, and under its hubs."""
        hubs = self.hubs(observation.identifiers)
        firsts = [s.identifiers[0] for s in sightings(observation, hubs)]
        under = dict.fromkeys([*firsts, *sorted(hubs.shared | hubs.flooded)]) if hubs else firsts
        self._unwritten.sightings += [(self.nodes.known(identifier).node, seq) for identifier in under]
        return firsts

    def _keep(self, shelved: _Shelved) -> None:
        self._shelved[shelved.number] = shelved
        self._numbers[shelved.component] = shelved.number
        self._messages += len(shelved.history)

    def _drop(self, component: Component) -> _Shelved:
        shelved = self._shelved.pop(self._numbers.pop(component))
        self._messages -= len(shelved.history)
        return shelved

    def _load(self, number: int) -> _Shelved:
        """Give a component, replayed from the facts log if it is not at hand."""
        shelved = self._shelved.get(number)
        if shelved is None:
            self.flush()
            history = {fact.seq: self._seen(facts.message(fact)) for fact in self._facts(number)}
            observations = [observation for _, observation in history.values()]
            component = self._make(self._sightings(number, observations))
            shelved = _Shelved(number, component, history, component.replay)
            self._keep(shelved)
        self._shelved.move_to_end(number)
        return shelved

    def _facts(self, number: int) -> list[facts.Fact]:
        members = nodes.of_components(self.nodes.connection, [number])
        return facts.of_nodes(self.nodes.connection, [node.node for node in members])

    def _seen(self, message: Message) -> tuple[Message, Observation]:
        return message, self.observe(message)

    def _sightings(self, number: int, observations: Sequence[Observation]) -> list[Sighting]:
        """Give those parts of some observations that belong to a component."""
        self.nodes.look_up(i for o in observations for i in o.identifiers)
        return [
            sighting
            for observation in observations
            for sighting in sightings(observation, self.hubs(observation.identifiers))
            if self.nodes.known(sighting.identifiers[0]).component == number
        ]
