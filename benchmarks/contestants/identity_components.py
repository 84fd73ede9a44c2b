"""The control: connected components of everything seen together, without rules, owners or time."""

import time
from itertools import pairwise
from pathlib import Path

import networkx as nx  # type: ignore[import-untyped]  # it has no stubs

from benchmarks.records import Figures, Size
from benchmarks.traffic import observations, read_events
from identity.rules import LinkingRules


def measure(folder: Path, _size: Size) -> Figures:
    """Build the graph and take it apart."""
    seen = observations(read_events(folder), LinkingRules())
    started = time.perf_counter()
    graph = nx.Graph()
    for observation in seen:
        graph.add_nodes_from(observation.identifiers)
        graph.add_edges_from(pairwise(observation.identifiers))
    list(nx.connected_components(graph))
    return {"observations_per_second": len(seen) / (time.perf_counter() - started)}
