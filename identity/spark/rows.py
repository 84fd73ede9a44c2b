"""Rows of either shape become identifiers of observations, or the reasons why they are none (CONTRACT 4)."""

from collections.abc import Iterator
from typing import Any

import polars as pl
import pyarrow as pa  # type: ignore[import-untyped]  # it has no stubs
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - as all of Spark's users call it

from identity.frames import columns
from identity.frames.chunks import UNTRUSTED
from identity.frames.vocabulary import EVIDENCE, INVALID_NAMESPACE, NAMESPACE
from identity.identifiers import ALSO_CALLED, Identifier
from identity.normalize import normalize
from identity.rules import LinkingRules

_ROW = (
    "key string, named boolean, namespace string, value string, raw_namespace string, raw_value string, at bigint, "
    "said int, reason string, zoned boolean, naive boolean, number int, read int, spoilt int"
)
"""`number` is the table's. `read` and `spoilt` have a bit for each of OPTIONAL: whether, of the rows that came along,
there was a value of it that could be read, and one that could not."""
_KINDS = {"string": pa.string(), "boolean": pa.bool_(), "bigint": pa.int64(), "int": pa.int32()}
_ARROW = pa.schema([(name, _KINDS[kind]) for name, kind in (field.split() for field in _ROW.split(","))])


def parse(table: DataFrame, number: int, rules: LinkingRules) -> DataFrame:
    """Read rows: each an identifier of an observation, or the reason why it is none; each table has a number."""
    keyed = table
    if "left" in table.columns:
        row = F.monotonically_increasing_id().cast("string")
        keyed = table.withColumn("_key", F.concat_ws(" ", F.lit("link"), F.lit(str(number)), row))

    def parsed(batches: Iterator[Any]) -> Iterator[Any]:
        for batch in batches:
            frame = pl.DataFrame(pl.from_arrow(pa.Table.from_batches([batch])))
            yield from _rows(frame, number, rules).to_arrow().cast(_ARROW).to_batches()

    return keyed.mapInArrow(parsed, _ROW)


def _rows(frame: pl.DataFrame, number: int, rules: LinkingRules) -> pl.DataFrame:
    """Lay a part of a table out as rows of `_ROW`."""
    at, zones, bad_at = _times(frame)
    said, bad_trust = _trusts(frame)
    fault = pl.when(bad_at).then(pl.lit("invalid_observed_at")).when(bad_trust).then(pl.lit("invalid_trust"))
    common = {"at": at, "said": said, "fault": pl.select(fault.otherwise(pl.lit(""))).to_series()}
    whole = _links(frame, common) if "left" in frame.columns else _seen(frame, common)
    flags = {"zoned": zones[0], "naive": zones[1], "number": number}
    flags |= {"read": _bits(at.is_not_null(), said != UNTRUSTED), "spoilt": _bits(bad_at, bad_trust)}
    return (
        _normal(whole, rules).with_columns(**{name: pl.lit(flag) for name, flag in flags.items()}).select(_ARROW.names)
    )


def _bits(*columns_of: pl.Series) -> int:
    """Set a bit for each of some columns that is true anywhere, the first the lowest."""
    return sum(1 << place for place, column in enumerate(columns_of) if column.any())


def _seen(frame: pl.DataFrame, common: dict[str, pl.Series]) -> pl.DataFrame:
    """Take a table of observations."""
    key, name, value = (columns.text(frame[c], "").fill_null("").str.strip_chars() for c in columns.OBSERVATIONS)
    whole = pl.DataFrame({"key": key, "raw_namespace": name, "raw_value": value, **common})
    return whole.with_columns(named=pl.lit(value=True))


def _links(frame: pl.DataFrame, common: dict[str, pl.Series]) -> pl.DataFrame:
    """Take a table of links, side by side; a fault of a link is one fault, not one of each side."""
    sides = []
    for side in columns.LINKS:
        name, value = _split(columns.text(frame[side], "").fill_null(""))
        sides.append(pl.DataFrame({"key": frame["_key"], "raw_namespace": name, "raw_value": value, **common}))
    whole = pl.concat([sides[0], sides[1].filter(pl.col("fault") == "")])
    return whole.with_columns(named=pl.lit(value=False))


def _split(cells: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Divide `namespace:value` at the first colon; without one there is no namespace."""
    cell = pl.col("cell")
    parts = cell.str.splitn(":", 2).struct
    divided = cell.str.contains(":", literal=True)
    frame = cells.to_frame("cell").select(
        name=pl.when(divided).then(parts[0]).otherwise(pl.lit("")).str.strip_chars(),
        value=pl.when(divided).then(parts[1]).otherwise(cell).fill_null("").str.strip_chars(),
    )
    return frame["name"], frame["value"]


def _times(frame: pl.DataFrame) -> tuple[pl.Series, tuple[bool, bool], pl.Series]:
    """Give times (null: none), which zones there were, and what could not be read."""
    nothing = _all(None, frame, pl.Int64)
    if "observed_at" not in frame.columns:
        return nothing, (False, False), _all(value=False, frame=frame, kind=pl.Boolean)
    found = columns.moments(frame["observed_at"], "")
    return pl.Series(found.at).zip_with(pl.Series(found.dated), nothing), found.zones, ~pl.Series(found.read)


def _trusts(frame: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    """Give trusts (UNTRUSTED: none said), and what could not be read."""
    unsaid = _all(UNTRUSTED, frame, pl.Int32)
    if "trust" not in frame.columns:
        return unsaid, _all(value=False, frame=frame, kind=pl.Boolean)
    found, read = columns.trusts(frame["trust"], "")
    return pl.Series(found).cast(pl.Int32).zip_with(pl.Series(found >= 0), unsaid), ~pl.Series(read)


def _all(value: bool | int | None, frame: pl.DataFrame, kind: type[pl.DataType]) -> pl.Series:
    """Say the same of every row."""
    return pl.Series([value], dtype=kind).new_from_index(0, len(frame))


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
