"""Rows of a CSV or Parquet file, each by itself: one bad line costs no other.

A row of a CSV stands on one line: identifiers hold no line breaks, so an open quote ends with its line.
"""

import csv
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from service.errors import ImportFailed
from service.imports.lines import TOO_LONG, Line, lines
from service.messages import Rejection

COLUMNS = ("observation", "namespace", "value")
OPTIONAL = ("observed_at", "trust")
PARQUET = ".parquet"
_SLICE = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row's cells by column, or why it has none; `line` counts from 1, in Parquet rows instead of lines."""

    line: int
    cells: Mapping[str, object] | Rejection = field(repr=False)
    done: float


Check = Callable[[Path, Collection[str]], Sequence[str]]
"""Looks at a file's columns, gives those to read, and raises ImportFailed where one is missing."""


def observation_columns(path: Path, header: Collection[str]) -> Sequence[str]:
    """Give the columns of observations that a file has."""
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        raise ImportFailed(
            f"{path} lacks the column {missing[0]}; observations have {', '.join(COLUMNS)}, and may have "
            f"{' and '.join(OPTIONAL)}"
        )
    return [name for name in (*COLUMNS, *OPTIONAL) if name in header]


def rows(path: Path, check: Check = observation_columns) -> Iterator[Row]:
    """Give a file's rows; ImportFailed where it cannot be read or lacks a column. Of a CSV every column is given."""
    return _parquet(path, check) if path.suffix == PARQUET else _csv(path, check)


def _csv(path: Path, check: Check) -> Iterator[Row]:
    header: list[str] | None = None
    for line in lines(path):
        read = _cells(line)
        if header is None:
            header = [] if isinstance(read, Rejection) else [name.strip() for name in read]
            check(path, header)
        elif isinstance(read, Rejection):
            yield Row(line=line.number, cells=read, done=line.done)
        else:
            yield Row(line=line.number, cells=_named(header, read), done=line.done)
    if header is None:
        check(path, [])


def _cells(line: Line) -> list[str] | Rejection:
    if line.text is None:
        return TOO_LONG
    try:
        return next(csv.reader([line.text.decode("utf-8-sig" if line.number == 1 else "utf-8")], strict=True))
    except UnicodeDecodeError:
        return Rejection(code="not_unicode", message="the line is not UTF-8")
    except csv.Error:
        return Rejection(code="invalid_csv", message="the line's quotes do not match")


def _named(header: Sequence[str], cells: Sequence[str]) -> Mapping[str, object] | Rejection:
    if len(cells) != len(header):
        return Rejection(code="wrong_columns", message=f"the line has {len(cells)} cells, the header {len(header)}")
    return dict(zip(header, cells, strict=True))


def _parquet(path: Path, check: Check) -> Iterator[Row]:
    try:
        wanted = check(path, pl.read_parquet_schema(path).keys())
        table = pl.read_parquet(path, columns=list(wanted))
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ImportFailed(f"{path} cannot be read: it is missing, or no Parquet file") from error
    line = 0
    for part in table.iter_slices(_SLICE):
        for cells in part.iter_rows(named=True):
            line += 1
            yield Row(line=line, cells=cells, done=line / len(table))
