"""networkx: a graph of the links, its connected components."""

from pathlib import Path
from tempfile import TemporaryDirectory

import networkx as nx  # type: ignore[import-untyped]  # it has no stubs
import polars as pl

from benchmarks.measured import measured
from benchmarks.records import Figures, Size
from benchmarks.resolve_data import NAME


def measure(folder: Path, size: Size) -> Figures:
    """Read, build, take apart, write."""
    with TemporaryDirectory(dir=folder) as name:
        return measured(lambda: _components(folder / NAME, Path(name) / NAME), size.edges)


def _components(links: Path, out: Path) -> None:
    frame = pl.read_parquet(links, columns=["left", "right"])
    graph = nx.Graph()
    graph.add_edges_from(zip(frame["left"].to_list(), frame["right"].to_list(), strict=True))
    found = [(value, number) for number, some in enumerate(nx.connected_components(graph)) for value in some]
    pl.DataFrame(found, schema=["value", "component"], orient="row").write_parquet(out)
