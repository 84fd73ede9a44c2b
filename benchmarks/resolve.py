"""`homing resolve` on generated links, beside what others make of that file, and beside merely reading and writing it.

The others find connected components: they know no limits, no hubs, no trust, and give no lasting ids.
"""

from contextlib import ExitStack
from dataclasses import dataclass, replace
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
PEERS = {
    "scipy": Contestant(name="polars + scipy", module="benchmarks.contestants.resolve_scipy"),
    "rustworkx": Contestant(name="rustworkx", module="benchmarks.contestants.resolve_rustworkx"),
    "igraph": Contestant(name="python-igraph", module="benchmarks.contestants.resolve_igraph"),
    "duckdb": Contestant(name="DuckDB SQL", module="benchmarks.contestants.resolve_duckdb"),
    "splink": Contestant(name="splink clustering", module="benchmarks.contestants.resolve_splink"),
    "networkx": Contestant(name="networkx", module="benchmarks.contestants.resolve_networkx"),
}
"""Others by what they are called on the command line."""
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


BENCHMARK = _benchmark("Links in a Parquet file become profiles in another", (_HOMING, *_FLOORS, *PEERS.values()))
GROWTH = _benchmark("The same without peers, growing", (_HOMING, *_FLOORS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What of it is measured: how many links (none given: all sizes, then growth), beside whom, which contests."""

    edges: tuple[int, ...] = ()
    peers: tuple[str, ...] = tuple(PEERS)
    contested: tuple[float, ...] = (0.0, CONTESTED)
    rounds: int | None = None

    def benchmark(self) -> Benchmark:
        """Give the contest of these."""
        if self.peers == tuple(PEERS):
            return BENCHMARK
        return replace(BENCHMARK, contestants=(_HOMING, *_FLOORS, *(PEERS[name] for name in self.peers)))


def cases(size: Size, part: Part, *, quick: bool) -> list[tuple[Benchmark, Size]]:
    """Give what is measured: each number of links with and without contest, then growth, unless quick or a part."""
    rounds = (1 if quick else ROUNDS) if part.rounds is None else part.rounds
    sides = [
        (part.benchmark(), replace(size, rounds=rounds, edges=edges, contested=share))
        for edges in part.edges or (QUICK_ROWS if quick else FULL_ROWS)
        for share in part.contested
    ]
    growing = () if quick or part.edges else GROWTH_ROWS
    return sides + [(GROWTH, replace(size, rounds=1, edges=edges, contested=0.0)) for edges in growing]
