"""Rows of a CSV or Parquet audience, each with its cells by column; of either only the columns that mean something."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from identity.frames import columns
from service.errors import ImportFailed
from service.events.messages import Rejection
from service.imports.lines import lines
from service.imports.tables import PARQUET, cells_of

_SLICE = 50_000

Check = Callable[[Path, Collection[str]], Sequence[str]]
"""Looks at a file's columns, gives those to read, and raises ImportFailed where one is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row's cells by column, or why it has none; `line` counts from 1, in Parquet rows instead of lines."""

    line: int
    cells: Mapping[str, object] | Rejection = field(repr=False)
    done: float


def rows(path: Path, check: Check, texts: Collection[str]) -> Iterator[Row]:
    """Give a file's rows; ImportFailed where it cannot be read or lacks a column. Of a CSV every column is given.

    The columns called in `texts` are text, whatever a Parquet file holds; FrameError where that cannot be.
    """
    return _parquet(path, check, texts) if path.suffix == PARQUET else _csv(path, check)


def _csv(path: Path, check: Check) -> Iterator[Row]:
    header: list[str] | None = None
    for line in lines(path):
        read = cells_of(line)
        if header is None:
            header = [] if isinstance(read, Rejection) else [name.strip() for name in read]
            check(path, header)
        elif isinstance(read, Rejection):
            yield Row(line=line.number, cells=read, done=line.done)
        else:
            yield Row(line=line.number, cells=_named(header, read), done=line.done)
    if header is None:
        check(path, [])


def _named(header: Sequence[str], cells: Sequence[str]) -> Mapping[str, object] | Rejection:
    if len(cells) != len(header):
        return Rejection(code="wrong_columns", message=f"the line has {len(cells)} cells, the header {len(header)}")
    return dict(zip(header, cells, strict=True))


def _parquet(path: Path, check: Check, texts: Collection[str]) -> Iterator[Row]:
    try:
        wanted = check(path, pl.read_parquet_schema(path).keys())
        table = pl.read_parquet(path, columns=list(wanted))
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ImportFailed(f"{path} cannot be read: it is missing, or no Parquet file") from error
    line = 0
    table = table.with_columns(columns.text(table[name], str(path)) for name in wanted if name in texts)
    for part in table.iter_slices(_SLICE):
        for cells in part.iter_rows(named=True):
            line += 1
            yield Row(line=line, cells=cells, done=line / len(table))
