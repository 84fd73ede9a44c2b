"""Identity without a store or a network: at once, one by one, in conflict, and beside mere connected components."""

from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.records import Benchmark, Column, Contestant, Size
from benchmarks.traffic import write_events
from service.sample_shop import generate


def prepare(folder: Path, size: Size, _stack: ExitStack) -> str:
    """Leave the shop's events in the folder."""
    return write_events(folder, generate(datetime.now(UTC), people=size.people))


BENCHMARK = Benchmark(
    name="identity",
    title="Observations resolved in memory",
    prepare=prepare,
    contestants=(
        Contestant(name="resolve", module="benchmarks.contestants.identity_resolve"),
        Contestant(name="incremental", module="benchmarks.contestants.identity_incremental"),
        Contestant(name="contested", module="benchmarks.contestants.identity_contested"),
        Contestant(name="networkx", module="benchmarks.contestants.identity_components"),
    ),
    control="networkx",
    rate="observations_per_second",
    columns=(
        Column(figure="observations_per_second", title="observations/s"),
        Column(figure="contested_s", title="contested s", digits=2),
        Column(figure="late_s", title="400 late s", digits=2),
        Column(figure="crossings_s", title="40 hubs s", digits=2),
        Column(figure="backwards_s", title="800 backwards s", digits=2),
        Column(figure="at_cap_ms", title="at cap ms", digits=1),
    ),
)
