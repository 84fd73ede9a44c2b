"""The recommendation route, its decision committed, beside a bare route that only reads the same body."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.questions import write_customers
from benchmarks.records import Benchmark, Column, Contestant, Size
from service.learner import learn
from service.sample_shop import SampleShop, generate
from service.settings import load as load_settings
from service.shop_loading import load
from service.wiring import open_homing

FILLED = "filled"
STORE = "homing.db"
CONNECTIONS = 8


def prepare(folder: Path, size: Size) -> str:
    """Leave a store that holds the shop and has learned from it, and the names of the customers."""
    shop = generate(datetime.now(UTC), people=size.people)
    (folder / FILLED).mkdir()
    _fill(folder / FILLED / STORE, shop)
    return write_customers(folder, shop)


def _fill(store: Path, shop: SampleShop) -> None:
    settings = load_settings(flags={"db": f"sqlite:///{store}"}, environment={}).settings
    homing = open_homing(settings)
    load(homing, shop)
    asyncio.run(learn(homing))
    homing.close()


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
