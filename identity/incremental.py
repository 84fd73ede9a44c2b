"""The same answer as R, one fact at a time.

After every `add` and `judge`, the components on the shelf hold exactly what `resolve` makes of the facts so far, in
whatever order they came (proven by tests/identity/test_incremental.py).
"""

from collections.abc import Iterable, Sequence

from identity.component import Component, Moved
from identity.hubs import Hubs
from identity.identifiers import Identifier
from identity.judgements import Judgement, Verdicts, in_order, settle
from identity.observations import Observation
from identity.ports import Shelf
from identity.replay import Sighting
from identity.resolve import sightings
from identity.rules import LinkingRules


class Incremental:
    """Keeps the components on a shelf in step with the facts."""

    def __init__(self, rules: LinkingRules, shelf: Shelf, judgements: Iterable[Judgement] = ()) -> None:
        self._rules = rules
        self._shelf = shelf
        self._judgements = list(judgements)
        self._verdicts = settle(in_order(self._judgements))

    @property
    def verdicts(self) -> Verdicts:
        """The judgements that count."""
        return self._verdicts

    def add(self, observation: Observation) -> Moved:
        """Take in an observation not seen before; costs its pairs, or its component's replay where it came late."""
        known = self._shelf.hubs(observation.identifiers)
        moved: Moved = {}
        for sighting in sightings(observation, known):
            moved |= self._sight(sighting, known)
        return moved

    def judge(self, judgement: Judgement) -> Moved:
        """Take in a judgement. Raises ContradictionError, and changes nothing, if it cannot hold with the others."""
        judgements = [*self._judgements, judgement]
        verdicts = settle(in_order(judgements))
        concerned = {judgement.left, judgement.right}
        for some in (self._verdicts, verdicts):
            concerned |= some.group(judgement.left) | some.group(judgement.right)
        self._judgements, self._verdicts = judgements, verdicts
        together = self._shelf.find(sorted(concerned))
        if not together:
            return {}
        component = self._joined(together, ())
        return component.judge(verdicts)

    def component(self, seen: Iterable[Sighting]) -> Component:
        """Make a component of what a store kept."""
        return Component(self._rules, self._verdicts, seen)

    def _sight(self, sighting: Sighting, known: Hubs) -> Moved:
        """Take in what is seen together, then what it makes a hub."""
        identifiers = sighting.identifiers
        reached: Iterable[Identifier] = identifiers
        if self._verdicts.groups:
            reached = [partner for i in identifiers for partner in sorted(self._verdicts.group(i))]
        component = self._joined(self._shelf.find(reached), identifiers)
        moved = component.add(sighting)
        crossed = component.hubs(identifiers).without(known)
        if crossed:
            self._shelf.mark(crossed)
            moved |= component.part_from(crossed)
        return moved

    def _joined(self, found: Sequence[Component], identifiers: Iterable[Identifier]) -> Component:
        """Make one component of several, into the biggest, and keep further identifiers under it."""
        if not found:
            component = Component(self._rules, self._verdicts)
            self._shelf.put(component, identifiers, ())
            return component
        into = max(found, key=len)
        others = [c for c in found if c is not into]
        new = [i for i in identifiers if i not in into.known]
        if into.verdicts is not self._verdicts:
            into.adopt(self._verdicts)
        if others:
            into.absorb(others)
        if new or others:
            self._shelf.put(into, new, others)
        return into
