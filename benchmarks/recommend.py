"""The recommendation route, its decision committed, beside a bare route that only reads the same body."""

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from benchmarks.latencies import waits
from benchmarks.load import Load
from benchmarks.questions import write_customers
from benchmarks.records import Benchmark, Column, Contestant, Figures, Size
from benchmarks.stores import Fill, fill_sqlite
from service.learning.learner import learn
from service.sample_shop import SampleShop, generate
from service.sample_shop.shop_loading import load
from service.wiring import Homing

CONNECTIONS = 8


def prepare(folder: Path, size: Size, _stack: ExitStack, more: Fill = lambda _: None) -> str:
    """Leave a store that holds the shop, has learned from it and holds more, and the names of the customers."""
    shop = generate(datetime.now(UTC), people=size.people)
    fill_sqlite(folder, partial(_fill, shop, more))
    return write_customers(folder, shop)


def answered(passes: Sequence[Load]) -> Figures:
    """Give what came of passes over all questions; the first, in which everything warms up, does not count."""
    counted = passes[1:]
    seconds = [wait for each in counted for wait in each.waits]
    return {"requests_per_second": len(seconds) / sum(each.seconds for each in counted), **waits("answer", seconds)}


def _fill(shop: SampleShop, more: Fill, homing: Homing) -> None:
    load(homing, shop)
    learn(homing)
    more(homing)


BENCHMARK = Benchmark(
    name="recommend",
    title="The recommendation route, each decision committed, 8 connections",
    prepare=prepare,
    contestants=(
        Contestant(name="homing serve", module="benchmarks.contestants.recommend_service"),
        Contestant(name="bare route", module="benchmarks.contestants.recommend_bare"),
    ),
    control="bare route",
    rate="requests_per_second",
    columns=(
        Column(figure="requests_per_second", title="requests/s"),
        Column(figure="answer_p50_ms", title="p50 ms", digits=1),
        Column(figure="answer_p99_ms", title="p99 ms", digits=1),
    ),
)
