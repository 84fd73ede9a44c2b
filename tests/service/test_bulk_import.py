"""A table taken in bulk leaves the store that its blocks make of it: `verify`, `rebuild` and `resolve` agree."""

import gzip
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from identity.frames.resolving import resolve_frame
from identity.identifiers import Identifier
from identity.judgements import JudgementKind
from identity.observations import Trust
from service.clock import FixedClock
from service.errors import ImportFailed
from service.events.ingest import ingest
from service.events.messages import Message
from service.folds.rebuild import rebuild
from service.folds.verify import verify
from service.imports import bulk
from service.imports.items import Origin
from service.imports.loading import Loaded, load
from service.imports.observations import read
from service.judgements import judging
from service.judgements.judging import Saying
from service.store import schema
from service.wiring import Homing
from tests.identity.crowd import crowded_world
from tests.identity.frames.tables import table
from tests.service.harness import NOON, deployment
from tests.strategies import World

ORIGIN = Origin(source="import", trust=Trust.SERVER, now=NOON)
ROWS = {"observation": pl.String, "namespace": pl.String, "value": pl.String, "observed_at": pl.String}


def put(homing: Homing, path: Path) -> Loaded:
    """Import a file."""
    return load(homing, path, ORIGIN, lambda _: None)


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


def written(frame: pl.DataFrame) -> pl.DataFrame:
    """Give a crowd's rows with times as text."""
    return frame.with_columns(pl.col("observed_at").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ"))


@pytest.mark.parametrize("block", [3, 50])
def test_a_table_in_bulk_is_what_its_blocks_make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    """With contested people and without, dated or not; the same again changes nothing."""
    monkeypatch.setattr(bulk, "BLOCK", block)
    homing = deployment(tmp_path, FixedClock(NOON))
    people = households(120, 7).with_columns(trust=pl.lit(None, pl.String))
    frame = pl.concat([people, written(crowd(range(2))).select(people.columns)])
    path = tmp_path / "seen.parquet"
    frame.write_parquet(path)
    count = frame["observation"].n_unique()
    assert (put(homing, path).accepted, put(homing, path).duplicates) == (count, count)
    agree(homing, frame)
    homing.close()


def proven(seed: int, count: int, block: int, cut: int, folder: Path) -> None:
    """Import a part of a table, by way of another file, and then all of it, one after the other."""
    with TemporaryDirectory(dir=folder) as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr(bulk, "BLOCK", block)
        homing = deployment(Path(name), FixedClock(NOON))
        frame = households(count, seed)
        for part in (frame.filter(pl.col("observation").cast(pl.Int64) < cut), frame):
            part.write_parquet(Path(name) / "seen.parquet")
            put(homing, Path(name) / "seen.parquet")
        agree(homing, frame)
        homing.close()


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10**6), st.integers(1, 60), st.integers(1, 20), st.integers(0, 60))
def test_whatever_was_there_before(tmp_path: Path, seed: int, count: int, block: int, cut: int) -> None:
    """In a store that holds some of it, or nothing."""
    proven(seed, count, block, cut, tmp_path)


@pytest.mark.long
@settings(max_examples=2_000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10**9), st.integers(1, 300), st.integers(1, 90), st.integers(0, 300))
def test_whatever_was_there_before_at_length(tmp_path: Path, seed: int, count: int, block: int, cut: int) -> None:
    """The same, often."""
    proven(seed, count, block, cut, tmp_path)


def test_what_is_not_contested_goes_past_the_resolver(tmp_path: Path) -> None:
    """Or bulk would be no faster than one by one."""
    homing = deployment(tmp_path, FixedClock(NOON))
    households(300, 3).write_parquet(tmp_path / "seen.parquet")
    table = read(tmp_path / "seen.parquet", ORIGIN, homing.rules)
    made = homing.writer.submit(lambda conn: bulk.plan(conn, homing, table)).result()
    assert made is not None
    assert 0 < made.growth.hard_facts(0, len(table)).sum() < len(table) / 3
    homing.close()


def test_another_writer_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes after somebody else's events goes the usual way; nothing is lost, nothing differs."""
    monkeypatch.setattr(bulk, "BLOCK", 20)
    homing, other = (deployment(tmp_path, FixedClock(NOON)) for _ in range(2))
    households(90, 5).write_parquet(tmp_path / "seen.parquet")
    pl.DataFrame({"left": ["user_id:u1"], "right": ["device_id:d2"]}).write_csv(tmp_path / "links.csv")
    table = read(tmp_path / "seen.parquet", ORIGIN, homing.rules)
    ways = []
    for number, (items, entered) in enumerate(bulk.blocks(homing, table)):
        ways.append(entered is not None)
        if entered is None:
            messages = [item.found for item in items if isinstance(item.found, Message)]
            homing.writer.submit(partial(ingest, people=homing.people, messages=messages)).result()
        if number == 1:
            put(other, tmp_path / "links.csv")
    assert ways == [True, True, False, False, False]
    found = homing.writer.submit(lambda conn: verify(conn, homing.people)).result()
    assert found.whole, found.faults
    assert (found.facts, put(homing, tmp_path / "seen.parquet").duplicates) == (91, 90)
    other.close()
    homing.close()


def test_a_load_that_was_cut_off_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After two of five commits the store is whole, and holds so much; the same file again brings the rest."""
    monkeypatch.setattr(bulk, "BLOCK", 20)
    homing = deployment(tmp_path, FixedClock(NOON))
    frame = households(90, 5)
    frame.write_parquet(tmp_path / "seen.parquet")
    blocks = bulk.blocks(homing, read(tmp_path / "seen.parquet", ORIGIN, homing.rules))
    assert [next(blocks)[1] is not None for _ in range(2)] == [True, True]
    homing.close()
    again = deployment(tmp_path, FixedClock(NOON))
    assert again.writer.submit(lambda conn: verify(conn, again.people)).result().whole
    taken = put(again, tmp_path / "seen.parquet")
    assert (taken.accepted, taken.duplicates) == (50, 40)
    agree(again, frame)
    again.close()


def test_of_a_table_that_is_cut_off_nothing_is_taken(tmp_path: Path) -> None:
    """Or half of an observation would be a fact; what is said is what is so."""
    homing = deployment(tmp_path, FixedClock(NOON))
    path = tmp_path / "seen.csv.gz"
    path.write_bytes(gzip.compress(households(3_000, 5).write_csv().encode())[:9_000])
    with pytest.raises(ImportFailed, match=r"after line [1-9].*nothing of it is taken"):
        put(homing, path)
    assert held(homing) == set()
    homing.close()


def test_a_judgement_sends_all_the_usual_way(tmp_path: Path) -> None:
    """It may concern whom the table names."""
    homing = deployment(tmp_path, FixedClock(NOON))
    households(20, 5).write_parquet(tmp_path / "seen.parquet")
    put(homing, tmp_path / "seen.parquet")
    ends = (Identifier("user_id", "a"), Identifier("user_id", "b"))
    saying = Saying(source="analyst", now=NOON)
    never = JudgementKind.CANNOT_LINK
    homing.writer.submit(lambda conn: judging.link(conn, homing.people, never, ends, saying)).result()
    table = read(tmp_path / "seen.parquet", ORIGIN, homing.rules)
    assert homing.writer.submit(lambda conn: bulk.plan(conn, homing, table)).result() is None
    homing.close()
