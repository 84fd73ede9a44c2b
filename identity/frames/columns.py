"""The columns of an input, of whatever type, become text, moments and trusts (CONTRACT 4).

A cell that cannot be read spoils its row, and the row is counted; a column that cannot be read spoils the file.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from identity.frames.faults import FrameError
from identity.moments import read_time
from identity.observations import Trust

OBSERVATIONS = ("observation", "namespace", "value")
LINKS = ("left", "right")
OPTIONAL = ("observed_at", "trust")

EXPECTED = {
    "observed_at": "it must hold times: ISO 8601, or seconds or milliseconds since 1970",
    "trust": f"it must hold one of {', '.join(trust.name.lower() for trust in Trust)}",
}
"""What an optional column must hold."""
ILLEGIBLE = {name: f"not one value of the column {name} can be read; {told}" for name, told in EXPECTED.items()}
"""What is said of an optional column of which nothing could be read."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
LATEST = datetime.max.replace(tzinfo=UTC)
EARLIEST = (datetime.min.replace(tzinfo=UTC) - EPOCH) // _MICROSECOND
_EXACT = 2**53
_MILLISECONDS_FROM = 100_000_000_000
_ISO = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})?$"
_OFFSET = r"(Z|z|[+-]\d{2}(:?\d{2}(:?\d{2}(\.\d+)?)?)?)$"


def micros(moment: datetime) -> int:
    """Give the microseconds since 1970 of an aware moment."""
    return (moment - EPOCH) // _MICROSECOND


def moment(count: int) -> datetime:
    """Give the moment, in UTC, that many microseconds after 1970."""
    return EPOCH + timedelta(microseconds=count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """A column of times in microseconds; `dated`: which cells say one, `read`: which are empty or could be read.

    `zones`: whether there were moments with an offset, and without one.
    """

    at: npt.NDArray[np.int64]
    dated: npt.NDArray[np.bool_]
    read: npt.NDArray[np.bool_]
    zones: tuple[bool, bool]


def shape(names: list[str], source: str) -> tuple[str, ...]:
    """Tell which of the two shapes a table has by its columns; FrameError names what is missing."""
    for columns in (OBSERVATIONS, LINKS):
        if all(name in names for name in columns):
            return columns
    near = LINKS if "left" in names or "right" in names else OBSERVATIONS
    missing = next(name for name in near if name not in names)
    raise FrameError(
        source,
        f"the column {missing} is missing; a file of observations has {', '.join(OBSERVATIONS)}, a file of links "
        f"{' and '.join(LINKS)}; both may have {' and '.join(OPTIONAL)}",
    )


def text(column: pl.Series, source: str) -> pl.Series:
    """Write each cell as text; whole numbers in digits, also where a table made floats of them; nothing as ''."""
    kind = column.dtype
    if kind == pl.String:
        return column
    if kind.is_float():
        return _float_text(column)
    if kind.is_integer() or kind.is_temporal() or kind in (pl.Boolean, pl.Categorical, pl.Enum, pl.Null):
        return column.cast(pl.String)
    raise FrameError(source, f"the column {column.name} holds {kind}; it must hold text or numbers")


def _float_text(column: pl.Series) -> pl.Series:
    """Write floats as Python does, whole ones without their point."""
    frame = column.to_frame("cell")
    whole = (pl.col("cell").floor() == pl.col("cell")) & (pl.col("cell").abs() < _EXACT)
    digits = frame.select(pl.when(whole).then(pl.col("cell")).cast(pl.Int64, strict=False).cast(pl.String))["cell"]
    left = column.is_not_null() & digits.is_null()
    if not left.any():
        return digits.alias(column.name)
    written = pl.Series([str(cell) for cell in column.filter(left)], dtype=pl.String)
    place = (left.cum_sum().cast(pl.Int64) - 1).clip(0)
    return digits.zip_with(~left, written.gather(place)).alias(column.name)


def trusts(column: pl.Series, source: str) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.bool_]]:
    """Read trusts by name; -1 where a cell says none. Also gives which cells are empty or could be read."""
    if column.dtype not in (pl.String, pl.Categorical, pl.Enum, pl.Null):
        raise FrameError(source, f"the column {column.name} holds {column.dtype}; {EXPECTED['trust']}")
    known = {trust.name.lower(): int(trust) for trust in Trust} | {"": -1}
    words = text(column, source).fill_null("").str.strip_chars().str.to_lowercase()
    found = words.replace_strict(known, default=None, return_dtype=pl.Int8)
    return found.fill_null(-1).to_numpy(), found.is_not_null().to_numpy()


def moments(column: pl.Series, source: str) -> Moments:
    """Read times: typed ones, ISO 8601, seconds or milliseconds since 1970. Empty cells say none."""
    kind = column.dtype
    if isinstance(kind, pl.Datetime):
        return _typed(column, zones=(kind.time_zone is not None, kind.time_zone is None))
    if kind == pl.Date:
        return _typed(column.cast(pl.Datetime("us")), zones=(False, True))
    if kind.is_numeric():
        return _counted(column)
    if kind == pl.Null:
        return _typed(column.cast(pl.Datetime("us")), zones=(False, False))
    if kind != pl.String:
        raise FrameError(source, f"the column {column.name} holds {kind}; it must hold times")
    return _written(column)


def _typed(column: pl.Series, zones: tuple[bool, bool]) -> Moments:
    counts = column.dt.cast_time_unit("us").to_physical()
    dated = counts.is_not_null()
    return _moments(
        counts, dated, pl.Series([True]).new_from_index(0, len(column)), zones if dated.any() else (False, False)
    )


def _counted(column: pl.Series) -> Moments:
    """Read seconds, or milliseconds where there are that many."""
    counts = column.cast(pl.Float64)
    scaled = pl.when(pl.col("n").abs() >= _MILLISECONDS_FROM).then(pl.col("n") * 1e3).otherwise(pl.col("n") * 1e6)
    at = counts.to_frame("n").select(scaled.round().cast(pl.Int64, strict=False))["n"]
    return _moments(
        at, column.is_not_null(), column.is_null() | at.is_not_null(), (bool(at.is_not_null().any()), False)
    )


def _written(column: pl.Series) -> Moments:
    """Read text: the usual shape at once, whatever else there is one by one."""
    cells = column.fill_null("").str.strip_chars()
    full = cells.to_frame("t").select(
        pl.when(pl.col("t").str.contains(_ISO)).then(
            pl.col("t").str.slice(0, 10) + "T" + pl.col("t").str.slice(11).str.replace("Z", "+00:00", literal=True)
        )
    )["t"]
    offset = full.str.contains(r"[+-]\d{2}:\d{2}$")
    completed = full.to_frame("t").select(
        pl.when(offset)
        .then(pl.col("t"))
        .otherwise(pl.col("t") + "+00:00")
        .str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%:z", time_unit="us", strict=False)
        .to_physical()
    )["t"]
    dated = cells != ""
    left = completed.is_null() & dated
    at, aware, naive = completed, bool(offset.any()), bool((~offset).any())
    if left.any():
        rest = cells.filter(left).unique()
        found = {cell: None if (read := read_time(cell)) is None else micros(read) for cell in rest}
        slow = cells.replace_strict(found, default=None, return_dtype=pl.Int64)
        at = completed.zip_with(~left, slow)
        readable = [cell for cell, value in found.items() if value is not None]
        zoned = pl.Series(readable, dtype=pl.String).str.contains(_OFFSET + r"|^\d{9,}$")
        aware, naive = aware or bool(zoned.any()), naive or bool((~zoned).any())
    return _moments(at, dated, ~dated | at.is_not_null(), (aware, naive))


def _moments(at: pl.Series, dated: pl.Series, read: pl.Series, zones: tuple[bool, bool]) -> Moments:
    """Put the parts together; a time before the first year or after the last cannot be read."""
    counts = at.fill_null(0).to_numpy()
    known = (counts >= EARLIEST) & (counts <= micros(LATEST))
    return Moments(
        at=counts,
        dated=(dated & at.is_not_null()).to_numpy() & known,
        read=read.to_numpy() & known,
        zones=zones,
    )
