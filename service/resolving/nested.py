"""Objects and lists within NDJSON are no cells: read as a table they would be text like any other; they are refused."""

import gzip
from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson
import polars as pl

from identity.frames.faults import FrameError
from identity.frames.files import NDJSON


def flat(parts: Iterator[pl.DataFrame], path: Path) -> Iterator[pl.DataFrame]:
    """Give a file's parts; FrameError names the first line with an object or a list where text must be.

    The file is looked at once more, line by line, only where some cell looks like one.
    """
    doubtful = path.name.removesuffix(".gz").endswith(NDJSON)
    for part in parts:
        if doubtful and _looks_nested(part):
            _refuse(path, part.columns)
            doubtful = False
        yield part


def _looks_nested(part: pl.DataFrame) -> bool:
    begins = (pl.col(name).str.starts_with("{") | pl.col(name).str.starts_with("[") for name in part.columns)
    return bool(part.select(pl.any_horizontal(begins).any())[0, 0])


def _refuse(path: Path, names: Sequence[str]) -> None:
    number = 0
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    _look(orjson.loads(line), names, f"line {number}", str(path))
    except (OSError, EOFError, orjson.JSONDecodeError) as error:
        raise FrameError(str(path), f"cannot be read after line {number} ({type(error).__name__})") from None


def _look(row: object, names: Sequence[str], where: str, source: str) -> None:
    cells = row if isinstance(row, dict) else {}
    for name in names:
        cell = cells.get(name)
        if isinstance(cell, dict | list):
            kind = "an object" if isinstance(cell, dict) else "a list"
            raise FrameError(source, f"the column {name} holds {kind} in {where}; it must hold text or numbers")
