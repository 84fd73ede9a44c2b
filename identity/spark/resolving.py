"""Tables go in, who is who comes out, as Spark's tables."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]  # it has no stubs
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - as all of Spark's users call it

from identity.frames import columns
from identity.frames.faults import FrameError
from identity.frames.vocabulary import EVIDENCE
from identity.identifiers import Identifier
from identity.observations import Trust
from identity.profiles import ProfileRef, profile_id
from identity.rules import LinkingRules
from identity.spark.components import find_roots
from identity.spark.contested import describe, find_contested
from identity.spark.hubs import FLOODED, SHARED, tell_hubs
from identity.spark.observations import observe, see
from identity.spark.replays import replay
from identity.spark.rows import parse


@dataclass(frozen=True, slots=True, kw_only=True)
class SparkAnswer:
    """What `identity.frames` gives, as Spark's tables.

    `rejected` has reason and count, `hubs` identifier, persons, shared.
    """

    profiles: DataFrame
    refused: DataFrame
    rejected: DataFrame
    hubs: DataFrame
    rows: int
    observations: int
    contested: int


def resolve_spark(
    tables: Mapping[str, DataFrame], rules: LinkingRules, *, key: bytes = b"", now: datetime
) -> SparkAnswer:
    """Resolve tables of observations or of links (CONTRACT 4). What says no time was seen `now`, nothing is later.

    Raises FrameError, naming a table by its key, where times with an offset and without one are mixed, and where of a
    column not one value can be read.
    """
    parsed = [parse(table, number, rules) for number, table in enumerate(tables.values())]
    rows = reduce(DataFrame.unionByName, parsed).localCheckpoint()
    _check_zones(rows)
    _check_legible(rows, tuple(tables))
    seen = observe(rows, F.lit(columns.micros(now)))
    counting, beyond = see(rows, rules)
    sights, hubs = tell_hubs(counting, seen, rules)
    linking, held = sights.filter(_links()), sights.filter(F.col("hub") != SHARED)
    roots = find_roots(linking, held).localCheckpoint()
    known = describe(held, roots, rules).localCheckpoint()
    contested = find_contested(known, linking, roots, rules).localCheckpoint()
    replayed = replay(sights, seen, roots, contested, rules, key).localCheckpoint()
    return SparkAnswer(
        profiles=_profiles(known, known.join(contested, "root", "left_anti"), replayed, key),
        refused=replayed.filter(F.col("root").isNull()).select("left", "right", F.col("told").alias("reason")),
        rejected=_rejected(rows, beyond),
        hubs=hubs,
        rows=sum(table.count() for table in tables.values()),
        observations=seen.count(),
        contested=contested.count(),
    )


def _check_zones(rows: DataFrame) -> None:
    """Refuse times of which some have an offset and others none: which zone was meant would be a guess."""
    zones = rows.agg(F.max("zoned"), F.max("naive")).head()
    if zones is not None and zones[0] and zones[1]:
        told = "the column observed_at mixes times with an offset and times without; give all of them one"
        raise FrameError("", told)


def _check_legible(rows: DataFrame, sources: Sequence[str]) -> None:
    """Refuse a column of which not one value can be read: it is mistyped, not a column of bad rows."""
    found = rows.groupBy("number").agg(F.bit_or("read").alias("read"), F.bit_or("spoilt").alias("spoilt"))
    for row in found.orderBy("number").collect():
        for place, name in enumerate(columns.OPTIONAL):
            if row.spoilt & ~row.read & 1 << place:
                raise FrameError(sources[row.number], columns.ILLEGIBLE[name])


def _links() -> Column:
    """Tell which sights link: all but hubs; what is flooded does where servers say so, or alone."""
    believed = (F.col("trust") >= int(Trust.SERVER)) | (F.col("n") == 1)
    return (F.col("hub") == 0) | ((F.col("hub") == FLOODED) & believed)


def _profiles(known: DataFrame, calm: DataFrame, replayed: DataFrame, key: bytes) -> DataFrame:
    """Give all identifiers with their profiles."""
    named = replayed.filter(F.col("root").isNotNull()).select(
        F.col("left").alias("namespace"), F.col("right").alias("value"), F.col("told").alias("profile_id")
    )
    both = calm.join(_ids(calm, key), "root").select("namespace", "value", "profile_id").unionByName(named)
    dated = F.col("dated").isNotNull()
    return known.join(both, ["namespace", "value"]).select(
        *("namespace", "value", "profile_id", "observations"),
        F.when(dated, F.timestamp_micros("first")).alias("first_seen"),
        F.when(dated, F.timestamp_micros("last")).alias("last_seen"),
    )


def _ids(calm: DataFrame, key: bytes) -> DataFrame:
    """Name the profiles that uncontested components are."""
    founders = calm.groupBy("root").agg(F.min("rank").alias("rank")).select("root", "rank.namespace", "rank.value")

    def name(batches: Iterator[Any]) -> Iterator[Any]:
        for batch in batches:
            roots, names, values = (batch.column(n).to_pylist() for n in range(3))
            ids = [profile_id(ProfileRef(Identifier(n, v), 0), key) for n, v in zip(names, values, strict=True)]
            arrays = [pa.array(roots, pa.string()), pa.array(ids, pa.string())]
            yield pa.RecordBatch.from_arrays(arrays, ["root", "profile_id"])

    return founders.mapInArrow(name, "root string, profile_id string")


def _rejected(rows: DataFrame, beyond: DataFrame) -> DataFrame:
    """Count what names nobody, by reason."""
    faults = rows.filter(~F.col("reason").isin("", EVIDENCE)).select("reason")
    return faults.union(beyond.select(F.lit("too_many_identifiers"))).groupBy("reason").count()
