"""`homing recommend --audience` asks for each row what the route would answer, and goes on where it was cut off."""

import csv
import errno
import os
import resource
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import orjson
import polars as pl
import pytest

from service.campaigns import results, running
from service.campaigns.progress import ENDING, Progress
from service.campaigns.running import Campaign
from service.errors import BatchFailed
from service.schemas.recommendations import Recommendation
from service.store import decisions
from service.web.gathering import QUESTIONS_A_JOB
from service.wiring import Homing
from tests.service.commands.program import Program

PEOPLE = 120


@pytest.fixture
def known(program: Program) -> Program:
    """Give the program over a store that knows some people by their phones."""
    events = [
        {
            "type": "identify",
            "messageId": f"m{n}",
            "userId": f"person-{n}",
            "timestamp": (datetime.now(UTC) - timedelta(days=30)).isoformat(),
            "context": {"device": {"id": f"phone-{n}", "type": "ios", "token": f"token-{n}"}, "timezone": "Asia/Seoul"},
        }
        for n in range(PEOPLE)
    ]
    program.run("import", str(program.write("events.ndjson", events)))
    return program


def rows(path: Path) -> list[dict[str, Any]]:
    """Read an NDJSON file."""
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def named(number: int, **more: Any) -> dict[str, Any]:
    """Name one of the people."""
    return {"namespace": "user_id", "value": f"person-{number}", **more}


def campaign(program: Program, audience: Path, out: str = "out.ndjson", *more: str) -> Any:
    """Run a campaign and give its summary."""
    return program.json("recommend", "--audience", str(audience), "--out", out, "--message-id", "spring", *more)


def decided(program: Program) -> int:
    """Count the decisions in the log."""
    return program.read(lambda conn: sum(entry.entry.kind == "decision" for entry in decisions.scan(conn)))


def test_each_row_gets_what_the_route_answers(known: Program) -> None:
    """One answer a row in order, whole; the same message asked for alone has the same decision."""
    audience = known.write("people.ndjson", [named(n) for n in range(PEOPLE)])
    summary = campaign(known, audience)
    found = rows(known.folder / "out.ndjson")
    assert [row["line"] for row in found] == list(range(1, PEOPLE + 1))
    assert {frozenset(row) for row in found} == {frozenset(Recommendation.model_fields) | {"line"}}
    assert summary["recipients"] == PEOPLE
    assert summary["actions"] == {"send": PEOPLE, "hold": 0, "suppress": 0}
    assert (summary["rejected"], summary["rejects"], summary["resumed"]) == (0, None, 0)
    alone = known.json("recommend", "--namespace", "user_id", "--value", "person-7", "--message-id", "spring")
    assert alone["decision_id"] == found[7]["decision_id"]
    assert not (known.folder / f"out.ndjson{ENDING}").exists()


def test_formats_agree(known: Program) -> None:
    """NDJSON, CSV and Parquet, in and out, have the same decisions; a row's own fields count before the template's."""
    body = known.write("template.json", [{"message": {"id": "spring", "kind": "campaign"}, "return": ["user_id"]}])
    plain = [named(n, cart_value=n + 0.5, message_id="own" if n else None) for n in range(3)]
    filled = [{name: each for name, each in row.items() if each is not None} for row in plain]
    known.write("a.ndjson", filled)
    with (known.folder / "b.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, [*plain[0], "shoe size"])
        table.writeheader()
        table.writerows(plain)
    pl.DataFrame(plain).write_parquet(known.folder / "c.parquet")
    for name, out in (("a.ndjson", "a.parquet"), ("b.csv", "b.ndjson"), ("c.parquet", "c.csv")):
        known.run("recommend", str(body), "--audience", name, "--out", out)
    first = pl.read_parquet(known.folder / "a.parquet").to_dicts()
    second = rows(known.folder / "b.ndjson")
    third = pl.read_csv(known.folder / "c.csv").to_dicts()
    ids = [[row["decision_id"] for row in each] for each in (first, second, third)]
    assert ids[0] == ids[1] == ids[2]
    assert len(set(ids[0])) == 3
    assert orjson.loads(first[0]["recipient_ids"]) == {"user_id": ["person-0"]} == second[0]["recipient_ids"]
    assert first[0]["propensity"] == pytest.approx(third[0]["propensity"])


def test_numbers_of_a_table_are_names(known: Program) -> None:
    """Whole ones in Parquet, as `import` and `resolve` take them, also where empty cells made floats of them."""
    people = {"namespace": ["user_id"] * 2, "value": [7, 8], "message_id": [1.0, None], "cart_id": [881, 882]}
    pl.DataFrame(people).write_parquet(known.folder / "c.parquet")
    assert campaign(known, known.folder / "c.parquet")["rejected"] == 0
    alone = known.json("recommend", "--namespace", "user_id", "--value", "7", "--message-id", "1")
    assert alone["decision_id"] == rows(known.folder / "out.ndjson")[0]["decision_id"]


def test_a_mistyped_column_of_an_audience_is_named(known: Program) -> None:
    """Lists name nobody."""
    pl.DataFrame({"namespace": ["user_id"], "value": [[7]]}).write_parquet(known.folder / "c.parquet")
    done = known.run("recommend", "--audience", "c.parquet", "--out", "o.csv", "--message-id", "m", expect=1)
    assert "c.parquet: the column value holds List(Int64); it must hold text or numbers" in done.stderr


def test_bad_rows_are_listed_and_cost_no_other(known: Program) -> None:
    """With line and reason, beside the audience; a run without any takes the list away."""
    audience = known.write(
        "people.ndjson",
        [
            named(0),
            b"{",
            b"[]",
            {"namespace": "user_id"},
            named(1, cart_value=-1.0),
            named(2, cart_vaule=1.0),
            named(3, message="x"),
            {"profile_id": "nobody"},
            named(4),
        ],
    )
    summary = campaign(known, audience)
    assert (summary["recipients"], summary["rejected"]) == (9, 6)
    listed = known.rejects("people.ndjson")
    assert [row["line"] for row in listed] == [2, 3, 4, 5, 6, 7]
    assert [row["reason"] for row in listed] == ["invalid_json"] + ["invalid_request"] * 5
    assert "recipient" in listed[2]["message"]
    assert "cart_value" in listed[3]["message"]
    assert "cart_vaule" in listed[4]["message"]
    assert [row["line"] for row in rows(known.folder / "out.ndjson")] == [1, 8, 9]
    assert not any("person-" in row["message"] for row in listed)


def test_what_was_cut_off_goes_on(known: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """After two jobs, within a line: the rest is done, nobody is decided on twice, and the result is whole."""
    audience = known.write("people.ndjson", [named(n) for n in range(PEOPLE)])
    decide, jobs = running._decide, iter(range(2))

    def interrupted(homing: Homing, some: Any) -> Any:
        if next(jobs, None) is None:
            raise BatchFailed("the disk is full")
        return decide(homing, some)

    monkeypatch.setattr(running, "_decide", interrupted)
    known.run("recommend", "--audience", str(audience), "--out", "out.ndjson", "--message-id", "spring", expect=1)
    monkeypatch.setattr(running, "_decide", decide)
    part = known.folder / f"out.ndjson{ENDING}"
    assert not (known.folder / "out.ndjson").exists()
    assert decided(known) == 2 * QUESTIONS_A_JOB
    part.write_bytes(part.read_bytes()[:-30])
    summary = campaign(known, audience)
    assert (summary["recipients"], summary["resumed"]) == (PEOPLE, 2 * QUESTIONS_A_JOB - 1)
    assert decided(known) == PEOPLE
    assert len({row["decision_id"] for row in rows(known.folder / "out.ndjson")}) == PEOPLE
    assert not part.exists()


def test_another_campaign_begins_anew(known: Program) -> None:
    """What is left of one with another message says nothing here."""
    audience = known.write("people.ndjson", [named(0), named(1)])
    other = Campaign(audience=audience, template={"message": {"id": "autumn"}}, out=known.folder / "out.ndjson")
    left = known.folder / f"out.ndjson{ENDING}"
    left.write_bytes(orjson.dumps({"campaign": other.name()}) + b'\n{"line":1,"answer":{}}\n')
    assert campaign(known, audience)["resumed"] == 0


def test_caps_see_the_earlier_rows(known: Program) -> None:
    """The same person twice, under a cap of one: sent to once."""
    (known.folder / "homing.toml").write_text('caps = [{ limit = 1, per = "7d" }]\n')
    audience = known.write("people.ndjson", [named(0, message_id="a"), named(0, message_id="b")])
    assert campaign(known, audience)["actions"] == {"send": 1, "hold": 1, "suppress": 0}


def test_times_of_a_table_are_read(known: Program) -> None:
    """Instants in Parquet, texts in CSV."""
    at = datetime(2026, 1, 2, tzinfo=UTC)
    pl.DataFrame([named(0, abandoned_at=at)]).write_parquet(known.folder / "c.parquet")
    assert campaign(known, known.folder / "c.parquet")["rejected"] == 0
    known.write("b.csv", ["namespace,value,abandoned_at,channels", 'user_id,person-1,2026-01-02T00:00:00Z,"email,sms"'])
    assert campaign(known, known.folder / "b.csv")["actions"] == {"send": 0, "hold": 1, "suppress": 0}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--audience", "people.ndjson"), "go together"),
        (("--audience", "people.txt", "--out", "o.csv"), "no ending"),
        (("--audience", "absent.csv", "--out", "o.csv"), "is not there"),
        (("--audience", "people.ndjson", "--out", "o.txt"), "no ending"),
        (("--audience", "people.ndjson", "--out", "o.csv", "--value", "x"), "name one recipient"),
    ],
)
def test_wrong_uses_are_told(program: Program, arguments: tuple[str, ...], told: str) -> None:
    """Exit 2, in one line."""
    program.write("people.ndjson", [])
    assert told in program.refused("recommend", *arguments, expect=2)


def test_a_table_that_names_nobody_is_refused(program: Program) -> None:
    """Its columns are told of; exit 1, and nothing is left behind."""
    path = program.write("b.csv", ["email", "ada@example.org"])
    result = program.run("recommend", "--audience", str(path), "--out", "o.csv", "--message-id", "m", expect=1)
    assert "has no columns namespace and value" in result.stderr
    assert not {each.name for each in program.folder.iterdir() if each.name.startswith("o.csv")}


@pytest.mark.parametrize("out", ["people.csv", "./people.csv", "soft.csv", "hard.csv", "people.csv.rejects.ndjson"])
def test_the_audience_is_never_written_over(out: str, known: Program) -> None:
    """By whatever name the output has; nor do the rejected rows go where the answers are."""
    audience = known.write("people.csv", ["namespace,value", "user_id,person-0", "user_id,"])
    (known.folder / "soft.csv").symlink_to(audience)
    (known.folder / "hard.csv").hardlink_to(audience)
    before = audience.read_bytes()
    done = known.run("recommend", "--audience", "people.csv", "--out", out, "--message-id", "m", expect=1)
    assert "name another output" in done.stderr
    assert audience.read_bytes() == before
    assert decided(known) == 0


def test_an_audience_that_is_called_like_what_is_decided_is_left_alone(known: Program) -> None:
    """The file that a run goes on from would be begun anew over it."""
    audience = known.write(f"out.csv{ENDING}", [named(0)])
    before = audience.read_bytes()
    known.run("recommend", "--audience", audience.name, "--out", "out.csv", "--message-id", "m", expect=1)
    assert audience.read_bytes() == before


class FullDisk:
    """A file that takes nothing, not even when it is closed."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, _: bytes) -> int:
        """Pretend, as a buffer does."""
        return 0

    def flush(self) -> None:
        """Fail as a full disk does."""
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def close(self) -> None:
        """Close the file behind it, and fail once more."""
        self._file.close()
        self.flush()


def test_a_full_disk_is_told_in_one_line(known: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once, and leaves neither an output nor the beginning of one."""
    audience = known.write("people.ndjson", [named(0)])
    find = Progress._find

    def filled(progress: Progress) -> None:
        find(progress)
        progress._file = FullDisk(progress._opened())  # type: ignore[assignment]

    monkeypatch.setattr(Progress, "_find", filled)
    done = known.run("recommend", "--audience", str(audience), "--out", "o.csv", "--message-id", "m", expect=1)
    assert "No space left on device" in done.stderr
    assert not {path.name for path in known.folder.iterdir() if path.name.startswith((".", "o.csv"))}


@pytest.mark.parametrize("kind", results.WRITTEN)
def test_answers_that_find_no_room_are_told(kind: str, tmp_path: Path) -> None:
    """With what the system says; nothing of the output stays."""
    row: dict[str, Any] = dict.fromkeys(results.TABLE)
    answers = [{**row, "line": line, "decision_id": f"{line:032}"} for line in range(200)]
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, before[1]))
    try:
        with pytest.raises(BatchFailed, match=rf"o{kind} cannot be written \(File too large\)"):
            results.write(answers, tmp_path / f"o{kind}")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list(tmp_path.iterdir())
