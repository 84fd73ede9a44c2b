"""R's answer on a Spark cluster: the same partition, ids and refusals as `identity.frames`, for files of any size.

Components come from alternating stars (Kiveris et al. 2014, "Connected components in MapReduce and beyond"), each
round checkpointed; contested ones are replayed by R, each in one Python worker, on which Homing must be installed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import Any

import polars as pl
import pyarrow as pa  # type: ignore[import-untyped]  # it has no stubs
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - as all of Spark's users call it
from pyspark.sql.window import Window

from identity.frames import columns
from identity.frames.chunks import UNTRUSTED
from identity.frames.faults import FrameError
from identity.frames.observation_ids import observation_id
from identity.frames.vocabulary import EVIDENCE, INVALID_NAMESPACE, NAMESPACE
from identity.hubs import Hubs
from identity.identifiers import ALSO_CALLED, Identifier, Namespace, NamespaceClass
from identity.judgements import Verdicts
from identity.normalize import normalize
from identity.observations import Observation, Trust
from identity.profiles import ProfileRef, profile_id
from identity.replay import Sighting
from identity.resolve import run, sightings
from identity.rules import UNNAMED_PRIORITY, Founder, LinkingRules

SHARED, FLOODED = 1, 2
_NO_VERDICTS = Verdicts()
_ROW = (
    "key string, named boolean, namespace string, value string, raw_namespace string, raw_value string, at bigint, "
    "said int, reason string, zoned boolean, naive boolean"
)
_REPLAYED = "root string, left string, right string, told string"
"""What a replay says: an identifier's namespace, value and profile id, or (root null) a link refused and why."""


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


def read(session: SparkSession, path: str) -> DataFrame:
    """Scan a file by its ending, its cells as they stand; FrameError where it lacks a column or cannot be read."""
    try:
        found = _scan(session, path)
        names = found.columns
    except Exception as error:  # noqa: BLE001 - Spark raises the JVM's exceptions, of any name
        raise FrameError(path, f"cannot be read ({type(error).__name__})") from None
    wanted = columns.shape(names, path)
    return found.select(*wanted, *(name for name in columns.OPTIONAL if name in names))


def _scan(session: SparkSession, path: str) -> DataFrame:
    if path.endswith(".parquet"):
        return session.read.parquet(path)
    if path.removesuffix(".gz").endswith(".csv"):
        return session.read.csv(path, header=True, escape='"')
    return session.read.json(path, primitivesAsString=True)


def resolve_spark(tables: list[DataFrame], rules: LinkingRules, *, key: bytes = b"", now: datetime) -> SparkAnswer:
    """Resolve tables of observations or of links (CONTRACT 4). What says no time was seen `now`, nothing is later.

    Raises FrameError where times with an offset and without one are mixed.
    """
    rows = reduce(DataFrame.unionByName, [_parsed(table, rules) for table in tables]).localCheckpoint()
    zones = rows.agg(F.max("zoned"), F.max("naive")).head()
    if zones is not None and zones[0] and zones[1]:
        raise FrameError(
            "", "the column observed_at mixes times with an offset and times without; give all of them one"
        )
    latest = F.lit(columns.micros(now))
    seen = _observations(rows, latest)
    sights, beyond = _sights(rows, rules)
    sights, hubs = _divided(sights, seen, rules)
    linking = sights.filter(
        (F.col("hub") == 0) | ((F.col("hub") == FLOODED) & ((F.col("trust") >= int(Trust.SERVER)) | (F.col("n") == 1)))
    )
    held = sights.filter(F.col("hub") != SHARED)
    roots = _roots(linking, held).localCheckpoint()
    known = _known(held, roots, rules).localCheckpoint()
    contested = _contested(known, linking, roots, rules).localCheckpoint()
    replayed = _replayed(sights, seen, roots, contested, rules, key).localCheckpoint()
    calm = known.join(contested, "root", "left_anti")
    return SparkAnswer(
        profiles=_profiles(known, calm, replayed, key),
        refused=replayed.filter(F.col("root").isNull()).select("left", "right", F.col("told").alias("reason")),
        rejected=_rejected(rows, beyond),
        hubs=hubs,
        rows=sum(table.count() for table in tables),
        observations=seen.count(),
        contested=contested.count(),
    )


# --- rows ---


def _parsed(table: DataFrame, rules: LinkingRules) -> DataFrame:
    """Read rows: each an identifier of an observation, or the reason why it is none."""
    pairs = "left" in table.columns
    keyed = table.withColumn("_row", F.monotonically_increasing_id()) if pairs else table

    def parse(batches: Iterator[Any]) -> Iterator[Any]:
        for batch in batches:
            frame = pl.DataFrame(pl.from_arrow(pa.Table.from_batches([batch])))
            yield from _rows(frame, rules).to_arrow().cast(_ARROW).to_batches()

    return keyed.mapInArrow(parse, _ROW)


_ARROW = pa.schema(
    [
        *((name, pa.string()) if name != "named" else (name, pa.bool_()) for name in ("key", "named", "namespace")),
        *((name, pa.string()) for name in ("value", "raw_namespace", "raw_value")),
        *(
            ("at", pa.int64()),
            ("said", pa.int32()),
            ("reason", pa.string()),
            ("zoned", pa.bool_()),
            ("naive", pa.bool_()),
        ),
    ]
)


def _rows(frame: pl.DataFrame, rules: LinkingRules) -> pl.DataFrame:
    """Lay a part of a table out as rows of `_ROW`."""
    at, zones, bad_at = _times(frame)
    said, bad_trust = _trusts(frame)
    fault = pl.select(
        pl.when(bad_at)
        .then(pl.lit("invalid_observed_at"))
        .when(bad_trust)
        .then(pl.lit("invalid_trust"))
        .otherwise(pl.lit(""))
    ).to_series()
    common = {"at": at, "said": said, "fault": fault}
    if "left" in frame.columns:
        sides = [_split(columns.text(frame[side], "").fill_null("")) for side in columns.LINKS]
        keys = "link " + frame["_row"].cast(pl.String)
        parts = [
            pl.DataFrame({"key": keys, "raw_namespace": names, "raw_value": values, **common}).with_columns(
                named=pl.lit(value=False)
            )
            for names, values in sides
        ]
        # A fault of a link is one fault, not one of each side.
        whole = pl.concat([parts[0], parts[1].filter(pl.col("fault") == "")])
    else:
        cells = {name: columns.text(frame[name], "").fill_null("").str.strip_chars() for name in columns.OBSERVATIONS}
        whole = pl.DataFrame(
            {"key": cells["observation"], "raw_namespace": cells["namespace"], "raw_value": cells["value"], **common}
        ).with_columns(named=pl.lit(value=True))
    return _normal(whole, rules).with_columns(zoned=pl.lit(zones[0]), naive=pl.lit(zones[1])).select(_ARROW.names)


def _split(cells: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Divide `namespace:value` at the first colon."""
    colon = cells.str.find(":", literal=True)
    frame = pl.DataFrame({"c": cells, "p": colon})
    names = frame.select(
        pl.when(pl.col("p").is_null()).then(pl.lit("")).otherwise(pl.col("c").str.splitn(":", 2).struct[0])
    )
    values = frame.select(
        pl.when(pl.col("p").is_null()).then(pl.col("c")).otherwise(pl.col("c").str.splitn(":", 2).struct[1])
    )
    return names.to_series().str.strip_chars(), values.to_series().fill_null("").str.strip_chars()


def _times(frame: pl.DataFrame) -> tuple[pl.Series, tuple[bool, bool], pl.Series]:
    """Give times (null: none), which zones there were, and what could not be read."""
    if "observed_at" not in frame.columns:
        return pl.Series([None], dtype=pl.Int64).new_from_index(0, len(frame)), (False, False), _no(frame)
    found = columns.moments(frame["observed_at"], "")
    at = pl.Series(found.at).zip_with(
        pl.Series(found.dated), pl.Series([None], dtype=pl.Int64).new_from_index(0, len(frame))
    )
    return at, found.zones, ~pl.Series(found.read)


def _trusts(frame: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    """Give trusts (UNTRUSTED: none said), and what could not be read."""
    if "trust" not in frame.columns:
        return pl.Series([UNTRUSTED], dtype=pl.Int32).new_from_index(0, len(frame)), _no(frame)
    found, read = columns.trusts(frame["trust"], "")
    said = pl.Series(found).cast(pl.Int32)
    return said.to_frame("s").select(
        pl.when(pl.col("s") < 0).then(UNTRUSTED).otherwise(pl.col("s"))
    ).to_series(), ~pl.Series(read)


def _no(frame: pl.DataFrame) -> pl.Series:
    return pl.Series([False]).new_from_index(0, len(frame))


def _normal(rows: pl.DataFrame, rules: LinkingRules) -> pl.DataFrame:
    """Normalise each distinct value once."""
    distinct = rows.select("raw_namespace", "raw_value").unique()
    read = [_read(name, value, rules) for name, value in distinct.iter_rows()]
    found = distinct.with_columns(
        namespace=pl.Series([name for name, _, _ in read], dtype=pl.String),
        value=pl.Series([value for _, value, _ in read], dtype=pl.String),
        why=pl.Series([why for _, _, why in read], dtype=pl.String),
    )
    missing = pl.col("named") & (pl.col("key") == "")
    reason = (
        pl.when(missing)
        .then(pl.lit("missing_observation"))
        .when((pl.col("why") != "") & (pl.col("why") != EVIDENCE))
        .then(pl.col("why"))
        .when(pl.col("fault") != "")
        .then(pl.col("fault"))
        .otherwise(pl.col("why"))
    )
    # A link whose fault is the row's own is told of that alone.
    return rows.join(found, on=["raw_namespace", "raw_value"], how="left").with_columns(
        reason=pl.when(~pl.col("named") & (pl.col("fault") != "")).then(pl.col("fault")).otherwise(reason)
    )


def _read(name: str, value: str, rules: LinkingRules) -> tuple[str | None, str | None, str]:
    if not NAMESPACE.fullmatch(name):
        return None, None, INVALID_NAMESPACE
    found = normalize(ALSO_CALLED.get(name, name), value, rules)
    return (found.namespace, found.value, "") if isinstance(found, Identifier) else (None, None, found.reason)


def _observations(rows: DataFrame, latest: Column) -> DataFrame:
    """Put observations together: key, named, at, dated, said, trust, written."""
    kept = rows.filter(F.col("reason").isin("", EVIDENCE))
    seen = kept.groupBy("key", "named").agg(
        F.min("at").alias("says"),
        F.min("said").alias("said"),
        F.collect_set(F.struct("raw_namespace", "raw_value")).alias("written"),
    )
    return seen.withColumns(
        {
            "told": F.when(F.col("says").isNotNull(), F.least(F.col("says"), latest)),  # `least` passes over null
            "at": F.coalesce(F.least(F.col("says"), latest), latest),
            "trust": F.when(F.col("said") == UNTRUSTED, int(Trust.SERVER)).otherwise(F.col("said")),
        }
    ).localCheckpoint()


def _sights(rows: DataFrame, rules: LinkingRules) -> tuple[DataFrame, DataFrame]:
    """Give what each observation saw, the first twenty of it, and how many were beyond them."""
    each = rows.filter(F.col("reason") == "").select("key", "named", "namespace", "value").distinct()
    order = Window.partitionBy("key", "named").orderBy(
        _rule(rules, lambda space: space.priority, UNNAMED_PRIORITY), "value", "namespace"
    )
    ranked = each.withColumn("place", F.row_number().over(order)).localCheckpoint()
    most = rules.identifiers_per_observation
    kept = ranked.filter(F.col("place") <= most).withColumn("node", F.concat_ws(":", "namespace", "value"))
    return kept.drop("place"), ranked.filter(F.col("place") > most)


def _rule(rules: LinkingRules, of: Callable[[Namespace], Any], unnamed: Any) -> Column:
    """Say what a rule gives a row's namespace."""
    said = F.lit(unnamed)
    for name, space in rules.namespaces.items():
        said = F.when(F.col("namespace") == name, F.lit(of(space))).otherwise(said)
    return said


def _divided(sights: DataFrame, seen: DataFrame, rules: LinkingRules) -> tuple[DataFrame, DataFrame]:
    """Tell hubs from the others (DESIGN 4.3); add each observation's time, trust and size `n`."""
    said = seen.select("key", "named", "at", "told", "trust")
    whole = sights.join(said, ["key", "named"]).withColumn(
        "n", F.count(F.lit(1)).over(Window.partitionBy("key", "named"))
    )
    person = _rule(rules, lambda space: space.kind is NamespaceClass.PERSON, unnamed=False)
    whole = whole.withColumn("person", person).localCheckpoint()
    persons = whole.filter("person").select("key", "named", F.col("node").alias("who"))
    met = whole.filter(~F.col("person")).join(persons, ["key", "named"])
    limit = rules.hub_limit
    counted = met.groupBy("node").agg(
        F.countDistinct("who").alias("persons"),
        F.countDistinct(F.when(F.col("trust") >= int(Trust.SERVER), F.col("who"))).alias("trusted"),
    )
    hubs = counted.filter(F.lit(False) if limit is None else F.col("persons") > limit).select(
        F.col("node").alias("identifier"),
        "persons",
        (F.col("trusted") > (0 if limit is None else limit)).alias("shared"),
    )
    hubs = hubs.localCheckpoint()
    marks = hubs.select(
        F.col("identifier").alias("node"), F.when(F.col("shared"), SHARED).otherwise(FLOODED).alias("hub")
    )
    marked = whole.join(marks, "node", "left").fillna(0, ["hub"])
    return marked.localCheckpoint(), hubs


# --- components ---


def _roots(linking: DataFrame, held: DataFrame) -> DataFrame:
    """Give each node the least node of its component."""
    first = linking.groupBy("key", "named").agg(F.min("node").alias("v"))
    edges = linking.join(first, ["key", "named"]).filter(F.col("node") != F.col("v"))
    stars = _stars(edges.select(F.col("node").alias("u"), "v").distinct())
    return (
        held.select("node")
        .distinct()
        .join(stars.withColumnRenamed("u", "node"), "node", "left")
        .select("node", F.coalesce("v", "node").alias("root"))
    )


def _stars(edges: DataFrame) -> DataFrame:
    """Contract edges (u, v), u > v, until each u has one v, the least of its component; O(log² n) rounds."""
    edges = edges.localCheckpoint()
    before = None
    while before != (now := edges.agg(F.count(F.lit(1)), F.sum(F.xxhash64("u", "v").cast("decimal(38,0)"))).head()):
        before = now
        both = edges.union(edges.select("v", "u")).toDF("u", "v")
        least = both.groupBy("u").agg(F.least(F.min("v"), F.col("u")).alias("m"))
        large = (
            both.join(least, "u").filter(F.col("v") > F.col("u")).select(F.col("v").alias("u"), F.col("m").alias("v"))
        )
        large = large.filter(F.col("u") != F.col("v")).distinct()
        lesser = large.groupBy("u").agg(F.min("v").alias("m"))
        inner = (
            large.join(lesser, "u")
            .filter(F.col("v") != F.col("m"))
            .select(F.col("v").alias("u"), F.col("m").alias("v"))
        )
        edges = inner.union(lesser.toDF("u", "v")).distinct().localCheckpoint()
    return edges


def _known(held: DataFrame, roots: DataFrame, rules: LinkingRules) -> DataFrame:
    """Give each identifier with its root, what was seen of it, and what would make it its profile's founder."""
    tier = _rule(rules, lambda space: _tier(space, rules), 0 if rules.founder is Founder.ANY else 2)
    seen = held.groupBy("node", "namespace", "value", "person").agg(
        F.count(F.lit(1)).cast("int").alias("observations"),
        F.min("at").alias("first"),
        F.max("at").alias("last"),
        F.min("told").alias("dated"),
    )
    rank = F.struct(
        tier, "first", _rule(rules, lambda space: space.priority, UNNAMED_PRIORITY), F.col("namespace"), F.col("value")
    )
    return seen.join(roots, "node").withColumn("rank", rank)


def _tier(space: Namespace, rules: LinkingRules) -> int:
    """Rank a class as a founder's."""
    if rules.founder is Founder.ANY:
        return 0
    if space.kind is NamespaceClass.PERSON:
        return 0 if space.limit == 1 else 1
    return 2 if space.kind is NamespaceClass.CONTACT else 3


def _contested(known: DataFrame, linking: DataFrame, roots: DataFrame, rules: LinkingRules) -> DataFrame:
    """Give the roots whose components R must replay: where a link could be refused, or dropped with age."""
    weak = (
        linking.filter(F.col("trust") < int(Trust.SERVER))
        .withColumn("together", F.count(F.lit(1)).over(Window.partitionBy("key", "named")))
        .filter("together > 1")
        .join(roots, "node")
        .select("root", F.lit(True).alias("weak"))
        .distinct()
    )
    limited = [F.lit(False)]
    for name, space in rules.namespaces.items():
        if space.limit is not None:
            limited.append(F.count_if(F.col("namespace") == name) > space.limit)
    aged = _rule(rules, lambda space: None if space.ttl is None else space.ttl.total_seconds() * 1e6, None)
    counted = (
        known.withColumn("ttl", aged.cast("double"))
        .groupBy("root")
        .agg(
            reduce(Column.__or__, limited).alias("over"),
            (F.count(F.lit(1)) > rules.profile_cap).alias("capped"),
            F.count_if(F.col("person")).alias("persons"),
            F.coalesce(F.max((F.col("last") - F.col("first")) > F.col("ttl")), F.lit(False)).alias("aged"),
        )
    )
    told = counted.join(weak, "root", "left").fillna(value=False, subset=["weak"])
    return told.filter("over or capped or aged or (weak and persons > 1)").select("root")


def _replayed(  # noqa: PLR0917 - tables
    sights: DataFrame, seen: DataFrame, roots: DataFrame, contested: DataFrame, rules: LinkingRules, key: bytes
) -> DataFrame:
    """Let R replay contested components, each in one worker."""
    rooted = sights.join(roots, "node", "left")
    entry = F.struct("namespace", "value", "hub", "root")
    whole = rooted.groupBy("key", "named").agg(F.collect_list(entry).alias("entries"))
    concerned = rooted.join(contested, "root").select("key", "named", "root").distinct()
    facts = concerned.join(whole, ["key", "named"]).join(
        seen.select("key", "named", "at", "says", "said", "trust", "written"), ["key", "named"]
    )

    def replay(group: Any) -> Any:
        said = list(_replay(pl.DataFrame(pl.from_arrow(group)), rules, key))
        schema = dict.fromkeys(("root", "left", "right", "told"), pl.String)
        return (
            pl.DataFrame(said, schema=schema, orient="row")
            .to_arrow()
            .cast(pa.schema([(name, pa.string()) for name in schema]))
        )

    return facts.groupBy("root").applyInArrow(replay, _REPLAYED)


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


# --- results ---


def _profiles(known: DataFrame, calm: DataFrame, replayed: DataFrame, key: bytes) -> DataFrame:
    """Give all identifiers with their profiles."""
    founders = calm.groupBy("root").agg(F.min("rank").alias("rank")).select("root", "rank.namespace", "rank.value")

    def name(batches: Iterator[Any]) -> Iterator[Any]:
        for batch in batches:
            roots, names, values = (batch.column(n).to_pylist() for n in range(3))
            ids = [profile_id(ProfileRef(Identifier(n, v), 0), key) for n, v in zip(names, values, strict=True)]
            yield pa.RecordBatch.from_arrays(
                [pa.array(roots, pa.string()), pa.array(ids, pa.string())], ["root", "profile_id"]
            )

    ids = founders.mapInArrow(name, "root string, profile_id string")
    named = replayed.filter(F.col("root").isNotNull()).select(
        F.col("left").alias("namespace"), F.col("right").alias("value"), F.col("told").alias("profile_id")
    )
    both = calm.join(ids, "root").select("namespace", "value", "profile_id").unionByName(named)
    dated = F.col("dated").isNotNull()
    return known.join(both, ["namespace", "value"]).select(
        *("namespace", "value", "profile_id", "observations"),
        F.when(dated, F.timestamp_micros("first")).alias("first_seen"),
        F.when(dated, F.timestamp_micros("last")).alias("last_seen"),
    )


def _rejected(rows: DataFrame, beyond: DataFrame) -> DataFrame:
    """Count what names nobody, by reason."""
    faults = rows.filter(~F.col("reason").isin("", EVIDENCE)).select("reason")
    return faults.union(beyond.select(F.lit("too_many_identifiers"))).groupBy("reason").count()
