"""The collector over HTTP in durable batches, beside a log that stores the same bytes and knows nothing of them.

The store holds a million messages before, so that a message id is looked for among those.
"""

from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.records import Benchmark, Column, Contestant, Size
from benchmarks.stores import fill_postgresql, fill_sqlite, with_messages
from benchmarks.traffic import write_events
from service.sample_shop import generate


def prepare(folder: Path, size: Size, stack: ExitStack) -> str:
    """Leave the shop's events in the folder, and filled stores of both kinds."""
    told = write_events(folder, generate(datetime.now(UTC), people=size.people))
    fill_sqlite(folder, with_messages(size.known))
    fill_postgresql(folder, with_messages(size.known), size.rounds, stack)
    return f"{told} into {size.known:,} of others"


BENCHMARK = Benchmark(
    name="collector",
    title="The collector over HTTP, batches of 100 on 8 connections, durable",
    prepare=prepare,
    contestants=(
        Contestant(name="homing serve", module="benchmarks.contestants.collector_service"),
        Contestant(name="on PostgreSQL", module="benchmarks.contestants.collector_postgresql"),
        Contestant(name="two keys, late", module="benchmarks.contestants.collector_two_keys"),
        Contestant(name="bare log over HTTP", module="benchmarks.contestants.collector_bare"),
        Contestant(name="sqlite log", module="benchmarks.contestants.collector_log"),
    ),
    control="sqlite log",
    rate="events_per_second",
    columns=(
        Column(figure="events_per_second", title="events/s"),
        Column(figure="batch_p50_ms", title="batch p50 ms", digits=1),
        Column(figure="batch_p99_ms", title="p99 ms", digits=1),
        Column(figure="alone_p50_ms", title="one event p50 ms", digits=2),
        Column(figure="alone_p99_ms", title="p99 ms", digits=2),
        Column(figure="fdatasync_p50_ms", title="fdatasync p50 ms", digits=2),
        Column(figure="alone_in_fdatasyncs", title="one event x fdatasync", digits=1),
    ),
)
