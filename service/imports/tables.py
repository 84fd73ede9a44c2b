"""Rows of a CSV or Parquet file of observations or links, each by itself: one bad line costs no other.

A row of a CSV stands on one line: identifiers hold no line breaks, so an open quote ends with its line.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from identity.frames import columns, files
from service.events.messages import Rejection
from service.imports.lines import TOO_LONG, Line, lines

PARQUET = ".parquet"
_SLICE = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Some rows, by column; `lines` count from 1, in Parquet rows instead of lines. `rejected` lines are no rows."""

    lines: npt.NDArray[np.int64]
    frame: pl.DataFrame = field(repr=False)
    rejected: Sequence[tuple[int, Rejection]] = ()


def parts(path: Path) -> Iterator[Part]:
    """Give a file's rows some at a time; FrameError, ImportFailed where it cannot be read or lacks a column."""
    return _parquet(path) if path.suffix == PARQUET else _csv(path)


def _parquet(path: Path) -> Iterator[Part]:
    line = 1
    for frame in files.parts(str(path)):
        yield Part(lines=np.arange(line, line + len(frame)), frame=frame)
        line += len(frame)


def _csv(path: Path) -> Iterator[Part]:
    found = lines(path, "nothing of it is taken, for any observation may have rows in what is missing")
    first = next(found, None)
    head = [] if first is None else cells_of(first)
    header = [] if isinstance(head, Rejection) else [name.strip() for name in head]
    wanted = columns.shape(header, str(path))
    kept = [header.index(name) for name in (*wanted, *columns.OPTIONAL) if name in header]
    rows: list[tuple[str, ...]] = []
    numbers: list[int] = []
    rejected: list[tuple[int, Rejection]] = []
    names = [header[place] for place in kept]
    for line in found:
        cells = _row(line, len(header))
        if isinstance(cells, Rejection):
            rejected.append((line.number, cells))
        else:
            rows.append(tuple(cells[place] for place in kept))
            numbers.append(line.number)
        if len(rows) + len(rejected) == _SLICE:
            yield _part(names, rows, numbers, rejected)
            rows, numbers, rejected = [], [], []
    yield _part(names, rows, numbers, rejected)


def _part(
    names: Sequence[str],
    rows: Sequence[tuple[str, ...]],
    numbers: Sequence[int],
    rejected: Sequence[tuple[int, Rejection]],
) -> Part:
    frame = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")
    return Part(lines=np.array(numbers, np.int64), frame=frame, rejected=rejected)


def _row(line: Line, width: int) -> list[str] | Rejection:
    cells = cells_of(line)
    if isinstance(cells, Rejection) or len(cells) == width:
        return cells
    return Rejection(code="wrong_columns", message=f"the line has {len(cells)} cells, the header {width}")


def cells_of(line: Line) -> list[str] | Rejection:
    """Give a CSV line's cells, or why it has none."""
    if line.text is None:
        return TOO_LONG
    try:
        return next(csv.reader([line.text.decode("utf-8-sig" if line.number == 1 else "utf-8")], strict=True))
    except UnicodeDecodeError:
        return Rejection(code="not_unicode", message="the line is not UTF-8")
    except csv.Error:
        return Rejection(code="invalid_csv", message="the line's quotes do not match")
