"""The floor in less memory: polars streams the file into another."""

from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from benchmarks.measured import measured
from benchmarks.records import Figures, Size
from benchmarks.resolve_data import NAME


def measure(folder: Path, size: Size) -> Figures:
    """Read and write row groups."""
    with TemporaryDirectory(dir=folder) as name:
        return measured(lambda: pl.scan_parquet(folder / NAME).sink_parquet(Path(name) / NAME), size.edges)
