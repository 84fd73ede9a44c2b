"""python-igraph: numbers from polars, its connected components."""

from pathlib import Path
from tempfile import TemporaryDirectory

import igraph  # type: ignore[import-untyped]  # it has no stubs
import numpy as np

from benchmarks.contestants.numbered import number, write
from benchmarks.measured import measured
from benchmarks.records import Figures, Size
from benchmarks.resolve_data import NAME


def measure(folder: Path, size: Size) -> Figures:
    """Read, build, take apart, write."""
    with TemporaryDirectory(dir=folder) as name:
        return measured(lambda: _components(folder / NAME, Path(name) / NAME), size.edges)


def _components(links: Path, out: Path) -> None:
    values, left, right = number(links)
    graph = igraph.Graph(n=len(values), edges=np.stack([left, right], axis=1))
    write(values, np.array(graph.connected_components().membership), out)
