"""`homing resolve` on generated links, beside what others make of that file, and beside merely reading and writing it.

The others find connected components: they know no limits, no hubs, no trust, and give no lasting ids.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from benchmarks.records import Benchmark, Column, Contestant, Size
from benchmarks.resolve_data import write_links

FULL_ROWS = (1_000_000, 10_000_000)
QUICK_ROWS = (1_000_000,)
GROWTH_ROWS = (1_000_000, 10_000_000, 50_000_000, 100_000_000)
CONTESTED = 0.05
ROUNDS = 3

_HOMING = Contestant(name="homing resolve", module="benchmarks.contestants.resolve_homing")
_FLOORS = (
    Contestant(name="polars, in memory", module="benchmarks.contestants.resolve_floor"),
    Contestant(name="polars, streaming", module="benchmarks.contestants.resolve_streaming_floor"),
)
_PEERS = (
    Contestant(name="polars + scipy", module="benchmarks.contestants.resolve_scipy"),
    Contestant(name="rustworkx", module="benchmarks.contestants.resolve_rustworkx"),
    Contestant(name="python-igraph", module="benchmarks.contestants.resolve_igraph"),
    Contestant(name="DuckDB SQL", module="benchmarks.contestants.resolve_duckdb"),
    Contestant(name="splink clustering", module="benchmarks.contestants.resolve_splink"),
    Contestant(name="networkx", module="benchmarks.contestants.resolve_networkx"),
)
_COLUMNS = (
    Column(figure="seconds", title="seconds", digits=2),
    Column(figure="cpu_seconds", title="CPU s", digits=2),
    Column(figure="peak_mib", title="peak MiB"),
    Column(figure="edges_per_second", title="links/s"),
)


def prepare(folder: Path, size: Size, _stack: ExitStack) -> str:
    """Leave the links in the folder."""
    return write_links(folder, size.edges, size.contested)


def _benchmark(title: str, contestants: tuple[Contestant, ...]) -> Benchmark:
    return Benchmark(
        name="resolve",
        title=title,
        prepare=prepare,
        contestants=contestants,
        control=_FLOORS[0].name,
        rate="seconds",
        columns=_COLUMNS,
    )


BENCHMARK = _benchmark("Links in a Parquet file become profiles in another", (_HOMING, *_FLOORS, *_PEERS))
GROWTH = _benchmark("The same without peers, growing", (_HOMING, *_FLOORS))


def cases(size: Size, rows: Sequence[int], *, quick: bool) -> list[tuple[Benchmark, Size]]:
    """Give what is measured: each number of rows with and without contest, then growth, unless quick or told rows."""
    rounds = 1 if quick else ROUNDS
    sides = [
        (BENCHMARK, replace(size, rounds=rounds, edges=edges, contested=share))
        for edges in rows or (QUICK_ROWS if quick else FULL_ROWS)
        for share in (0.0, CONTESTED)
    ]
    growing = () if quick or rows else GROWTH_ROWS
    return sides + [(GROWTH, replace(size, rounds=1, edges=edges, contested=0.0)) for edges in growing]
