"""Whatever a server keeps at hand, it answers as one just started does, and as two that share a store do."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from service import keys
from service.clock import FixedClock
from tests.contracts.abreast import Abreast, New, Server, Turns
from tests.contracts.shop_life import ShopLife
from tests.service.harness import NOON

LOOK_EVERY = 15
SHARE = 0.06
"""Of all there is to read, so much is read every few steps; half of it in the end."""


@pytest.fixture(autouse=True)
def _known_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let keys be looked up once: nothing but what is asked may then wait for the store."""
    monkeypatch.setattr(keys, "FRESH_SECONDS", 1e9)


def lead(life: ShopLife, servers: list[Server], clock: FixedClock, steps: int) -> None:
    """Lead a life of so many steps."""
    abreast = Abreast(life, servers, clock)
    try:
        for number in range(1, steps + 1):
            abreast.go(life.step())
            if number % LOOK_EVERY == 0:
                abreast.look(SHARE)
        abreast.end()
    finally:
        abreast.close()


def servers_of(life: ShopLife, folder: Path, clock: FixedClock) -> Iterator[Server]:
    """Give one that is never restarted, one that is new now and then, and two that take turns."""
    given: Any = {"clock": clock, "environment": life.environment()}
    yield Server("warm", folder / "warm", **given)
    yield New("new", folder / "new", **given, lots=lambda: life.random.random() < 0.3)
    yield Turns("turns", folder / "turns", **given, lots=lambda: life.random.random() < 0.5)


@pytest.mark.parametrize("seed", [1])
def test_servers_answer_alike(tmp_path: Path, seed: int) -> None:
    """Everything that may happen to a shop, and every answer: the same, however long a server has been running."""
    life, clock = ShopLife(seed), FixedClock(NOON)
    lead(life, list(servers_of(life, tmp_path, clock)), clock, 15)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 160))
def test_servers_answer_alike_for_long(tmp_path: Path, seed: int) -> None:
    """The same, for many shops."""
    life, clock = ShopLife(seed), FixedClock(NOON)
    lead(life, list(servers_of(life, tmp_path, clock)), clock, 70)


SHOPS = [(2, 15), *(pytest.param(seed, 60, marks=pytest.mark.long) for seed in range(200, 220))]


@pytest.mark.parametrize(("seed", "steps"), SHOPS)
def test_replicas_answer_as_one_server_does(tmp_path: Path, postgresql_store: str, seed: int, steps: int) -> None:
    """Two on one PostgreSQL, who take turns, and one on a file."""
    life, clock = ShopLife(seed), FixedClock(NOON)
    given: Any = {"clock": clock, "environment": life.environment()}
    alone = Server("alone", tmp_path / "alone", **given)
    lots = partial(life.random.choice, (True, False))
    lead(life, [alone, Turns("replicas", tmp_path / "both", **given, url=postgresql_store, lots=lots)], clock, steps)
