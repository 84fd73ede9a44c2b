"""The collector over HTTP in durable batches, beside a log that stores the same bytes and knows nothing of them."""

from datetime import UTC, datetime
from pathlib import Path

from benchmarks.records import Benchmark, Column, Contestant, Size
from benchmarks.traffic import write_events
from service.sample_shop import generate


def prepare(folder: Path, size: Size) -> str:
    """Leave the shop's events in the folder."""
    return write_events(folder, generate(datetime.now(UTC), people=size.people))


BENCHMARK = Benchmark(
    name="collector",
    title="The collector over HTTP, batches of 100 on 8 connections, durable",
    prepare=prepare,
    contestants=(
        Contestant(name="homing serve", module="benchmarks.contestants.collector_service"),
        Contestant(name="two keys, late", module="benchmarks.contestants.collector_two_keys"),
        Contestant(name="sqlite log", module="benchmarks.contestants.collector_log"),
        Contestant(name="fdatasync", module="benchmarks.contestants.collector_disk"),
    ),
    control="sqlite log",
    rate="events_per_second",
    columns=(
        Column(figure="events_per_second", title="events/s"),
        Column(figure="batch_p50_ms", title="batch p50 ms", digits=1),
        Column(figure="batch_p99_ms", title="p99 ms", digits=1),
        Column(figure="alone_p50_ms", title="one event p50 ms", digits=1),
        Column(figure="alone_p99_ms", title="p99 ms", digits=1),
    ),
)
