"""Contested components are replayed by R, each in one Python worker."""

from collections.abc import Iterator
from typing import Any

import polars as pl
import pyarrow as pa  # type: ignore[import-untyped]  # it has no stubs
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - as all of Spark's users call it

from identity.frames import columns
from identity.frames.chunks import UNTRUSTED
from identity.frames.observation_ids import observation_id
from identity.hubs import Hubs
from identity.identifiers import Identifier
from identity.judgements import Verdicts
from identity.observations import Observation, Trust
from identity.profiles import ProfileRef, profile_id
from identity.replaying.replay import Sighting
from identity.resolve import run, sightings
from identity.rules import LinkingRules
from identity.spark.hubs import FLOODED, SHARED

_NO_VERDICTS = Verdicts()
_TOLD = ("root", "left", "right", "told")
"""What a replay says: an identifier's namespace, value and profile id, or (root null) a link refused and why."""


def replay(  # noqa: PLR0917 - tables
    sights: DataFrame, seen: DataFrame, roots: DataFrame, contested: DataFrame, rules: LinkingRules, key: bytes
) -> DataFrame:
    """Let R replay contested components."""

    def replayed(group: Any) -> Any:
        told = list(_replay(pl.DataFrame(pl.from_arrow(group)), rules, key))
        frame = pl.DataFrame(told, schema=dict.fromkeys(_TOLD, pl.String), orient="row")
        return frame.to_arrow().cast(pa.schema([(name, pa.string()) for name in _TOLD]))

    facts = _facts(sights.join(roots, "node", "left"), seen, contested)
    return facts.groupBy("root").applyInArrow(replayed, ", ".join(f"{name} string" for name in _TOLD))


def _facts(rooted: DataFrame, seen: DataFrame, contested: DataFrame) -> DataFrame:
    """Give the observations that see anything of contested components, each with all that it saw."""
    entry = F.struct("namespace", "value", "hub", "root")
    whole = rooted.groupBy("key", "named").agg(F.collect_list(entry).alias("entries"))
    concerned = rooted.join(contested, "root").select("key", "named", "root").distinct()
    said = seen.select("key", "named", "at", "says", "said", "trust", "written")
    return concerned.join(whole, ["key", "named"]).join(said, ["key", "named"])


def _replay(facts: pl.DataFrame, rules: LinkingRules, key: bytes) -> Iterator[tuple[str | None, str, str, str]]:
    """Replay one component."""
    copies: dict[str, int] = {}
    seen: list[Sighting] = []
    root = facts["root"][0]
    for row in facts.iter_rows(named=True):
        hubs = Hubs(shared=_marked(row, SHARED), flooded=_marked(row, FLOODED))
        mine = {Identifier(e["namespace"], e["value"]) for e in row["entries"] if e["root"] == root}
        seen += [s for s in sightings(_observation(row, copies), hubs) if s.identifiers and s.identifiers[0] in mine]
    seen.sort(key=lambda s: (s.observation.key, not s.main, s.identifiers))
    replay, _ = run(seen, rules, _NO_VERDICTS)
    for identifier in replay.identifiers():
        yield root, *identifier, profile_id(ProfileRef(*replay.ref(identifier)), key)
    for refused in replay.refused.values():
        yield None, str(refused.left), str(refused.right), str(refused.reason)


def _marked(row: dict[str, Any], hub: int) -> frozenset[Identifier]:
    return frozenset(Identifier(e["namespace"], e["value"]) for e in row["entries"] if e["hub"] == hub)


def _observation(row: dict[str, Any], copies: dict[str, int]) -> Observation:
    """Make an observation of a row, named as `identity.frames` names it."""
    pairs = sorted((pair["raw_namespace"], pair["raw_value"]) for pair in row["written"])
    name = observation_id(
        row["key"] if row["named"] else "", row["says"], None if row["said"] == UNTRUSTED else row["said"], pairs
    )
    if not row["named"]:
        copies[name] = copies.get(name, 0) + 1
        name = name if copies[name] == 1 else f"{name}-{copies[name]}"
    identifiers = tuple(sorted(Identifier(e["namespace"], e["value"]) for e in row["entries"]))
    return Observation(id=name, at=columns.moment(row["at"]), identifiers=identifiers, trust=Trust(row["trust"]))
