"""`homing import`: every row for itself, the same again without effect, and what is wrong listed with its line."""

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from identity.observations import Trust
from service.store import facts, nodes, schema
from service.store.facts import Fact
from tests.service.commands.program import Program

ROOT = Path(__file__).parents[3]


def event(number: int, **fields: Any) -> dict[str, Any]:
    """Make an event of an hour in January."""
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=number)
    return {
        "type": "track",
        "event": "Seen",
        "messageId": f"m{number}",
        "userId": f"u{number % 3}",
        "timestamp": at.isoformat(),
        **fields,
    }


def log(program: Program) -> list[Fact]:
    """Read the facts log."""
    return program.read(lambda conn: list(facts.scan(conn)))


def partition(program: Program) -> set[frozenset[str]]:
    """Read who is who."""

    def job(conn: Any) -> set[frozenset[str]]:
        profiles: dict[str, set[str]] = {}
        for node in nodes.read(conn, list(conn.execute(select(schema.nodes.c.node)).scalars())):
            if node.profile_id is not None:
                profiles.setdefault(node.profile_id, set()).add(str(node.identifier))
        return {frozenset(names) for names in profiles.values()}

    return program.read(job)


def summary(program: Program, *arguments: str) -> tuple[int, int, int]:
    """Import, and give how many rows were taken, there before, rejected."""
    files = program.json("import", *arguments)["files"]
    return (
        sum(each["accepted"] for each in files),
        sum(each["duplicates"] for each in files),
        sum(each["rejected"] for each in files),
    )


# --- messages ---


@pytest.mark.parametrize("name", ["folder.parquet", "folder.csv.gz", "folder.ndjson"])
def test_a_folder_is_called_one(program: Program, name: str) -> None:
    """And what to write instead."""
    (program.folder / name).mkdir()
    done = program.run("import", str(program.folder / name), expect=2)
    assert f"{name} is a folder; name the files in it, as " in done.stderr
    assert f"{name}/*.{name.partition('.')[2]}" in done.stderr


@pytest.mark.parametrize("name", ["events.ndjson", "events.jsonl", "events.json", "events.ndjson.gz"])
def test_messages_are_taken_once(program: Program, name: str) -> None:
    """All of them the first time, none the second; no rejects, no file of rejects."""
    path = program.write(name, [event(number) for number in range(5)])
    assert summary(program, str(path)) == (5, 0, 0)
    before = log(program)
    assert summary(program, str(path)) == (0, 5, 0)
    assert log(program) == before
    assert {(fact.source, fact.trust) for fact in before} == {("import", Trust.SERVER)}
    assert [entry.name for entry in program.folder.iterdir() if "rejects" in entry.name] == []
    assert partition(program) == {frozenset({f"user_id:u{number}"}) for number in range(3)}


def test_a_bad_line_never_stops_it(program: Program) -> None:
    """Each is listed with its line and the reason; the others are taken."""
    rows: list[object] = [
        event(1),
        b"{not json",
        b"",
        event(2, type="nonsense"),
        b"[1,2]",
        b"\xff\xfe",
        event(3, timestamp="yesterday"),
        b"[" * 100_000,
        event(4, userId={"a": 1}),
        b'{"type":"track","event":"Seen","properties":{"a":NaN}}',
        event(1, event="Another"),
        b" " * 10 + b"x" * (1024 * 1024 + 5),
        event(5, userId="null"),
    ]
    path = program.write("events.ndjson", rows)
    assert summary(program, str(path)) == (2, 0, 10)
    assert [(each["line"], each["reason"]) for each in program.rejects("events.ndjson")] == [
        (2, "invalid_json"),
        (4, "invalid_type"),
        (5, "invalid_event"),
        (6, "invalid_json"),
        (7, "invalid_timestamp"),
        (8, "invalid_json"),
        (9, "invalid_identifier"),
        (10, "invalid_value"),
        (11, "message_id_conflict"),
        (12, "line_too_long"),
    ]
    assert [fact.message_id for fact in log(program)] == ["m1", "m5"]
    assert partition(program) == {frozenset({"user_id:u1"})}


def test_a_mended_file_leaves_no_rejects(program: Program) -> None:
    """The list of an earlier run is gone once there is nothing to list."""
    path = program.write("events.ndjson", ["{", event(1)])
    assert summary(program, str(path)) == (1, 0, 1)
    program.write("events.ndjson", [event(2), event(1)])
    assert summary(program, str(path)) == (1, 1, 0)
    assert not (program.folder / "events.ndjson.rejects.ndjson").exists()


def test_a_list_that_a_killed_run_left_unfinished_goes(program: Program) -> None:
    """With the next run of that file, whether that one has something to list or not."""
    unfinished = program.folder / "events.ndjson.rejects.ndjson.part"
    for lines, rejected in (([event(1)], 0), (["{", event(1)], 1)):
        unfinished.write_text("half a li", encoding="utf-8")
        path = program.write("events.ndjson", lines)
        assert summary(program, str(path))[2] == rejected
        assert not unfinished.exists()
    assert [each["line"] for each in program.rejects("events.ndjson")] == [1]


def test_a_message_is_dated_as_it_was_not_today(program: Program) -> None:
    """Skew is corrected against the receipt it tells of; without one its word stands, and it was known from then."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [
        event(0, messageId="plain"),
        event(0, messageId="sent", sentAt=at.isoformat()),
        event(0, messageId="skewed", sentAt=at.isoformat(), receivedAt=(at + timedelta(hours=2)).isoformat()),
        {"type": "track", "event": "Seen", "messageId": "only", "userId": "u", "sentAt": at.isoformat()},
        event(0, messageId="future", timestamp="2999-01-01T00:00:00Z"),
    ]
    program.run("import", str(program.write("events.ndjson", rows)))
    dated = {fact.message_id: (fact.at, fact.received_at) for fact in log(program)}
    later = at + timedelta(hours=2)
    assert dated["plain"] == dated["sent"] == dated["only"] == (at, at)
    assert dated["skewed"] == (later, later)
    assert dated["future"][0] == dated["future"][1] <= datetime.now(UTC)


def test_source_and_trust_are_said(program: Program) -> None:
    """The same ids of another source or trust are other facts."""
    path = str(program.write("events.ndjson", [event(1)]))
    assert summary(program, path, "--source", "web", "--trust", "asserted") == (1, 0, 0)
    assert summary(program, path, "--source", "web") == (1, 0, 0)
    assert [(fact.source, fact.trust) for fact in log(program)] == [("web", Trust.ASSERTED), ("web", Trust.SERVER)]


def test_a_damaged_end_is_told_and_what_came_before_is_taken(program: Program) -> None:
    """Exit 1 naming the line; the rejects so far are listed."""
    path = program.write("events.ndjson.gz", ["{", *(event(number) for number in range(3_000))])
    path.write_bytes(path.read_bytes()[:-3_000])
    said = program.run("import", str(path), expect=1).stderr.splitlines()[-1]
    assert "cut off" in said
    taken = len(log(program))
    assert 0 < taken < 3_000
    assert f"after line {taken + 1}" in said
    assert [each["line"] for each in program.rejects(path.name)] == [1]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["import"], "Missing argument"),
        (["import", "nowhere.ndjson"], "does not exist"),
        (["import", "events.txt"], "use one of .ndjson"),
        (["import", "events.ndjson", "--trust", "probable"], "asserted"),
    ],
)
def test_wrong_use_is_told(program: Program, arguments: list[str], says: str) -> None:
    """Exit 2, one line: what was given, what is allowed."""
    program.write("events.txt", [])
    program.write("events.ndjson", [])
    assert says in program.refused(*arguments, expect=2)


def test_an_empty_file_is_nothing(program: Program) -> None:
    """No rows, no fault."""
    assert summary(program, str(program.write("events.ndjson", []))) == (0, 0, 0)


def test_people_are_told_in_words(program: Program) -> None:
    """One line a file on stdout, the progress on stderr."""
    path = program.write("events.ndjson", [event(1), "{"])
    result = program.run("import", str(path))
    assert result.stdout == f"{path}: 1 taken, 0 there before, 1 rejected, see {path}.rejects.ndjson\n"
    assert "events.ndjson" in result.stderr


def test_an_import_that_was_killed_goes_on(program: Program) -> None:
    """SIGKILL in the middle, the same command again: the store is as if nothing had happened."""
    rows = [event(number) for number in range(20_000)]
    path = program.write("events.ndjson", rows)
    command = [sys.executable, "-c", "from service.cli import main; main()", "import", str(path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    killed = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - this test's own program
    deadline = time.monotonic() + 60
    while program.read(facts.last_seq) < 2_000 and time.monotonic() < deadline:
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.wait(10)
    before = program.read(facts.last_seq)
    assert 2_000 <= before < len(rows)
    assert summary(program, str(path)) == (len(rows) - before, before, 0)
    assert [fact.message_id for fact in log(program)] == [row["messageId"] for row in rows]


# --- observations ---

HEADER = "observation,namespace,value,observed_at,trust"


def test_observations_of_a_csv_are_facts(program: Program) -> None:
    """One observation for all rows of a key, wherever they stand; dated by the earliest, trusted as the least."""
    rows = [
        HEADER,
        "1,user_id,Wonjun,2026-01-01T09:00:00+09:00,verified",
        '2,email,"Wonjun@Example.com ",,',
        "1,device_id,phone-19f,2026-01-01T08:00:00+09:00,asserted",
        "2,user_id,Wonjun,,",
    ]
    path = program.write("seen.csv", rows)
    assert summary(program, str(path)) == (2, 0, 0)
    first, second = log(program)
    assert (first.at, first.received_at, first.trust) == (*[datetime(2025, 12, 31, 23, tzinfo=UTC)] * 2, Trust.ASSERTED)
    assert second.trust == Trust.SERVER
    assert partition(program) == {frozenset({"user_id:Wonjun", "email:wonjun@example.com", "device_id:phone-19f"})}
    assert summary(program, str(path)) == (0, 2, 0)
    moved = program.write("moved.csv", [rows[0], rows[3], rows[1]])
    assert summary(program, str(moved)) == (0, 1, 0)


def test_a_bad_row_costs_its_observation_no_other_identifier(program: Program) -> None:
    """Each is listed with its line; what is left of the observation is taken."""
    rows: list[object] = [
        HEADER,
        "1,user_id,wonjun,,",
        "1,email,not an address,,",
        "1,user_id,null,,",
        ",user_id,a,,",
        "1,no space allowed,a,,",
        "1,user_id",
        '1,user_id,"open,,',
        b"1,user_id,\xff,,",
        "1,user_id,b,yesterday,",
        "1,user_id,c,,complete",
        "1,user_id," + "x" * 600 + ",,",
        "1,ip,10.0.0.1,,",
        "1,device_id,phone-19f,,",
    ]
    path = program.write("seen.csv", rows)
    assert summary(program, str(path)) == (1, 0, 10)
    assert [(each["line"], each["reason"]) for each in program.rejects("seen.csv")] == [
        (3, "invalid_email"),
        (4, "junk"),
        (5, "missing_observation"),
        (6, "invalid_namespace"),
        (7, "wrong_columns"),
        (8, "invalid_csv"),
        (9, "not_unicode"),
        (10, "invalid_observed_at"),
        (11, "invalid_trust"),
        (12, "too_long"),
    ]
    assert partition(program) == {frozenset({"user_id:wonjun", "device_id:phone-19f"})}
    assert b"10.0.0.1" in log(program)[0].body


def test_the_twenty_first_identifier_is_listed(program: Program) -> None:
    """An observation counts with twenty; the others are told, each with its line."""
    path = program.write("seen.csv", ["observation,namespace,value", *(f"1,device_id,d{n:02}" for n in range(22))])
    assert summary(program, str(path)) == (1, 0, 2)
    assert [(each["line"], each["reason"]) for each in program.rejects("seen.csv")] == [
        (22, "too_many_identifiers"),
        (23, "too_many_identifiers"),
    ]


def test_observations_of_a_parquet_file_are_facts(program: Program) -> None:
    """Numbers, times and nulls of any type; columns that are not of the contract do not matter."""
    table = pl.DataFrame(
        {
            "other": [None] * 4,
            "observation": [1, 1, 2, None],
            "namespace": ["user_id", "device_id", "user_id", "user_id"],
            "value": [12.0, 7.0, 12.0, 1.0],
            "observed_at": [datetime(2026, 1, 1), datetime(2026, 1, 2), None, None],  # noqa: DTZ001 - as tables hold them
        }
    )
    path = program.folder / "seen.parquet"
    table.write_parquet(path)
    assert summary(program, str(path)) == (2, 0, 1)
    assert program.rejects("seen.parquet") == [
        {"line": 4, "reason": "missing_observation", "message": "the row does not say of which observation it is"}
    ]
    assert partition(program) == {frozenset({"user_id:12", "device_id:7"})}
    assert log(program)[0].at == datetime(2026, 1, 1, tzinfo=UTC)
    assert summary(program, str(path)) == (0, 2, 1)


def test_links_are_observations_of_two(program: Program) -> None:
    """Each row is one, also where it stands twice; the same file again changes nothing."""
    rows = [
        "left,right,observed_at",
        "user_id:ada,device_id:tab,2026-01-01T10:00:00Z",
        "userId:ada,email:ADA@example.org,",
        "user_id:ada,device_id:tab,2026-01-01T10:00:00Z",
        "nothing,device_id:web,",
        "user_id:ben,device_id:null,tomorrow",
    ]
    path = program.write("links.csv", rows)
    assert summary(program, str(path)) == (4, 0, 2)
    assert summary(program, str(path)) == (0, 4, 2)
    assert [(each["line"], each["reason"]) for each in program.rejects("links.csv")] == [
        (5, "invalid_namespace"),
        (6, "invalid_observed_at"),
    ]
    assert partition(program) == {
        frozenset({"user_id:ada", "device_id:tab", "email:ada@example.org"}),
        frozenset({"device_id:web"}),
    }


@pytest.mark.parametrize("source", ["", "a\nb", "s" * 256], ids=ascii)
def test_a_source_that_no_store_keeps_is_refused(program: Program, source: str) -> None:
    """Exit 2, and nothing is taken."""
    path = program.write("events.ndjson", [event(1)])
    assert "a source is of 1 to 255 characters" in program.run("import", str(path), "--source", source, expect=2).stderr
    assert log(program) == []


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("seen.csv", b"left,value\na:1,b:2\n", "seen.csv: the column right is missing"),
        ("seen.csv", b"", "seen.csv: the column observation is missing"),
        ("seen.parquet", b"no table", "seen.parquet: cannot be read as Parquet"),
    ],
)
def test_a_file_of_another_shape_is_told(program: Program, name: str, content: bytes, says: str) -> None:
    """Exit 1 with what is missing; nothing is taken."""
    path = program.folder / name
    path.write_bytes(content)
    result = program.run("import", str(path), expect=1)
    assert says in result.stderr
    assert result.stdout == ""
    assert log(program) == []


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300), st.sampled_from(["any.ndjson", "any.csv"]))
def test_any_bytes_are_answered(program: Program, content: bytes, name: str) -> None:
    """Whatever is in a file, the command ends with 0 or says in a line why not."""
    path = program.folder / name
    head = b"" if name == "any.ndjson" else b"observation,namespace,value\n"
    path.write_bytes(head + content)
    result = program.json("import", str(path))
    assert result["files"][0]["file"] == str(path)
