"""A table taken in bulk leaves the store that its blocks make of it: `verify`, `rebuild` and `resolve` agree."""

from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from identity.frames.resolving import resolve_frame
from identity.observations import Trust
from service.clock import FixedClock
from service.imports import bulk
from service.imports.items import Origin
from service.imports.loading import Loaded, load
from service.rebuild import rebuild
from service.store import facts, schema
from service.store.facts import FactKind
from service.verify import verify
from service.wiring import Homing
from tests.identity.crowd import crowded_world
from tests.identity.frames.tables import table
from tests.service.harness import NOON, deployment
from tests.strategies import World

ROWS = {"observation": pl.String, "namespace": pl.String, "value": pl.String, "observed_at": pl.String}


def put(homing: Homing, path: Path) -> Loaded:
    """Import a file."""
    return load(homing, path, Origin(source="import", trust=Trust.SERVER, now=NOON), lambda _: None)


def held(homing: Homing) -> set[tuple[str, str, str]]:
    """Give who is in which profile, in the store."""
    columns = schema.nodes.c
    query = select(columns.namespace, columns.value, columns.profile_id).where(columns.profile_id.is_not(None))
    return homing.writer.submit(lambda conn: {tuple(row) for row in conn.execute(query)}).result()


def agree(homing: Homing, frame: pl.DataFrame) -> None:
    """Have the store looked over, made again, and compared with what a batch makes of the same rows."""
    found = homing.writer.submit(lambda conn: verify(conn, homing.people)).result()
    assert found.whole, found.faults
    key = homing.secret.derive("profiles")
    batch = resolve_frame(frame, homing.rules, key=key, now=NOON).profiles
    assert held(homing) == set(batch.select("namespace", "value", "profile_id").iter_rows())
    before = held(homing)
    homing.writer.submit(lambda conn: rebuild(conn, homing.people)).result()
    assert held(homing) == before


def crowd(seeds: range) -> pl.DataFrame:
    """Lay worlds out side by side, with hubs, refusals, late and undated rows; each has people of its own."""
    some = []
    for seed in seeds:
        world = crowded_world(seed)
        rows = table(World(rules=world.rules, observations=world.observations, judgements=()), Random(seed))
        own = (
            pl.when(pl.col("namespace").is_in(["phone", "email"])).then("value").otherwise(pl.col("value") + str(seed))
        )
        some.append(rows.with_columns(pl.col("observation") + f"/{seed}", value=own))
    return pl.concat(some)


def households(count: int, seed: int) -> pl.DataFrame:
    """Lay out people with cookies first and logins later, some of whom share a device."""
    random = Random(seed)
    rows = []
    for number in range(count):
        who = random.randrange(count // 3 + 1)
        seen = random.sample([f"device_id:d{who}", f"anonymous_id:c{who}-{number % 4}", f"userId:u{who}"], 2)
        seen += [f"user_id:v{who}"] if random.random() < 0.02 else []
        at = None if random.random() < 0.1 else f"2026-03-{random.randrange(1, 9):02}T10:00:00Z"
        at = "2999-01-01T00:00:00Z" if random.random() < 0.05 else at
        rows += [(str(number), *each.split(":"), at) for each in seen]
    return pl.DataFrame(rows, schema=ROWS, orient="row")


@pytest.mark.parametrize("block", [3, 50])
def test_a_table_in_bulk_is_what_its_blocks_make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    """With contested people and without, dated or not; the same again changes nothing."""
    monkeypatch.setattr(bulk, "BLOCK", block)
    homing = deployment(tmp_path, FixedClock(NOON))
    frame = pl.concat(
        [
            households(120, 7),
            crowd(range(2))
            .select(*ROWS.keys())
            .with_columns(pl.col("observed_at").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")),
        ]
    )
    path = tmp_path / "seen.parquet"
    frame.write_parquet(path)
    count = frame["observation"].n_unique()
    assert (put(homing, path).accepted, put(homing, path).duplicates) == (count, count)
    agree(homing, frame)
    homing.close()
