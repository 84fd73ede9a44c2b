"""A raw component: all that links ever joined, with its replay kept at hand.

Its state is a pure function of its sightings: a sighting later than all others is one step; so is one of a
profile that has not changed since; any other replays them.
Components never shrink: R of a superset of a component's observations is the same answer.
"""

from bisect import insort
from collections.abc import Iterable, Mapping, Sequence

from identity.hubs import Hubs, PersonTally
from identity.identifiers import Identifier
from identity.judgements import Verdicts
from identity.observations import ReplayKey
from identity.ownership import Owners, Replayed
from identity.profiles import ProfileRef
from identity.replay import Replay, Sighting
from identity.resolve import after_step, run, sightings
from identity.rules import LinkingRules

Moved = dict[Identifier, ProfileRef | None]
"""Identifiers whose profile is another than before, and which it is now (None: in none, being a hub)."""


def _place(sighting: Sighting) -> tuple[ReplayKey, bool, tuple[Identifier, ...]]:
    """Order sightings by their observations; of one observation the part it is attributed by comes first."""
    return (sighting.observation.key, not sighting.main, sighting.identifiers)


class Component:
    """Sightings in the order of their keys, and what they amount to."""

    def __init__(self, rules: LinkingRules, verdicts: Verdicts, seen: Iterable[Sighting] = ()) -> None:
        self._rules = rules
        self._verdicts = verdicts
        self._sightings = sorted(seen, key=_place)
        self._tally = PersonTally(rules)
        for sighting in self._sightings:
            self._count(sighting)
        self.known: set[Identifier] = {i for s in self._sightings for i in s.identifiers}
        self._replay, self._replayed = run(self._sightings, rules, verdicts)
        self._owners: Owners | None = None

    @property
    def verdicts(self) -> Verdicts:
        """The judgements it was replayed under."""
        return self._verdicts

    @property
    def replay(self) -> Replay:
        """The state after all sightings."""
        return self._replay

    @property
    def replayed(self) -> Sequence[Replayed]:
        """The observations, in the order of the replay."""
        return self._replayed

    def __len__(self) -> int:
        """Count the sightings."""
        return len(self._sightings)

    def refs(self) -> Mapping[Identifier, ProfileRef]:
        """Give each identifier's profile."""
        return {i: self._replay.ref(i) for i in self._replay.identifiers()}

    def owners(self) -> Owners:
        """Tell who claimed what; kept until something changes."""
        if self._owners is None:
            self._owners = Owners(self._replayed, self._replay.ref, self._rules)
        return self._owners

    def hubs(self, among: Iterable[Identifier]) -> Hubs:
        """Tell which of these have become hubs, by this component's sightings."""
        return self._tally.hubs(among)

    def add(self, sighting: Sighting) -> Moved:
        """Take in one more sighting."""
        self._owners = None
        self._count(sighting)
        self.known.update(sighting.identifiers)
        if self._sightings and _place(sighting) < _place(self._sightings[-1]):
            return self._add_late(sighting)
        self._sightings.append(sighting)
        moved = self._replay.step(sighting)
        if sighting.main:
            self._replayed.append(after_step(self._replay, sighting, self._rules))
        return {i: self._replay.ref(i) for i in moved}

    def absorb(self, others: Sequence["Component"]) -> None:
        """Take in components that share no identifier and no judgement with this one; nobody's profile changes."""
        self._owners = None
        for other in others:
            self._sightings += other._sightings
            self._replayed += other._replayed
            self._replay.absorb(other._replay)
            self._tally.merge(other._tally)
            self.known |= other.known
        self._sightings.sort(key=_place)
        self._replayed.sort(key=lambda r: r.observation.key)

    def part_from(self, hubs: Hubs) -> Moved:
        """Set hubs aside, in all that was seen."""
        self.known -= hubs.shared
        self._sightings = [part for sighting in self._sightings for part in _divide(sighting, hubs)]
        return self._again()

    def judge(self, verdicts: Verdicts) -> Moved:
        """Replay under other judgements."""
        self._verdicts = verdicts
        return self._again()

    def adopt(self, verdicts: Verdicts) -> None:
        """Go on under judgements that concern nothing seen here so far."""
        self._verdicts = verdicts
        self._replay.adopt(verdicts)

    def _add_late(self, sighting: Sighting) -> Moved:
        """Take in a sighting that others have overtaken."""
        insort(self._sightings, sighting, key=_place)
        if not self._replay.commutes(sighting):
            return self._again()
        self._replay.step(sighting)
        if sighting.main:
            insort(self._replayed, after_step(self._replay, sighting, self._rules), key=lambda r: r.observation.key)
        return {}

    def _again(self) -> Moved:
        """Replay everything; give what differs."""
        self._owners = None
        before = self.refs()
        self._replay, self._replayed = run(self._sightings, self._rules, self._verdicts)
        after = self.refs()
        moved: Moved = {i: ref for i, ref in after.items() if before.get(i) != ref}
        return moved | dict.fromkeys(before.keys() - after.keys())

    def _count(self, sighting: Sighting) -> None:
        """Count the persons its identifiers were seen with."""
        if sighting.main:
            self._tally.add(sighting.observation, sighting.identifiers)


def _divide(sighting: Sighting, hubs: Hubs) -> list[Sighting]:
    """Divide a sighting at hubs; one that stands alone is left out once it is shared."""
    observation, identifiers, main = sighting
    if main:
        return sightings(observation, hubs, identifiers)
    return [] if identifiers[0] in hubs.shared else [sighting]
