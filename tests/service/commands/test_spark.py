"""`--engine spark` gives what this machine gives: the same profiles, ids, refusals and summary."""

from random import Random

import polars as pl
import pytest

from identity.frames.faults import FrameError
from identity.rules import LinkingRules
from identity.spark import reading
from tests.identity.crowd import crowded_world
from tests.identity.frames.tables import table
from tests.service.commands.program import Program
from tests.strategies import World

pytestmark = [
    pytest.mark.slow,
    # pyspark warns of the pandas that pip gives, which nothing here uses, and leaves its sockets to the collector.
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def crowd(seeds: range) -> pl.DataFrame:
    """Lay many worlds out side by side, each with people of its own."""
    tables = [_told_apart(seed) for seed in seeds]
    return pl.concat(tables).sample(fraction=1.0, shuffle=True, seed=3)


def _told_apart(seed: int) -> pl.DataFrame:
    world = crowded_world(seed)
    rows = table(World(rules=LinkingRules(), observations=world.observations, judgements=()), Random(seed))
    own = pl.when(pl.col("namespace").is_in(["phone", "email"])).then("value").otherwise(pl.col("value") + str(seed))
    return rows.with_columns(pl.col("observation") + f"/{seed}", value=own)


def test_spark_is_local(program: Program) -> None:
    """On a table of observations with contested people, on links with a hub and with junk, and on other links."""
    crowd(range(12)).write_parquet(program.folder / "seen.parquet")
    names = [f"user_id:u{n}" for n in range(25)]
    links = pl.DataFrame(
        {"left": [*names, "null", "user_id:a", "user_id:a"], "right": ["device_id:kiosk"] * 25 + ["a:b"] * 3}
    )
    links.write_csv(program.folder / "links.csv")
    pl.DataFrame({"left": ["user_id:b", "user_id:c"], "right": ["a:x", "a:y"]}).write_csv(program.folder / "more.csv")
    inputs = ("seen.parquet", "links.csv", "more.csv")

    local = program.json("resolve", *inputs, "--out", "local.parquet")
    refused = pl.read_parquet(program.folder / "refused.parquet")
    spark = program.json("resolve", *inputs, "--out", "spark.parquet", "--engine", "spark", "--master", "local[2]")

    frames = [
        pl.read_parquet(program.folder / name).sort("namespace", "value") for name in ("local.parquet", "spark.parquet")
    ]
    assert local["contested"] > 0
    assert local["refused"] > 0
    assert local["hubs"]["shared"] == 1
    assert frames[0].rows() == frames[1].rows()
    assert refused.rows() == pl.read_parquet(program.folder / "refused.parquet").rows()
    assert {**local, "seconds": {}} == {**spark, "seconds": {}}


def test_a_column_of_which_nothing_can_be_read_is_named(program: Program) -> None:
    """With its file, as on this machine; single bad cells of another file are none of it."""
    (program.folder / "some.csv").write_text("left,right,observed_at\na:b,c:d,yesterday\na:c,c:e,2026-01-01\n")
    (program.folder / "none.csv").write_text("left,right,observed_at\na:b,c:d,yesterday\na:c,c:e,\n")
    inputs = ("some.csv", "none.csv", "--out", "p.csv")
    for engine in (("local",), ("spark", "--master", "local[1]")):
        done = program.run("resolve", *inputs, "--engine", *engine, expect=1)
        assert "none.csv: not one value of the column observed_at can be read; it must hold times" in done.stderr
        assert not (program.folder / "p.csv").exists()


@pytest.mark.parametrize(
    ("kinds", "told"),
    [
        ({"trust": "bigint"}, "f: the column trust holds bigint; it must hold one of probable, "),
        ({"left": "struct<a:bigint>"}, "f: the column left holds struct<a:bigint>; it must hold text or numbers"),
    ],
)
def test_mistyped_columns_are_named(kinds: dict[str, str], told: str) -> None:
    """Before the cluster is asked for anything."""
    with pytest.raises(FrameError) as error:
        reading._check({"left": "string", "right": "bigint", **kinds}, ("left", "right"), "f")
    assert str(error.value).startswith(told)
