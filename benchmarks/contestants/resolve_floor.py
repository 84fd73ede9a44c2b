"""The floor: polars reads the file and writes it again."""

from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from benchmarks.measured import measured
from benchmarks.records import Figures, Size
from benchmarks.resolve_data import NAME


def measure(folder: Path, size: Size) -> Figures:
    """Read into memory, and write."""
    with TemporaryDirectory(dir=folder) as name:
        return measured(lambda: pl.read_parquet(folder / NAME).write_parquet(Path(name) / NAME), size.edges)
