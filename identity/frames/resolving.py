"""R's answer for tables of any length (DESIGN 4, "Speed of the same answer").

The profiles, their ids and the links refused are exactly those of `identity.resolve` for the same facts, rules and key
(tests/identity/frames/test_resolving.py).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from identity.frames.answer import Answer, SharedIdentifier
from identity.frames.chunks import Chunk
from identity.frames.components import SHARED, Bools, Seen, contested
from identity.frames.contested import fight
from identity.frames.crowds import Crowd, find_hubs
from identity.frames.fought import Fought, fought
from identity.frames.founders import founders, members
from identity.frames.intake import Input, Intake
from identity.frames.naming import profile_ids
from identity.frames.replays import Sources, name_of, replay
from identity.frames.vocabulary import NameRules
from identity.hubs import Hubs
from identity.judgements import Verdicts, Word, in_force, settle
from identity.rules import LinkingRules

Told = Callable[[str], None]
"""Hears which step begins."""

NONE_FOUGHT = fought((), ())


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameResolution:
    """Who is who in a table.

    `profiles`: namespace, value, profile_id, observations, first_seen, last_seen; one row an identifier, hubs left out;
    the two times are null for what no row dates. `refused`: left, right (each `namespace:value`), reason. `rejected`
    counts rows that name nobody, by reason; `sizes` counts profiles by the identifiers that they hold.
    """

    profiles: pl.DataFrame
    refused: pl.DataFrame
    hubs: tuple[SharedIdentifier, ...]
    rows: int
    observations: int
    contested: int
    rejected: Mapping[str, int]
    sizes: Mapping[int, int]


def resolve_frame(
    frame: pl.DataFrame | pl.LazyFrame,
    rules: LinkingRules,
    judgements: Iterable[Word] = (),
    *,
    key: bytes = b"",
    now: datetime | None = None,
) -> FrameResolution:
    """Resolve a table of observations or of links (CONTRACT 4) in memory.

    Observations: `observation`, `namespace`, `value`, one row an identifier; links: `left`, `right`, each
    `namespace:value`, one row an observation of two. Both may have `observed_at` (what says none was seen at `now`, and
    nothing later than that) and `trust` (server where a row says none; an observation is trusted as its least trusted
    row). `key`: what profile ids are hashed with. Raises FrameError for columns that are missing or of another type,
    ContradictionError for judgements that cannot all hold. O(n) but for contested components, which R replays.
    """
    intake = Intake(rules, now)
    intake.add(frame.collect() if isinstance(frame, pl.LazyFrame) else frame)
    answer = resolved(intake, judgements, key=key)
    return FrameResolution(
        profiles=answer.profiles(),
        refused=answer.refused_links(),
        hubs=answer.hubs(),
        rows=answer.input.rows,
        observations=answer.observations,
        contested=answer.contested,
        rejected=dict(sorted(answer.input.rejected.items())),
        sizes=answer.sizes(),
    )


def _silent(_: str) -> None:
    """Tell nobody."""


def resolved(intake: Intake, judgements: Iterable[Word] = (), *, key: bytes = b"", told: Told = _silent) -> Answer:
    """Resolve what was taken in; `told` hears of each step."""
    verdicts = settle(in_force(judgements))
    judged = sorted({*verdicts.groups, *verdicts.barred})
    told("normalising")
    found = intake.finish(judged)
    numbers = dict(zip(judged, found.judged.tolist(), strict=True))
    vocabulary = intake.vocabulary
    names, spaces = vocabulary.entries.names, intake.names.rules()
    told("linking")
    hubs, crowds = find_hubs(found.chunks, names, spaces, intake.rules.hub_limit)
    seen = Seen.nothing(hubs, intake.latest)
    for chunk in found.chunks:
        seen.add(chunk)
    for identifier, group in verdicts.groups.items():
        for other in group:
            seen.join(numbers[identifier], numbers[other])
    seen.flatten()
    concerned = np.array(list(numbers.values()), np.int32)
    replayed = contested(seen, names, spaces, intake.rules, concerned[seen.times[concerned] > 0])
    told("naming")
    world = World(
        intake=intake,
        found=found,
        seen=seen,
        spaces=spaces,
        crowds=crowds,
        replayed=replayed,
        verdicts=verdicts,
    )
    return _named(world, key, told)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that is known before profiles are: what came in, its components, its hubs, and what must be replayed."""

    intake: Intake
    found: Input
    seen: Seen
    spaces: NameRules
    crowds: list[Crowd]
    replayed: Bools
    verdicts: Verdicts


def _named(world: World, key: bytes, told: Told) -> Answer:
    """Give profiles their numbers and their names."""
    vocabulary, seen, replayed = world.intake.vocabulary, world.seen, world.replayed
    entries = vocabulary.entries
    founder = founders(seen, entries.names, entries.offsets, entries.data, world.spaces)
    founder[replayed] = -1
    roots = np.flatnonzero(founder >= 0).astype(np.int32)
    named, generations = founder[roots], np.zeros(len(roots), np.int32)
    founder[roots] = np.arange(len(roots), dtype=np.int32)  # from here on each root's profile
    profile_of = members(founder, seen)
    count = len(roots)
    del founder, roots
    outcome = NONE_FOUGHT
    if replayed.any():
        told("replaying contested components")
        outcome = _fought(world)
        more, first, which = np.unique(outcome.founders, return_index=True, return_inverse=True)
        profile_of[outcome.entries] = count + which
        named = np.concatenate([named, more.astype(np.int32)])
        generations = np.concatenate([generations, outcome.generations[first]])
    called = [("" if each.name is None else each.name).encode() for each in world.intake.names.known]
    digests = profile_ids(called, entries.names, named, generations, entries.offsets, entries.data, key)
    return Answer(
        vocabulary=vocabulary,
        input=world.found,
        seen=seen,
        profile_of=profile_of,
        founders=named,
        generations=generations,
        digests=digests,
        crowds=world.crowds,
        fought=outcome,
        contested=int(replayed.sum()),
    )


def _fought(world: World) -> Fought:
    """Let the replay decide: the compiled one, or R itself where a judgement or a ttl has a say."""
    intake, vocabulary, chunks = world.intake, world.intake.vocabulary, world.found.chunks
    parent, rules, spaces = world.seen.parent, intake.rules, world.spaces
    sources = Sources(
        chunks=chunks,
        identifier=vocabulary.identifier,
        raw=vocabulary.raw,
        key=intake.key.text,
        parent=parent,
        latest=intake.latest,
    )
    if not world.verdicts.groups and not world.verdicts.barred and not spaces.ttls:
        copies: dict[str, int] = {}

        def name(chunk: Chunk, place: int) -> str:
            return name_of(sources, chunk, place, copies)

        return fight(chunks, parent, world.replayed, world.seen.hubs, vocabulary, spaces, rules, intake.latest, name)
    hubs = Hubs(
        shared=frozenset(vocabulary.identifier(c.entry) for c in world.crowds if c.shared),
        flooded=frozenset(vocabulary.identifier(c.entry) for c in world.crowds if not c.shared),
    )
    return replay(sources, world.replayed, hubs, world.seen.hubs == SHARED, rules, world.verdicts)
