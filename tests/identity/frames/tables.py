"""Worlds as tables: the same facts as rows for `resolve_frame`, and as observations for R."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

import polars as pl

from identity.frames.answer import Answer
from identity.frames.columns import micros
from identity.frames.observation_ids import observation_id
from identity.frames.resolving import FrameResolution
from identity.identifiers import Identifier
from identity.judgements import Judgement
from identity.observations import Observation
from identity.resolve import Resolution
from tests.identity.compare import consistent
from tests.strategies import World


@dataclass(frozen=True, kw_only=True)
class Said:
    """What both can say."""

    profiles: Mapping[str, frozenset[str]]
    refused: frozenset[tuple[str, str, str]]
    hubs: Mapping[str, bool]


def real(identifier: Identifier) -> Identifier:
    """Give an identifier of a world a value that is one."""
    if identifier.namespace == "email":
        return Identifier("email", f"{identifier.value}@example.org")
    if identifier.namespace == "phone":
        return Identifier("phone", f"+8210123456{sum(map(ord, identifier.value)) % 100:02}")
    return identifier


def realistic(world: World) -> World:
    """Give a world values that are none of junk, and observations the names that a table gives them."""
    judgements = tuple(_real_ends(each) for each in consistent(world.judgements) if isinstance(each, Judgement))
    return World(rules=world.rules, observations=tuple(map(_named, world.observations)), judgements=judgements)


def key(observation: Observation) -> str:
    """Give what a table calls an observation of a world."""
    return f"{observation.id}/{observation.source}/{int(observation.trust)}"


def _real_ends(judgement: Judgement) -> Judgement:
    return replace(judgement, left=frozenset(map(real, judgement.left)), right=frozenset(map(real, judgement.right)))


def _named(each: Observation) -> Observation:
    identifiers = tuple(sorted(map(real, each.identifiers)))
    pairs = [(i.namespace, i.value) for i in identifiers]
    name = observation_id(key(each), micros(each.at), int(each.trust), pairs)
    return Observation(id=name, at=each.at, identifiers=identifiers, trust=each.trust)


def table(world: World, random: Random) -> pl.DataFrame:
    """Lay a world out, one identifier a row, in no order; some rows stand twice."""
    rows = [
        {"observation": key(each), "namespace": i.namespace, "value": real(i).value, "observed_at": each.at}
        | {"trust": each.trust.name.lower()}
        for each in world.observations
        for i in each.identifiers
    ]
    rows += random.sample(rows, len(rows) // 4)
    random.shuffle(rows)
    schema = {"observation": pl.String, "namespace": pl.String, "value": pl.String}
    return pl.DataFrame(rows, schema={**schema, "observed_at": pl.Datetime("us", "UTC"), "trust": pl.String})


@dataclass(frozen=True, kw_only=True)
class Loose:
    """A world of which some observations say no time and others one after `now`: as a table, and as R has it."""

    table: pl.DataFrame
    observations: tuple[Observation, ...]
    dated: Mapping[str, tuple[int, datetime | None, datetime | None]]


def loose(world: World, random: Random, now: datetime) -> Loose:
    """Take the time from one in three observations, and put one in five after `now`; all of those are of `now` to R.

    `dated` gives, of each identifier, its observations, and the first and the last moment that any of them says.
    """
    rows, observations, said = [], [], dict[str, list[datetime | None]]()
    for each in world.observations:
        lot = random.random()
        at = None if lot < 1 / 3 else now + timedelta(days=random.randrange(1, 9)) if lot < 8 / 15 else each.at
        identifiers = tuple(sorted(map(real, each.identifiers)))
        pairs = [(i.namespace, i.value) for i in identifiers]
        name = observation_id(key(each), None if at is None else micros(at), int(each.trust), pairs)
        heard = now if at is None else min(at, now)
        observations.append(Observation(id=name, at=heard, identifiers=identifiers, trust=each.trust))
        for identifier in identifiers:
            told: dict[str, object] = {
                "observation": key(each),
                "namespace": identifier.namespace,
                "value": identifier.value,
            }
            rows.append(told | {"observed_at": at, "trust": each.trust.name.lower()})
            said.setdefault(str(identifier), []).append(None if at is None else heard)
    random.shuffle(rows)
    schema = {"observation": pl.String, "namespace": pl.String, "value": pl.String}
    moments = {i: [at for at in times if at is not None] for i, times in said.items()}
    return Loose(
        table=pl.DataFrame(rows, schema={**schema, "observed_at": pl.Datetime("us", "UTC"), "trust": pl.String}),
        observations=tuple(observations),
        dated={i: (len(said[i]), min(at, default=None), max(at, default=None)) for i, at in moments.items()},
    )


def by_frame(found: FrameResolution) -> Said:
    """Say what a table gave."""
    return Said(
        profiles=held(found.profiles),
        refused=frozenset(found.refused.iter_rows()),
        hubs={str(hub.identifier): hub.shared for hub in found.hubs},
    )


def by_answer(found: Answer) -> Said:
    """Say what an answer in numbers is."""
    return Said(
        profiles=held(found.profiles()),
        refused=frozenset(found.refused_links().iter_rows()),
        hubs={str(hub.identifier): hub.shared for hub in found.hubs()},
    )


def held(profiles: pl.DataFrame) -> dict[str, frozenset[str]]:
    """Give what each profile holds."""
    whole = profiles.select("profile_id", pl.col("namespace") + ":" + pl.col("value"))
    return {p: frozenset(i) for p, i in whole.group_by("profile_id").agg("namespace").iter_rows()}


def by_r(resolution: Resolution) -> Said:
    """Say what R gave."""
    return Said(
        profiles={p.profile_id: frozenset(map(str, p.identifiers)) for p in resolution.profiles},
        refused=frozenset((str(r.left), str(r.right), str(r.reason)) for r in resolution.refused),
        hubs={str(i): True for i in resolution.shared} | {str(i): False for i in resolution.flooded},
    )


def judged(world: World) -> tuple[Judgement, ...]:
    """Give the judgements of a realistic world."""
    return world.judgements
