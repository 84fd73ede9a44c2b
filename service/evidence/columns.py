"""A column is read whole or refused by file, column and row; rows count from 1, a CSV's header not among them."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson
import polars as pl
from numpy.typing import NDArray

from channel_selector.evidence.rounds import SUM_TOLERANCE
from channel_selector.validation import LARGEST
from service.errors import EvidenceError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

TRUE, FALSE = ("true", "1", "1.0", "yes"), ("false", "0", "0.0", "no")
PLAIN_TIMES = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d")
"""How times without a zone may be written, beside ISO 8601 with one."""


def _csv(path: Path) -> pl.DataFrame:
    """Read all columns as text; EvidenceError where two have the same name, of which polars would rename one."""
    names = pl.read_csv(path, infer_schema=False, has_header=False, n_rows=1, truncate_ragged_lines=True).row(0)
    twice = [name for name, count in Counter(names).items() if name is not None and count > 1]
    if twice:
        raise EvidenceError(f"{path} has {names.count(twice[0])} columns {twice[0]}; name each column once")
    return pl.read_csv(path, infer_schema=False)


READERS: dict[str, Callable[[Path], pl.DataFrame]] = {
    ".parquet": pl.read_parquet,
    ".csv": _csv,
    ".csv.gz": _csv,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lists:
    """A column of lists: all their items one after another, and how many each row has."""

    items: pl.Series
    sizes: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of a file, with their numbers there. Methods raise EvidenceError where a column is not what it must be."""

    path: Path
    frame: pl.DataFrame
    rows: Ints

    @classmethod
    def read(cls, path: Path) -> "Table":
        """Read a Parquet or CSV file; EvidenceError where it is damaged, of another kind, or holds no rows."""
        reader = next((read for ending, read in READERS.items() if path.name.lower().endswith(ending)), None)
        if reader is None:
            raise EvidenceError(f"{path} has no ending that tells what it is; use one of {', '.join(READERS)}")
        try:
            frame = reader(path)
        except pl.exceptions.NoDataError:
            raise EvidenceError(f"{path} is empty; a log has a header and a row for each decision") from None
        except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            raise EvidenceError(f"{path} cannot be read: it is cut off, damaged or no {path.suffix} file") from error
        if not len(frame):
            raise EvidenceError(f"{path} holds no rows; a log has a row for each decision")
        return cls(path=path, frame=frame, rows=np.arange(1, len(frame) + 1))

    def __len__(self) -> int:
        return len(self.frame)

    def __contains__(self, name: str) -> bool:
        return name in self.frame.columns

    def require(self, *names: str) -> None:
        """Refuse a file without these columns."""
        missing = [name for name in names if name not in self]
        if missing:
            there = ", ".join(self.frame.columns)
            raise EvidenceError(f"{self.path} lacks the column {missing[0]}; it has {there}")

    def kept(self, places: Ints) -> "Table":
        """Give some of the rows, in the order given."""
        return Table(path=self.path, frame=self.frame[places], rows=self.rows[places])

    def refuse(self, name: str, wrong: Flags, what: str, shown: Floats | None = None) -> None:
        """Refuse the column if any row is wrong; `what` says what it must be, `shown` holds numbers fit to be told."""
        places = np.flatnonzero(wrong)
        if not len(places):
            return
        first = places[np.argmin(self.rows[places])]
        more = f" (and {len(places) - 1:,} rows more)" if len(places) > 1 else ""
        given = "" if shown is None else f"it is {shown[first]:g}; "
        raise EvidenceError(f"{self.path}: column {name}, row {self.rows[first]:,}{more}: {given}{what}")

    def numbers(self, name: str, allowed: str, fits: Callable[[Floats], Flags]) -> Floats:
        """Give a column of numbers from −1e15 to 1e15 that fit; `allowed` says in words which do."""
        column = self.frame[name]
        if not (column.dtype.is_numeric() or column.dtype in (pl.String, pl.Boolean, pl.Null)):
            raise EvidenceError(f"{self.path}: column {name} holds {column.dtype}, not numbers; it must hold {allowed}")
        text = column.str.strip_chars() if column.dtype == pl.String else column
        numbers = text.cast(pl.Float64, strict=False)
        self.refuse(name, column.is_null().to_numpy(), f"it is empty; it must be {allowed}")
        self.refuse(name, numbers.is_null().to_numpy(), f"it is not a number; it must be {allowed}")
        values = numbers.to_numpy()
        self.refuse(name, ~((np.abs(values) <= LARGEST) & fits(values)), f"it must be {allowed}", values)
        return values

    def flags(self, name: str) -> Flags:
        """Give a column of true and false, also written 1 and 0."""
        text = self.frame[name].cast(pl.String, strict=False).str.strip_chars().str.to_lowercase().fill_null("")
        self.refuse(name, (~text.is_in([*TRUE, *FALSE])).to_numpy(), "it must be true or false")
        flags: Flags = text.is_in(TRUE).to_numpy()
        return flags

    def instants(self, name: str) -> Ints:
        """Give a column of instants as microseconds since 1970; those without a zone are taken as UTC."""
        column = self.frame[name]
        if column.dtype == pl.String:
            column = _instants(column.str.strip_chars())
        elif column.dtype == pl.Date or isinstance(column.dtype, pl.Datetime):
            column = column.cast(pl.Datetime("us"), strict=False)
        else:
            raise EvidenceError(f"{self.path}: column {name} holds {column.dtype}, not times")
        self.refuse(name, column.is_null().to_numpy(), "it must be a time such as 2026-11-16T09:00:00Z")
        instants: Ints = column.to_physical().to_numpy()
        return instants

    def names(self, name: str) -> pl.Series:
        """Give a column of names as text; whole numbers are names too."""
        column = as_names(self.frame[name])
        self.refuse(name, (column.is_null() | (column == "")).to_numpy(), "it is empty; it must name an action")
        return column

    def lists(self, name: str) -> Lists:
        """Give a column of lists that are not empty; in a CSV written as JSON, such as [0.2, 0.8]."""
        column = self.frame[name]
        if column.dtype == pl.String:
            column = self._from_json(name, column)
        if not isinstance(column.dtype, pl.List | pl.Array):
            raise EvidenceError(f"{self.path}: column {name} holds {column.dtype}; it must hold lists")
        column = column.cast(pl.List(column.dtype.inner))
        sizes = column.list.len().fill_null(0)
        self.refuse(name, (sizes == 0).to_numpy(), "it is empty; it must be a list with an item for each action")
        return Lists(items=column.explode(), sizes=sizes.cast(pl.Int64).to_numpy())

    def shares(self, name: str) -> Lists:
        """Give a column of lists of probabilities, each from 0 to 1, that sum to 1."""
        lists = self.lists(name)
        items = lists.items.cast(pl.Float64, strict=False)
        values = items.fill_null(np.nan).to_numpy()
        starts = np.concatenate([[0], np.cumsum(lists.sizes)[:-1]])
        wrong = ~((values >= 0.0) & (values <= 1.0))
        self.refuse(name, np.logical_or.reduceat(wrong, starts), "every item must be a probability from 0 to 1")
        off = np.abs(np.add.reduceat(values, starts) - 1.0) > SUM_TOLERANCE
        self.refuse(name, off, "the list's probabilities must sum to 1")
        return Lists(items=items, sizes=lists.sizes)

    def _from_json(self, name: str, column: pl.Series) -> pl.Series:
        read = [_list(text) for text in column.to_list()]
        self.refuse(name, np.array([each is None for each in read]), "it must be a JSON list, such as [0.2, 0.8]")
        texts = [[None if item is None else str(item) for item in each] for each in read if each is not None]
        return pl.Series(name, texts, pl.List(pl.String))


def as_names(column: pl.Series) -> pl.Series:
    """Give names as text; numbers that are whole lose what their type wrote behind the point."""
    if column.dtype.is_float() and bool((column.is_null() | (column == column.round())).all()):
        column = column.cast(pl.Int64, strict=False)
    return column.cast(pl.String, strict=False)


def _instants(text: pl.Series) -> pl.Series:
    """Read times; null where one cannot be read."""
    read = text.str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False)
    for form in PLAIN_TIMES:
        plain = text.str.to_datetime(form, time_unit="us", strict=False)
        read = read.zip_with(read.is_not_null(), plain.dt.replace_time_zone("UTC"))
    return read


def _list(text: str | None) -> list[object] | None:
    try:
        read = orjson.loads(text or "")
    except orjson.JSONDecodeError:
        return None
    return read if isinstance(read, list) else None
