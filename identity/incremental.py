"""The same answer as R, a few facts at a time.

After every `add_many`, `judge`, `undo` and `erase`, the components on the shelf hold exactly what `resolve` makes of
the facts so far, in whatever order they came (proven by tests/identity/test_incremental.py).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from identity.component import Component
from identity.erasures import NO_GRAVES, Graves
from identity.hubs import Hubs, PersonTally
from identity.identifiers import Identifier
from identity.judgements import Judgement, Undo, Verdicts, Word, in_force, settle
from identity.observations import Observation
from identity.ports import ErasableShelf, Shelf
from identity.replaying.replay import Sighting
from identity.replaying.state import Moved
from identity.resolve import sightings
from identity.rules import LinkingRules


class Trial(NamedTuple):
    """The component that a word concerns, as it is and as it would be; both None where nobody is concerned."""

    before: Component | None
    after: Component | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """The words said so far, what counts of them, and whom the last one concerns."""

    words: tuple[Word, ...]
    verdicts: Verdicts
    concerned: frozenset[Identifier] = frozenset()


class Incremental:
    """Keeps the components on a shelf in step with the facts."""

    def __init__(
        self, rules: LinkingRules, shelf: Shelf, judgements: Iterable[Word] = (), graves: Graves = NO_GRAVES
    ) -> None:
        self._rules = rules
        self._shelf = shelf
        words = tuple(judgements)
        self._said = _Said(words=words, verdicts=settle(in_force(words)))
        self._graves = graves

    @property
    def verdicts(self) -> Verdicts:
        """The judgements that count."""
        return self._said.verdicts

    @property
    def words(self) -> Sequence[Word]:
        """The judgements and undos so far, as they came."""
        return self._said.words

    @property
    def graves(self) -> Graves:
        """What was erased."""
        return self._graves

    def component(self, seen: Iterable[Sighting]) -> Component:
        """Make a component of what a store kept."""
        return Component(self._rules, self.verdicts, seen, self._graves)

    # --- observations ---

    def add(self, observation: Observation) -> Moved:
        """Take in one observation not seen before; see `add_many`."""
        return self.add_many((observation,))

    def add_many(self, observations: Iterable[Observation]) -> Moved:
        """Take in observations not seen before, in any order; give all whose profile is another than before.

        In order and without conflict one costs its pairs. However many come late or cross hubs, each component they
        touch is replayed once. Observations that an erasure forbids (`graves.drops`) are left out.
        """
        waiting: dict[int, Component] = {}
        for observation in observations:
            if not self._graves.drops(observation):
                for sighting in sightings(observation, self._shelf.hubs(observation.identifiers)):
                    component = self._joined(self._reached(sighting.identifiers), sighting.identifiers, waiting)
                    component.expect(sighting)
                    waiting[id(component)] = component
        moved: Moved = {}
        for component in waiting.values():
            crossed = component.crossed(self._shelf.hubs(component.expected()))
            if crossed:
                self._shelf.mark(crossed)
            moved |= component.take_in(crossed)
        return moved

    # --- judgements ---

    def judge(self, judgement: Judgement) -> Moved:
        """Take in a judgement. Raises ContradictionError, and changes nothing, if it cannot hold with the others."""
        return self._settle(self._with(judgement))

    def undo(self, undo: Undo) -> Moved:
        """Let a judgement count no more. Raises ContradictionError if what it overruled cannot hold with the others."""
        return self._settle(self._with(undo))

    def trial(self, word: Word) -> Trial:
        """Give what a judgement or an undo would change, and change nothing. Raises ContradictionError as they do."""
        said = self._with(word)
        found = self._shelf.find(sorted(said.concerned))
        if not found:
            return Trial(None, None)
        seen = [sighting for component in found for sighting in component.sightings]
        before = Component(self._rules, self.verdicts, seen, self._graves)
        return Trial(before, before.under(said.verdicts))

    def _with(self, word: Word) -> _Said:
        """Give what counts with one more word, and whom it concerns."""
        words = (*self._said.words, word)
        verdicts = settle(in_force(words))
        named = word.identifiers if isinstance(word, Judgement) else self._named(word)
        partners = (some.group(i) for some in (self.verdicts, verdicts) for i in named)
        return _Said(words=words, verdicts=verdicts, concerned=named.union(*partners))

    def _named(self, undo: Undo) -> frozenset[Identifier]:
        """Give all that the judgement undone speaks of."""
        undone = [w for w in self._said.words if isinstance(w, Judgement) and w.id == undo.judgement]
        return frozenset[Identifier]().union(*(w.identifiers for w in undone))

    def _settle(self, said: _Said) -> Moved:
        """Let other judgements count."""
        self._said = said
        together = self._shelf.find(sorted(said.concerned))
        return self._joined(together, (), {}).judge(said.verdicts) if together else {}

    # --- erasures ---

    def erase(
        self,
        shelf: ErasableShelf,
        gone: Iterable[Observation],
        graves: Graves,
        words: Sequence[Word],
        naming: Callable[[Iterable[Identifier]], Iterable[Observation]],
    ) -> Moved:
        """Forget observations, from the shelf that this works on; from now on these graves and words count.

        `naming` gives all observations known that name any of some identifiers: what is left of a hub's is counted
        anew, for it may be none without those gone.
        """
        lost = {observation.key: observation for observation in gone}
        named = frozenset(i for observation in lost.values() for i in observation.identifiers)
        self._graves = graves
        judged = self._left_with(tuple(words))
        hubs = shelf.hubs(named)
        left = [o for o in naming(hubs.shared | hubs.flooded) if o.key not in lost] if hubs else []
        changed = self._count_again(shelf, hubs, left)
        again = [o for o in left if not changed.isdisjoint(o.identifiers)]
        reached = named.union(judged, *(o.identifiers for o in again))
        found = shelf.find(sorted({partner for i in reached for partner in self.verdicts.group(i)}))
        if not found and not changed:
            return {}
        kept = {o.key: o for o in [*again, *(o for c in found for o in c.observations())] if o.key not in lost}
        return self._hold_instead(shelf, found, changed, list(kept.values()))

    def _left_with(self, words: tuple[Word, ...]) -> frozenset[Identifier]:
        """Let only these words count; give whom those concern that count no more, or less than before."""
        before, other = self.verdicts, set(self._said.words) ^ set(words)
        self._said = _Said(words=words, verdicts=settle(in_force(words)))
        named = frozenset[Identifier]().union(*(w.identifiers for w in other if isinstance(w, Judgement)))
        return named.union(*(some.group(i) for some in (before, self.verdicts) for i in named))

    def _count_again(self, shelf: ErasableShelf, hubs: Hubs, left: Iterable[Observation]) -> frozenset[Identifier]:
        """Let hubs be what the observations left make them; give those that are another kind of hub now, or none."""
        tally = PersonTally(self._rules)
        for observation in left:
            tally.add(observation)
        now = tally.hubs(hubs.shared | hubs.flooded)
        changed = (hubs.shared - now.shared) | (hubs.flooded - now.flooded)
        shelf.unmark(changed)
        shelf.mark(now.without(Hubs(shared=hubs.shared & now.shared, flooded=hubs.flooded & now.flooded)))
        return changed

    def _hold_instead(
        self,
        shelf: ErasableShelf,
        found: Sequence[Component],
        changed: frozenset[Identifier],
        observations: Sequence[Observation],
    ) -> Moved:
        """Make one component of some, of the parts of these observations that are theirs."""
        component = self._joined(found, changed, {})
        before = component.known | changed
        parts = [s for o in observations for s in sightings(o, shelf.hubs(o.identifiers))]
        moved = component.hold_instead([s for s in parts if s.identifiers[0] in before], self._graves)
        shelf.forget(before - component.known)
        shelf.put(component, sorted(component.known & changed), ())
        return moved

    # --- components ---

    def _reached(self, identifiers: Sequence[Identifier]) -> Sequence[Component]:
        """Give the components of these identifiers and of those that must be with them."""
        reached: Iterable[Identifier] = identifiers
        if self.verdicts.groups:
            reached = [partner for i in identifiers for partner in sorted(self.verdicts.group(i))]
        return self._shelf.find(reached)

    def _joined(
        self, found: Sequence[Component], identifiers: Iterable[Identifier], waiting: dict[int, Component]
    ) -> Component:
        """Make one component of several, into the biggest, and keep further identifiers under it.

        `waiting` are those that expect sightings; what it absorbed waits as part of it.
        """
        if not found:
            component = self.component(())
            self._shelf.put(component, identifiers, ())
            return component
        into = max(found, key=len)
        others = [c for c in found if c is not into]
        new = [i for i in identifiers if i not in into.known]
        if into.verdicts is not self.verdicts or into.graves is not self._graves:
            into.adopt(self.verdicts, self._graves)
        if others:
            into.absorb(others)
            for other in others:
                if waiting.pop(id(other), None) is not None:
                    waiting[id(into)] = into
        if new or others:
            self._shelf.put(into, new, others)
        return into
