"""A raw component: all that links ever joined, with its replay kept at hand.

Its state is a pure function of its sightings: sightings later than all others are one step each; so are those of a
profile that has not changed since; any other replays what came after it, once for however many come together.
Components never shrink: R of a superset of a component's observations is the same answer.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from identity.claims import Replayed
from identity.erasures import NO_GRAVES, Graves
from identity.hubs import NO_HUBS, Hubs, PersonTally
from identity.identifiers import Identifier
from identity.judgements import Verdicts
from identity.observations import Observation, ReplayKey
from identity.ownership import Owners
from identity.profiles import ProfileRef
from identity.replaying.checkpoints import Checkpoint, Checkpoints
from identity.replaying.replay import Replay, Sighting
from identity.replaying.state import Moved
from identity.resolve import after_step, run, sightings
from identity.rules import LinkingRules

_T = TypeVar("_T")
_FEW = 16
"""Putting some into their places one by one costs as much as sorting all anew if they are one in so many."""
_AMENDED = 64
"""States kept take in components of so many sightings; with larger ones they are kept no more."""


def _place(sighting: Sighting) -> tuple[ReplayKey, bool, tuple[Identifier, ...]]:
    """Order sightings by their observations; of one observation the part it is attributed by comes first."""
    return (sighting.observation.key, not sighting.main, sighting.identifiers)


class Component:
    """Sightings in the order of their keys, and what they amount to."""

    def __init__(
        self, rules: LinkingRules, verdicts: Verdicts, seen: Iterable[Sighting] = (), graves: Graves = NO_GRAVES
    ) -> None:
        self._rules = rules
        self._verdicts = verdicts
        self._graves = graves
        self._expected: list[Sighting] = []
        self._sightings: list[Sighting] = []
        self._checkpoints = Checkpoints()
        self._hold(seen)
        self._replay, self._replayed = self._run(0)
        self._owners: Owners | None = None

    @property
    def rules(self) -> LinkingRules:
        """The rules it was replayed under."""
        return self._rules

    @property
    def verdicts(self) -> Verdicts:
        """The judgements it was replayed under."""
        return self._verdicts

    @property
    def graves(self) -> Graves:
        """The erasures it was replayed under."""
        return self._graves

    @property
    def replay(self) -> Replay:
        """The state after all sightings."""
        return self._replay

    @property
    def replayed(self) -> Sequence[Replayed]:
        """The observations, in the order of the replay."""
        return self._replayed

    @property
    def sightings(self) -> Sequence[Sighting]:
        """All that was seen here, in the order of the replay."""
        return self._sightings

    def __len__(self) -> int:
        """Count the sightings."""
        return len(self._sightings)

    def refs(self) -> Mapping[Identifier, ProfileRef]:
        """Give each identifier's profile."""
        return {i: self._replay.ref(i) for i in self._replay.identifiers()}

    def owners(self) -> Owners:
        """Tell who claimed what; the same object until a profile, or the owner of an event seen before, is another."""
        if self._owners is None:
            self._owners = Owners(self._replayed, self._replay.ref, self._rules)
        return self._owners

    def observations(self) -> list[Observation]:
        """Give each observation of which a part was seen here, in the order of the replay."""
        return list({s.observation.key: s.observation for s in self._sightings}.values())

    def under(self, verdicts: Verdicts) -> "Component":
        """Give what this would be under other judgements; this stays as it is."""
        return Component(self._rules, verdicts, self._sightings, self._graves)

    # --- sightings in: any number are expected, then taken in together ---

    def expect(self, sighting: Sighting) -> None:
        """Hold one more sighting until `take_in`; it counts for hubs at once."""
        self._count(sighting)
        self.known.update(sighting.identifiers)
        self._expected.append(sighting)

    def expected(self) -> set[Identifier]:
        """Give all that the sightings expected name."""
        return {i for s in self._expected for i in s.identifiers}

    def crossed(self, known: Hubs) -> Hubs:
        """Tell which identifiers have become hubs by what is expected; `known` are those of them that were before."""
        return self._tally.hubs(self.expected()).without(known)

    def take_in(self, crossed: Hubs = NO_HUBS) -> Moved:
        """Take in what was expected, and set aside what has become a hub, in all that was seen."""
        expected, self._expected = sorted(self._expected, key=_place), []
        if crossed:
            self.known -= crossed.shared
            self._sightings = [part for s in [*self._sightings, *expected] for part in _divide(s, crossed)]
            self._sightings.sort(key=_place)
            return self._again(0)
        in_order = not self._sightings or not expected or _place(expected[0]) > _place(self._sightings[-1])
        return self._go_on(expected) if in_order else self._take_late(expected)

    def absorb(self, others: Sequence["Component"]) -> None:
        """Take in components that share no identifier and no judgement with this one; nobody's profile changes."""
        self._owners = None
        seen = [sighting for other in others for sighting in other._sightings]
        if len(seen) > _AMENDED:
            self._checkpoints.clear()
        self._checkpoints.amend(lambda kept: self._with(kept, seen))
        for other in others:
            self._expected += other._expected
            self._replay.absorb(other._replay)
            self._tally.merge(other._tally)
            self.known |= other.known
        self._sightings = _merged(self._sightings, seen, _place)
        self._replayed = _merged(self._replayed, [r for other in others for r in other._replayed], _key)

    # --- other changes ---

    def judge(self, verdicts: Verdicts) -> Moved:
        """Replay under other judgements."""
        self._verdicts = verdicts
        return self._again(0)

    def adopt(self, verdicts: Verdicts, graves: Graves) -> None:
        """Go on under judgements and erasures that concern nothing seen here so far."""
        self._verdicts, self._graves = verdicts, graves
        self._replay.adopt(verdicts, graves)

    def hold_instead(self, seen: Iterable[Sighting], graves: Graves) -> Moved:
        """Hold other sightings than before, since some were erased."""
        self._graves = graves
        self._hold(seen)
        return self._again(0)

    def _hold(self, seen: Iterable[Sighting]) -> None:
        """Hold these sightings, and count them."""
        self._sightings = sorted(seen, key=_place)
        self._tally = PersonTally(self._rules)
        for sighting in self._sightings:
            self._count(sighting)
        self.known: set[Identifier] = {i for s in self._sightings for i in s.identifiers}

    def _go_on(self, later: Iterable[Sighting]) -> Moved:
        """Take sightings later than all others."""
        moved: set[Identifier] = set()
        known = len(self._replayed)
        for sighting in later:
            self._sightings.append(sighting)
            moved |= self._replay.step(sighting)
            if sighting.main:
                self._replayed.append(after_step(self._replay, sighting, self._rules))
            self._checkpoints.mark(len(self._sightings), len(self._replayed), self._replay)
        if moved or (self._owners is not None and not self._owners.go_on(self._replayed[known:])):
            self._owners = None
        return {i: self._replay.ref(i) for i in moved}

    def _take_late(self, expected: Sequence[Sighting]) -> Moved:
        """Take sightings that others have overtaken: each by itself if none changes what came after it, or replay."""
        last = _place(self._sightings[-1])
        late = [s for s in expected if _place(s) < last]
        first = bisect_left(self._sightings, _place(expected[0]), key=_place)
        if not all(map(self._replay.commutes, late)):
            self._sightings = _merged(self._sightings, expected, _place)
            return self._again(first)
        self._checkpoints.drop_from(first)
        overtaken: list[Replayed] = []
        for sighting in late:
            insort(self._sightings, sighting, key=_place)
            self._replay.step(sighting)
            if sighting.main:
                overtaken.append(after_step(self._replay, sighting, self._rules))
                insort(self._replayed, overtaken[-1], key=_key)
        if overtaken and (self._owners is None or self._owners.alone is None or not self._owners.go_on(overtaken)):
            self._owners = None
        return self._go_on(expected[len(late) :])

    def _again(self, first: int) -> Moved:
        """Replay what came from the sighting of that place on; give what differs."""
        self._owners = None
        before = self._replay
        self._replay, self._replayed = self._run(first)
        return self._replay.differs(before)

    def _run(self, first: int) -> tuple[Replay, list[Replayed]]:
        """Replay from the newest state kept that none of what came from the sighting of that place on is in."""
        self._checkpoints.drop_from(first)
        kept = self._checkpoints.newest
        if kept is None:
            replay, replayed, taken = Replay(self._rules, self._verdicts, self._graves), list[Replayed](), 0
        else:
            replay, replayed, taken = kept.replay.copy(), self._replayed[: kept.replayed], kept.taken
            replay.adopt(self._verdicts, self._graves)
        for place in range(taken, len(self._sightings)):
            sighting = self._sightings[place]
            replay.step(sighting)
            if sighting.main:
                replayed.append(after_step(replay, sighting, self._rules))
            self._checkpoints.mark(place + 1, len(replayed), replay)
        return replay, replayed

    def _with(self, kept: Checkpoint, seen: Sequence[Sighting]) -> Checkpoint:
        """Give a state that sightings of other identifiers have part in, as far as they came before its last one."""
        last = _place(self._sightings[kept.taken - 1])
        earlier = sorted((s for s in seen if _place(s) < last), key=_place)
        replay, replayed = run(earlier, self._rules, self._verdicts, self._graves)
        kept.replay.absorb(replay)
        return Checkpoint(kept.taken + len(earlier), kept.replayed + len(replayed), kept.replay)

    def _count(self, sighting: Sighting) -> None:
        """Count the persons its identifiers were seen with."""
        if sighting.main:
            self._tally.add(sighting.observation, sighting.identifiers)


def _key(replayed: Replayed) -> ReplayKey:
    """Order observations as they are replayed."""
    return replayed.observation.key


def _merged(ordered: list[_T], few: Iterable[_T], order: Callable[[_T], Any]) -> list[_T]:
    """Give what is in order together with some more, each in its place."""
    new = list(few)
    if len(new) * _FEW > len(ordered):
        return sorted([*ordered, *new], key=order)
    for each in new:
        insort(ordered, each, key=order)
    return ordered


def _divide(sighting: Sighting, hubs: Hubs) -> list[Sighting]:
    """Divide a sighting at hubs; one that stands alone is left out once it is shared."""
    observation, identifiers, main = sighting
    if main:
        return sightings(observation, hubs, identifiers)
    return [] if identifiers[0] in hubs.shared else [sighting]
