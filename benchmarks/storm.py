"""A storm of identify calls onto one person, each from a browser of its own, and what it is to everybody else.

The store holds others' messages before. Beside the storm others' page views come one after another, and so they do in
the controls: beside as many calls of as many people, which is what any such load costs, and alone. How long they wait,
and how many commits took longer than 250 ms, is told of all three.
"""

from contextlib import ExitStack
from pathlib import Path

from benchmarks.records import Benchmark, Column, Contestant, Size
from benchmarks.stores import fill_sqlite, with_messages

MOST = 10_000


def calls(size: Size) -> int:
    """Give how many identify calls the storm has."""
    return min(MOST, size.known // 2)


def prepare(folder: Path, size: Size, _stack: ExitStack) -> str:
    """Leave a filled store in the folder."""
    fill_sqlite(folder, with_messages(size.known))
    return f"{calls(size):,} identify calls from 50 clients into {size.known:,} messages of others"


BENCHMARK = Benchmark(
    name="storm",
    title="Others' page views, over HTTP and durable, beside a storm of identify calls onto one person",
    prepare=prepare,
    contestants=(
        Contestant(name="in the storm", module="benchmarks.contestants.storm_identify"),
        Contestant(name="in a crowd", module="benchmarks.contestants.storm_crowd"),
        Contestant(name="in the calm", module="benchmarks.contestants.storm_calm"),
    ),
    control="in a crowd",
    rate="others_p99_ms",
    columns=(
        Column(figure="storm_seconds", title="storm s", digits=1),
        Column(figure="others_p50_ms", title="others p50 ms", digits=1),
        Column(figure="others_p99_ms", title="others p99 ms", digits=1),
        Column(figure="commits_over_250_ms", title="commits > 250 ms"),
    ),
)
