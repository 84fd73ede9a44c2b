"""`homing resolve`: files in, profiles out; what cannot be says which file and which column."""

import errno
import io
import os
import resource
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
import polars as pl
import pytest

from identity.frames import files
from identity.frames.faults import FrameError
from identity.rules import LinkingRules
from service.resolving.batch import Batch, Held, Steps, run
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


def test_a_run_that_fails_leaves_no_secret(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """None that was made for it, whether it fails reading or writing; one that was there stays."""
    monkeypatch.delenv("HOMING_SECRET")
    LINKS.write_csv(program.folder / "links.csv")
    (program.folder / "bad.csv").write_text("left,value\n")
    for given, out in (("bad.csv", "o.csv"), ("none.csv", "o.csv"), ("links.csv", "nowhere/o.csv")):
        program.run("resolve", given, "--out", out, expect=1)
        assert not list(program.folder.glob("*.secret"))

    def full(_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("service.resolving.batch.links", full)
        program.run("resolve", "links.csv", "--out", "o.csv", "--explain", expect=1)
    assert not list(program.folder.glob("*.secret"))
    program.run("resolve", "links.csv", "--out", "o.csv")
    before = (program.folder / "homing.secret").read_bytes()
    program.run("resolve", "bad.csv", "--out", "o.csv", expect=1)
    assert (program.folder / "homing.secret").read_bytes() == before


BAD = {
    "none.parquet": (None, "none.parquet: there is no such file"),
    "text.txt": (b"left,right\n", "no ending that tells"),
    "empty.csv": (b"", "empty.csv: the file is empty"),
    "empty.parquet": (b"", "empty.parquet: the file is empty"),
    "empty.ndjson": (b"", "empty.ndjson: the file is empty"),
    "blank.csv": (b"\n\n", "blank.csv: the file is empty"),
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


def test_a_parquet_file_that_was_cut_off_is_told(program: Program) -> None:
    """Or one that was damaged inside, or a folder of that name."""
    whole = io.BytesIO()
    pl.concat([LINKS] * 20_000).write_parquet(whole, row_group_size=1_000)
    content = whole.getvalue()
    (program.folder / "cut.parquet").write_bytes(content[: len(content) // 2])
    (program.folder / "hurt.parquet").write_bytes(content[:1_000] + bytes(20_000) + content[21_000:])
    (program.folder / "folder.parquet").mkdir()
    for name in ("cut.parquet", "hurt.parquet", "folder.parquet"):
        done = program.run("resolve", name, "--out", "profiles.csv", expect=1)
        assert f"{name}: " in done.stderr
        assert not (program.folder / "profiles.csv").exists()


def test_mistyped_times_are_named(program: Program) -> None:
    """With their file and what is there instead."""
    pl.DataFrame({"left": ["a:b"], "right": ["c:d"], "observed_at": [[1]]}).write_parquet(program.folder / "t.parquet")
    done = program.run("resolve", "t.parquet", "--out", "profiles.parquet", expect=1)
    assert "t.parquet: the column observed_at holds List(Int64); it must hold times" in done.stderr


PAIR: dict[str, list[object]] = {"left": ["a:b", "a:c"], "right": ["c:d", "c:e"]}
MISTYPED: dict[str, tuple[dict[str, list[object]], str]] = {
    "trust of numbers": ({**PAIR, "trust": [2, 1]}, "the column trust holds Int64; it must hold one of probable, "),
    "times of yes and no": ({**PAIR, "observed_at": [True, False]}, "the column observed_at holds Boolean; it must"),
    "times that are none": ({**PAIR, "observed_at": ["yesterday", None]}, "not one value of the column observed_at"),
    "trusts that are none": ({**PAIR, "trust": ["root", "root"]}, "not one value of the column trust can be read"),
    "values of objects": ({**PAIR, "left": [{"a": 1}, {"a": 2}]}, "the column left holds Struct"),
}


@pytest.mark.parametrize("name", MISTYPED)
def test_a_column_that_cannot_be_what_it_is_called_is_named(name: str, program: Program) -> None:
    """With its file, what it must hold, and before anything is written."""
    table, told = MISTYPED[name]
    pl.DataFrame(table).write_parquet(program.folder / "m.parquet")
    done = program.run("resolve", "m.parquet", "--out", "profiles.parquet", expect=1)
    assert f"m.parquet: {told}" in done.stderr
    assert {path.name for path in program.folder.iterdir()} == {"m.parquet", "homing.db"}


def test_single_bad_cells_cost_their_rows_alone(program: Program) -> None:
    """Where some of a column can be read in the same file."""
    (program.folder / "one.csv").write_text("left,right,observed_at\na:b,c:d,yesterday\na:c,c:e,2026-01-01T00:00:00Z\n")
    (program.folder / "two.csv").write_text("left,right,trust\na:d,c:f,root\na:e,c:g,server\n")
    summary = program.json("resolve", "one.csv", "two.csv", "--out", "profiles.parquet")
    assert summary["rejected"] == {"invalid_observed_at": 1, "invalid_trust": 1}
    assert summary["profiles"] == 2


@pytest.mark.parametrize(("cell", "kind"), [({"a": 1}, "an object"), (["a:b"], "a list")])
@pytest.mark.parametrize("name", ["o.ndjson", "o.ndjson.gz"])
def test_objects_and_lists_of_ndjson_are_no_values(name: str, cell: object, kind: str, program: Program) -> None:
    """Wherever they stand; text that looks like one is a value as any other."""
    looks = [{"left": "a:b", "right": "c:d"}, {"left": "{a}:x", "right": '["x"]'}, {"left": "a:b", "right": None}]
    program.write(name, looks)
    assert program.json("resolve", name, "--out", "profiles.csv")["rows"] == 3
    program.write(name, [*looks, {"left": "a:b", "right": cell}])
    done = program.run("resolve", name, "--out", "other.csv", expect=1)
    assert f"{name}: the column right holds {kind} in line 4; it must hold text or numbers" in done.stderr


@pytest.mark.parametrize("name", ["folder.parquet", "folder.csv.gz", "folder.ndjson"])
def test_a_folder_is_called_one(name: str, program: Program) -> None:
    """And what to write instead."""
    (program.folder / name).mkdir()
    done = program.run("resolve", name, "--out", "profiles.csv", expect=1)
    assert f"{name}: is a folder; name the files in it, as {name}/*.{name.partition('.')[2]}" in done.stderr


def test_a_file_that_may_not_be_read_is_not_called_damaged(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its permissions are what is wrong."""

    def denied(_: str) -> pl.LazyFrame:
        raise PermissionError(errno.EACCES, "Permission denied (os error 13)")

    LINKS.write_csv(program.folder / "links.csv")
    monkeypatch.setattr(files, "_scan", denied)
    done = program.run("resolve", "links.csv", "--out", "profiles.csv", expect=1)
    assert "links.csv: cannot be read: permission is denied; make it readable for this user" in done.stderr


def test_zones_mixed_over_files_name_both(program: Program) -> None:
    """Which zone was meant would be a guess."""
    for name, at in (("one.csv", "2026-01-01T10:00:00"), ("two.csv", "2026-01-01T10:00:00Z")):
        (program.folder / name).write_text(f"left,right,observed_at\na:b,c:d,{at}\n")
    done = program.run("resolve", "one.csv", "two.csv", "--out", "profiles.csv", expect=1)
    assert "two.csv: the column observed_at mixes" in done.stderr


@pytest.mark.parametrize("name", ["none.csv", "none.parquet"])
def test_a_file_without_rows_gives_none(name: str, program: Program) -> None:
    """It has its columns, and so there are no profiles."""
    WRITERS["links.csv" if name.endswith("csv") else "seen.parquet"](LINKS.clear(), program.folder / name)
    summary = program.json("resolve", name, "--out", "profiles.parquet")
    assert (summary["rows"], summary["profiles"]) == (0, 0)
    assert pl.read_parquet(program.folder / "profiles.parquet").columns == [
        *("namespace", "value", "profile_id", "observations", "first_seen", "last_seen")
    ]


@pytest.mark.parametrize("size", ["much", "4", "511MiB"])
def test_a_memory_that_is_none_is_told(size: str, program: Program) -> None:
    """With one that would be."""
    assert "write a size like 4GiB" in program.run("resolve", "a", "--out", "b", "--memory", size, expect=2).stderr


def batch_of(program: Program, out: str, held: Held | None) -> Batch:
    """Make a run over many people."""
    names = [f"user_id:u{n}" for n in range(30_000)]
    frame = pl.DataFrame({"left": names * 2, "right": [f"device_id:d{n % 29_000}" for n in range(60_000)]})
    frame.write_parquet(program.folder / "many.parquet", row_group_size=5_000)
    now = datetime(2026, 11, 22, tzinfo=UTC)
    inputs, where = (program.folder / "many.parquet",), program.folder / out
    return Batch(inputs=inputs, out=where, rules=LinkingRules(), key=b"k" * 32, now=now, explain=True, held=held)


def compiled(batch: Batch) -> None:
    """Run it once elsewhere, so that no compiled code is left to be kept in a file that may be too large."""
    with TemporaryDirectory() as folder:
        run(replace(batch, out=Path(folder) / batch.out.name), Steps(lambda _: None))


def test_what_waits_on_the_disk_gives_the_same_files(program: Program) -> None:
    """To the last byte, and leaves nothing but them."""
    names = ("profiles.parquet", "refused.parquet", "links.parquet")
    run(batch_of(program, "profiles.parquet", None), Steps(lambda _: None))
    before = [(program.folder / name).read_bytes() for name in names]
    run(batch_of(program, "profiles.parquet", Held(room=0, most=2**40)), Steps(lambda _: None))
    assert [(program.folder / name).read_bytes() for name in names] == before
    assert {path.name for path in program.folder.iterdir()} <= {*names, "summary.json", "many.parquet", "homing.db"}


def test_a_disk_that_fills_while_waiting_is_told(program: Program) -> None:
    """With the file, and neither it nor a part of the output stays."""
    batch = batch_of(program, "profiles.parquet", Held(room=0, most=2**40))
    compiled(batch)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(FrameError, match=r"homing-.* cannot be written \(File too large\)") as error:
            run(batch, Steps(lambda _: None))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert error.tb is not None
    assert "homing-ahead" not in {thread.name for thread in threading.enumerate()}
    assert {path.name for path in program.folder.iterdir()} <= {"many.parquet", "homing.db"}


@pytest.mark.parametrize("out", ["profiles.parquet", "profiles.csv", "profiles.ndjson"])
def test_an_output_that_cannot_grow_is_told(out: str, program: Program) -> None:
    """With the name it was to have, and what the system says; nothing of it stays."""
    batch = batch_of(program, out, None)
    compiled(batch)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(FrameError, match=rf"/{out}: cannot be written \(File too large\)"):
            run(batch, Steps(lambda _: None))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert {path.name for path in program.folder.iterdir()} <= {"many.parquet", "homing.db"}
