"""A bulk load that is killed leaves its blocks whole or not at all; run again, it ends as an undisturbed one does."""

import signal
import time
from pathlib import Path
from random import Random

import polars as pl
import pytest

from service.clock import FixedClock
from service.folds.rebuild import rebuild
from service.folds.verify import verify
from service.imports import bulk
from tests.faults.holdings import Holdings, holdings, opened
from tests.faults.programs import Forked
from tests.service.harness import NOON, deployment
from tests.service.test_bulk_import import households, put

BLOCK, COUNT = 10, 95
FILE = "seen.parquet"


def small_blocks() -> None:
    """Have a process take a few facts at a time."""
    bulk.BLOCK = BLOCK


def people(folder: Path, count: int) -> None:
    """Leave a file whose rows all say when they were: a time that is the run's own would be another in each run."""
    dated = pl.col("observed_at").fill_null("2026-03-02T08:00:00Z").str.replace("2999", "2026", literal=True)
    households(count, 13).with_columns(dated).write_parquet(folder / FILE)


def undisturbed(folder: Path) -> Holdings:
    """Give what a store holds that took the file in at once."""
    folder.joinpath("calm").mkdir()
    homing = deployment(folder / "calm", FixedClock(NOON))
    put(homing, folder / FILE)
    found = holdings(homing)
    homing.close()
    return found


def load(folder: Path, store: str, settings: dict[str, str] | None = None) -> Forked:
    """Begin an import in a process of its own."""
    return Forked(("import", FILE, "--db", store), folder, settings, prepare=small_blocks)


def held(store: str) -> int:
    """Look a store over, and count the facts that it holds."""
    with opened(store) as homing:
        found = homing.writer.submit(lambda conn: verify(conn, homing.people)).result()
    assert found.whole, found.faults
    return found.facts


def ends_alike(folder: Path, store: str, calm: Holdings) -> None:
    """Run the import to its end, and compare what is there then, also as `rebuild` makes it."""
    program = load(folder, store)
    assert program.wait() == 0, program.log.read_text()
    assert held(store) == sum(calm.counts.values())
    with opened(store) as homing:
        assert holdings(homing) == calm
        homing.writer.submit(lambda conn: rebuild(conn, homing.people)).result()
        assert holdings(homing) == calm


@pytest.mark.slow
def test_killed_at_any_point_it_goes_on(store: str, tmp_path: Path) -> None:
    """Before the first block is kept, within others, and after them; each run begins where the one before was cut."""
    people(tmp_path, COUNT)
    calm = undisturbed(tmp_path)
    taken = [held(store)]
    for point in ("after_append:1", "before_commit:4", "after_commit:7"):
        assert load(tmp_path, store, {"HOMING_FAULT_AT": point}).wait() == -signal.SIGKILL
        taken.append(held(store))
    assert taken == sorted(taken), "what is in stays in"
    assert [count % BLOCK for count in taken] == [0] * len(taken), "a block is whole or not there"
    assert 0 == taken[1] < taken[-1] < COUNT
    ends_alike(tmp_path, store, calm)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(25))
def test_killed_whenever_it_goes_on(store: str, tmp_path: Path, seed: int) -> None:
    """At random moments, from the first instant on, until it gets to its end."""
    random = Random(seed)
    people(tmp_path, 2_000)
    calm = undisturbed(tmp_path)
    for _ in range(random.randrange(1, 6)):
        program = load(tmp_path, store)
        time.sleep(random.uniform(0, 6))
        program.kill()
        program.wait()
        assert held(store) in {*range(0, 2_000, BLOCK), 2_000}
    ends_alike(tmp_path, store, calm)
