"""Components that a judgement or a ttl concerns are replayed by R itself; what comes out is put back into numbers."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit

from identity.frames import columns
from identity.frames.chunks import UNDATED, UNTRUSTED, Chunk, Starts, trust_of
from identity.frames.components import Bools
from identity.frames.fought import REASONS, Fought, fought
from identity.frames.interning import Ids
from identity.frames.observation_ids import Raw, observation_id
from identity.hubs import Hubs
from identity.identifiers import Identifier
from identity.judgements import Verdicts
from identity.observations import Observation
from identity.replaying.replay import Sighting
from identity.resolve import run, sightings
from identity.rules import LinkingRules


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What an observation says in its own words; `at` in microseconds, None as `trust` where it does not say."""

    key: str
    at: int | None
    trust: int | None
    pairs: list[Raw]

    def name(self, copies: dict[str, int] | None) -> str:
        """Name it; a link, which has no key, is seen as often as it stands there, so its copies are counted."""
        name = observation_id(self.key, self.at, self.trust, self.pairs)
        if copies is None:
            return name
        copies[name] = copies.get(name, 0) + 1
        return name if copies[name] == 1 else f"{name}-{copies[name]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where a replay reads: the observations, what their numbers mean, and which component each entry is in."""

    chunks: Sequence[Chunk]
    identifier: Callable[[int], Identifier]
    raw: Callable[[int], Raw]
    key: Callable[[int], str]
    parent: Ids
    latest: int


def replay(
    sources: Sources, marks: Bools, hubs: Hubs, shared: Bools, rules: LinkingRules, verdicts: Verdicts
) -> Fought:
    """Replay the components whose roots are marked."""
    whose: defaultdict[int, list[Sighting]] = defaultdict(list)
    entry_of: dict[Identifier, int] = {}
    copies: dict[str, int] = {}
    for chunk in sources.chunks:
        for place in _concerned(chunk.starts, chunk.entries, sources.parent, marks, shared):
            observation = _observation(sources, chunk, place, entry_of, copies)
            for sighting in sightings(observation, hubs):
                root = int(sources.parent[entry_of[sighting.identifiers[0]]]) if sighting.identifiers else -1
                if root >= 0 and marks[root]:
                    whose[root].append(sighting)
    held: list[tuple[int, int, int]] = []
    refused: list[tuple[int, int, int]] = []
    for seen in whose.values():
        seen.sort(key=lambda s: (s.observation.key, not s.main, s.identifiers))
        replayed, _ = run(seen, rules, verdicts)
        for identifier in replayed.identifiers():
            ref = replayed.ref(identifier)
            held.append((entry_of[identifier], entry_of[ref.founder], ref.generation))
        refused += [(entry_of[r.left], entry_of[r.right], REASONS.index(r.reason)) for r in replayed.refused.values()]
    return fought(held, refused)


def _observation(
    sources: Sources, chunk: Chunk, place: int, entry_of: dict[Identifier, int], copies: dict[str, int]
) -> Observation:
    """Make an observation of numbers again."""
    identifiers = []
    for entry in chunk.entries[chunk.starts[place] : chunk.starts[place + 1]].tolist():
        identifier = sources.identifier(entry)
        entry_of[identifier] = entry
        identifiers.append(identifier)
    at = UNDATED if chunk.at is None else int(chunk.at[place])
    known_at = min(at, sources.latest)
    return Observation(
        id=name_of(sources, chunk, place, copies),
        at=columns.LATEST if known_at == UNDATED else columns.moment(known_at),
        identifiers=tuple(sorted(identifiers)),
        trust=trust_of(chunk, place),
    )


def name_of(sources: Sources, chunk: Chunk, place: int, copies: dict[str, int]) -> str:
    """Name an observation."""
    return told_of(sources, chunk, place).name(copies if chunk.keys is None else None)


def told_of(sources: Sources, chunk: Chunk, place: int) -> Told:
    """Give an observation in its own words."""
    starts, entries = (chunk.starts, chunk.entries) if chunk.written is None else chunk.written
    said = UNTRUSTED if chunk.said is None else int(chunk.said[place])
    told = chunk.at if chunk.told is None else chunk.told
    at = UNDATED if told is None else int(told[place])
    return Told(
        key="" if chunk.keys is None else sources.key(int(chunk.keys[place])),
        at=None if at == UNDATED else at,
        trust=None if said == UNTRUSTED else said,
        pairs=sorted({sources.raw(entry) for entry in entries[starts[place] : starts[place + 1]].tolist()}),
    )


def _concerned(starts: Starts, entries: Ids, parent: Ids, marks: Bools, shared: Bools) -> Iterable[int]:
    """Give the observations that see anything of a marked component."""
    found = np.zeros(len(starts) - 1, np.bool_)
    _mark(starts, entries, parent, marks, shared, found)
    return [int(place) for place in np.flatnonzero(found)]


@njit(cache=True)
def _mark(starts: Starts, entries: Ids, parent: Ids, marks: Bools, shared: Bools, found: Bools) -> None:
    for each in range(len(starts) - 1):
        for place in range(starts[each], starts[each + 1]):
            entry = entries[place]
            if not shared[entry] and marks[parent[entry]]:
                found[each] = True
                break
