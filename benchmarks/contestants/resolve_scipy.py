"""Plain polars and scipy: numbers from polars, connected components of a sparse matrix."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from scipy.sparse import coo_matrix  # type: ignore[import-untyped]  # it has no stubs
from scipy.sparse.csgraph import connected_components  # type: ignore[import-untyped]  # it has no stubs

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
    ones = np.ones(len(left), np.int8)
    graph = coo_matrix((ones, (left, right)), shape=(len(values), len(values)))
    write(values, connected_components(graph, directed=False)[1].astype(np.int64), out)
