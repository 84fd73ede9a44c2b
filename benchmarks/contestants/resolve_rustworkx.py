"""rustworkx: numbers from polars, its connected components."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import rustworkx as rx

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
    graph = rx.PyGraph()
    graph.add_nodes_from(range(len(values)))
    graph.add_edges_from_no_data(list(zip(left.tolist(), right.tolist(), strict=True)))
    component = np.empty(len(values), np.int64)
    for each, some in enumerate(rx.connected_components(graph)):
        component[list(some)] = each
    write(values, component, out)
