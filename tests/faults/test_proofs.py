"""Every proof holds and every control is caught: few cycles of each with the other tests, all with `-m long`."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from service.store import faults
from tests.faults import kills, migrations
from tests.faults.__main__ import SEED, main
from tests.faults.proofs import PROOFS, Proof, Result, Run
from tests.faults.table import table

README = Path(__file__).parents[2] / "README.md"
GOOD = Result(fault="a fault", cycles=3, acknowledged=1_200, lost=0, twice=0, same_digest=True, passed=True)
BAD = replace(GOOD, lost=1, passed=False, notes=("one is gone",))


@pytest.mark.slow
@pytest.mark.parametrize("name", PROOFS)
def test_a_proof_holds(name: str, tmp_path: Path) -> None:
    """As many cycles as CI has time for."""
    _hold(name, Run(cycles=PROOFS[name].ci, folder=tmp_path, seed=SEED))


@pytest.mark.long
@pytest.mark.parametrize("name", PROOFS)
def test_a_proof_holds_for_long(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As many cycles as it is worth; the table is shown whatever comes of it."""
    with capsys.disabled():
        _hold(name, Run(cycles=PROOFS[name].long, folder=tmp_path, seed=SEED + 1))


def _hold(name: str, run: Run) -> None:
    results = PROOFS[name].prove(run)
    told = table(results)
    print(f"\n{told}")  # noqa: T201 - for the log of a long run, or where the test fails
    assert all(result.holds for result in results), told
    assert any(result.control for result in results), "a proof without a control proves nothing"


@pytest.mark.parametrize(
    ("results", "code"),
    [
        ([GOOD, replace(BAD, control=True)], 0),
        ([BAD, replace(BAD, control=True)], 1),
        ([GOOD, replace(GOOD, control=True)], 1),
    ],
)
def test_the_command_fails_where_a_proof_does_or_a_control_is_not_caught(
    results: Sequence[Result], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It prints the table, and keeps it in a file."""
    monkeypatch.setattr(Proof, "prove", lambda _self, _run: list(results))

    done = CliRunner().invoke(main, ["kill", "--out", str(tmp_path / "table.txt")])

    assert done.exit_code == code, done.output
    assert table(results) in done.stdout
    assert table(results) in (tmp_path / "table.txt").read_text()


def test_the_command_prints_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """For programs."""
    monkeypatch.setattr(Proof, "prove", lambda _self, _run: [GOOD])

    done = CliRunner().invoke(main, ["kill", "--json"])

    assert orjson.loads(done.stdout)[0]["acknowledged"] == 1_200


def test_a_name_that_is_no_proof_is_refused() -> None:
    """The answer lists those that there are."""
    done = CliRunner().invoke(main, ["fire"])
    assert done.exit_code == 2
    assert "kill" in done.stderr


def test_the_table_tells_what_is_wrong() -> None:
    """One line each, and the notes below."""
    lines = table([GOOD, BAD, replace(BAD, control=True, notes=())]).splitlines()
    assert [line.rpartition(" | ")[2] for line in lines[2:5]] == ["holds", "FAILS", "caught, as it must be"]
    assert lines[-1] == "a fault: one is gone"


def test_proofs_end_processes_at_points_that_there_are() -> None:
    """At any other a process would go on, and the proof show nothing."""
    assert {point.partition(":")[0] for point in (*kills.POINTS, *migrations.POINTS)} <= set(faults.POINTS)


@pytest.mark.parametrize("name", PROOFS)
def test_readme_names_a_proof_and_its_cycles(name: str) -> None:
    """Whoever wants to run one finds it there."""
    rows = [line for line in README.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    line = next(line for line in rows if f"`{name}`" in line.split("|")[1])
    assert line.endswith(f"| {PROOFS[name].ci:,} / {PROOFS[name].long:,} |")
