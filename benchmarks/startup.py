"""How soon a full store serves, and in how much memory, beside an empty one.

Each person of it has twenty identifiers. Some of them are then asked for, and something happens to others: a start
that put everything off would show there.
"""

from contextlib import ExitStack
from pathlib import Path

from benchmarks.filling import fill
from benchmarks.records import Benchmark, Column, Contestant, Size
from benchmarks.stores import fill_sqlite

DEVICES = 19


def people(size: Size) -> int:
    """Give how many persons hold the identifiers."""
    return size.identifiers // (DEVICES + 1)


def prepare(folder: Path, size: Size, _stack: ExitStack) -> str:
    """Leave a store with that many identifiers."""
    fill_sqlite(folder, lambda homing: fill(homing, people(size), DEVICES))
    return f"{size.identifiers:,} identifiers of {people(size):,} people"


BENCHMARK = Benchmark(
    name="startup",
    title="`homing serve` from its start until /readyz is green, then profiles and events of 1,000 people one by one",
    prepare=prepare,
    contestants=(
        Contestant(name="homing serve", module="benchmarks.contestants.startup_full"),
        Contestant(name="an empty store", module="benchmarks.contestants.startup_empty"),
    ),
    control="an empty store",
    rate="starts_per_second",
    columns=(
        Column(figure="ready_seconds", title="ready s", digits=2),
        Column(figure="ready_mib", title="MiB then"),
        Column(figure="profile_p50_ms", title="profile p50 ms", digits=1),
        Column(figure="profile_p99_ms", title="p99 ms", digits=1),
        Column(figure="event_p50_ms", title="event p50 ms", digits=1),
        Column(figure="event_p99_ms", title="p99 ms", digits=1),
        Column(figure="used_mib", title="MiB after"),
    ),
)
