"""`homing resolve`: files in, profiles out; what cannot be says which file and which column."""

from collections.abc import Callable
from pathlib import Path

import orjson
import polars as pl
import pytest

from tests.service.commands.program import Program

LINKS = pl.DataFrame(
    {
        "left": ["user_id:ada", "user_id:ben", "email:ADA@example.org", "user_id:ada", "null"],
        "right": ["device_id:tab", "device_id:tab", "user_id:ada", "anonymous_id:web", "user_id:eve"],
        "observed_at": [f"2026-03-0{day}T10:00:00Z" for day in range(1, 6)],
    }
)
WRITERS: dict[str, Callable[[pl.DataFrame, Path], None]] = {
    "links.csv": lambda frame, path: frame.write_csv(path),
    "links.ndjson": lambda frame, path: frame.write_ndjson(path),
    "seen.parquet": lambda frame, path: frame.write_parquet(path),
    "typed.parquet": lambda frame, path: frame.with_columns(
        pl.col("observed_at").str.to_datetime(time_zone="UTC").dt.convert_time_zone("Asia/Seoul")
    ).write_parquet(path),
}
READERS: dict[str, Callable[[Path], pl.DataFrame]] = {
    ".parquet": pl.read_parquet,
    ".csv": pl.read_csv,
    ".ndjson": pl.read_ndjson,
}
SECRET = "a secret of at least thirty-two characters"


def held(folder: Path, out: str = "profiles.parquet") -> set[frozenset[str]]:
    """Give what each profile holds."""
    found = READERS[Path(out).suffix](folder / out)
    whole = found.select("profile_id", pl.col("namespace") + ":" + pl.col("value").cast(pl.String))
    return {frozenset(names) for names in whole.group_by("profile_id").agg("namespace")["namespace"].to_list()}


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same(name: str, program: Program) -> None:
    """Profiles, what is refused, and the summary."""
    WRITERS[name](LINKS, program.folder / name)

    done = program.run("resolve", name, "--out", "profiles.parquet", "--json")

    assert held(program.folder) == {
        frozenset({"user_id:ada", "email:ada@example.org", "anonymous_id:web"}),
        frozenset({"user_id:ben", "device_id:tab"}),
        frozenset({"user_id:eve"}),
    }
    refused = pl.read_parquet(program.folder / "refused.parquet")
    assert refused.rows() == [("device_id:tab", "user_id:ada", "namespace_limit")]
    summary = orjson.loads(done.stdout)
    assert summary == orjson.loads((program.folder / "summary.json").read_bytes())
    assert (summary["rows"], summary["identifiers"], summary["profiles"], summary["contested"]) == (5, 6, 3, 1)
    assert summary["rejected"] == {"invalid_namespace": 1}
    assert "linking" in done.stderr


@pytest.mark.parametrize("out", ["p.csv", "p.ndjson"])
def test_it_writes_what_the_ending_says(out: str, program: Program) -> None:
    """And explains every pair if asked."""
    LINKS.write_parquet(program.folder / "seen.parquet")
    program.run("resolve", "s*.parquet", "--out", out, "--explain")
    assert len(held(program.folder, out)) == 3
    explained = pl.read_parquet(program.folder / "links.parquet").select("left", "right", "linked", "reason")
    assert explained.rows() == [
        ("anonymous_id:web", "user_id:ada", True, None),
        ("device_id:tab", "user_id:ada", False, "namespace_limit"),
        ("device_id:tab", "user_id:ben", True, None),
        ("email:ada@example.org", "user_id:ada", True, None),
    ]


def test_the_same_secret_gives_the_same_ids(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """One is made beside the output at first use, and used again."""
    LINKS.write_csv(program.folder / "links.csv")
    monkeypatch.delenv("HOMING_SECRET")
    ids = []
    for out in ("one.csv", "two.csv"):
        program.run("resolve", "links.csv", "--out", out)
        ids.append(sorted(pl.read_csv(program.folder / out)["profile_id"]))
    assert ids[0] == ids[1]
    monkeypatch.setenv("HOMING_SECRET", SECRET)
    program.run("resolve", "links.csv", "--out", "other.csv")
    assert sorted(pl.read_csv(program.folder / "other.csv")["profile_id"]) != ids[0]


BAD = {
    "none.parquet": (None, "none.parquet: there is no such file"),
    "text.txt": (b"left,right\n", "no ending that tells"),
    "empty.csv": (b"", "empty.csv: the file is empty"),
    "lacking.csv": (b"left,value\n", "lacking.csv: the column right is missing"),
    "cut.parquet": (b"PAR1 and then nothing", "cut.parquet: cannot be read as Parquet"),
    "cut.ndjson": (b'{"left":"a:b","right":"c:d"}\n{"left":', "cut.ndjson: cannot be read as NDJSON"),
    "zones.csv": (
        b"left,right,observed_at\na:b,c:d,2026-01-01T10:00:00\na:b,c:d,2026-01-01T10:00:00+09:00\n",
        "zones.csv: the column observed_at mixes",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_names_file_and_column(name: str, program: Program) -> None:
    """And leaves nothing behind."""
    content, told = BAD[name]
    if content is not None:
        (program.folder / name).write_bytes(content)

    done = program.run("resolve", name, "--out", "profiles.parquet", expect=1)

    assert told in done.stderr
    assert {path.name for path in program.folder.iterdir()} <= {name, "homing.db"}


def test_a_mistyped_column_is_named(program: Program) -> None:
    """Lists are no values."""
    pl.DataFrame({"left": [["a:b"]], "right": ["c:d"]}).write_parquet(program.folder / "lists.parquet")
    done = program.run("resolve", "lists.parquet", "--out", "profiles.parquet", expect=1)
    assert "lists.parquet: the column left holds List" in done.stderr


@pytest.mark.parametrize(
    ("out", "told"),
    [("p.txt", "ends in one of"), ("no/p.csv", "is no folder"), ("links.csv", "would be written over")],
)
def test_an_output_that_cannot_be_is_refused(out: str, told: str, program: Program) -> None:
    """Before anything is read."""
    LINKS.write_csv(program.folder / "links.csv")
    done = program.run("resolve", "links.csv", "--out", out, expect=1)
    assert told in done.stderr


def test_rules_of_a_file_count(program: Program) -> None:
    """Those of the settings otherwise."""
    LINKS.write_csv(program.folder / "links.csv")
    (program.folder / "rules.toml").write_text("[namespaces.user_id]\nlimit = 0\n")
    program.run("resolve", "links.csv", "--out", "profiles.parquet", "--rules", "rules.toml")
    assert len(held(program.folder)) == 2
