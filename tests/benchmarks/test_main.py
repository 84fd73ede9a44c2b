"""`python -m benchmarks`: the table on stdout, progress on stderr; every benchmark runs whole on a small shop."""

import subprocess
import sys

import orjson
import pytest

from benchmarks.__main__ import BENCHMARKS


def benchmarks(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command."""
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command


def test_an_unknown_name_is_told_what_there_is() -> None:
    """As a misuse."""
    done = benchmarks("no-such")

    assert done.returncode == 2
    assert all(name in done.stderr for name in BENCHMARKS)


def test_the_table_is_on_stdout_and_progress_on_stderr() -> None:
    """So that the table can be piped."""
    done = benchmarks("identity", "--quick")

    assert done.returncode == 0
    assert "networkx" in done.stdout
    assert "round" not in done.stdout.splitlines()[2]
    assert "identity: round 1 of 1, resolve" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", ["collector", "recommend", "half", "startup", "choose"])
def test_every_benchmark_runs_whole(name: str) -> None:
    """Each contestant gives positive figures; nothing is asserted of how large they are."""
    done = benchmarks(name, "--quick", "--json")

    assert done.returncode == 0, done.stderr
    (told,) = orjson.loads(done.stdout)["benchmarks"]
    assert list(told["contestants"]) == [contestant.name for contestant in BENCHMARKS[name].contestants]
    assert told["contestants"][told["control"]]["ratio"] == 1.0
    assert all(figure > 0 for each in told["contestants"].values() for figure in each["medians"].values())


@pytest.mark.slow
def test_resolve_runs_beside_all_its_peers() -> None:
    """With contest and without; the control's ratio to itself is one."""
    done = benchmarks("resolve", "--quick", "--edges", "400", "--json")

    assert done.returncode == 0, done.stderr
    without, contested = orjson.loads(done.stdout)["benchmarks"]
    assert "0% contested" in without["input"]
    assert "5% contested" in contested["input"]
    assert list(without["contestants"]) == [contestant.name for contestant in BENCHMARKS["resolve"].contestants]
    assert without["contestants"][without["control"]]["ratio"] == 1.0
    assert all(figure > 0 for each in without["contestants"].values() for figure in each["medians"].values())


@pytest.mark.slow
def test_a_part_of_resolve_is_run_alone() -> None:
    """Of these peers, of this size, contested, that often."""
    part = ("--edges", "1K", "--peers", "scipy", "--contested", "with", "--rounds", "2")
    done = benchmarks("resolve", *part, "--json")

    assert done.returncode == 0, done.stderr
    (told,) = orjson.loads(done.stdout)["benchmarks"]
    assert list(told["contestants"]) == ["homing resolve", "polars, in memory", "polars, streaming", "polars + scipy"]
    assert "5% contested" in told["input"]
    assert len(told["contestants"]["homing resolve"]["runs"]) == 2


@pytest.mark.parametrize(
    ("option", "value", "says"), [("--edges", "many", "10M"), ("--edges", "5", "10M"), ("--peers", "me", "networkx")]
)
def test_a_part_that_is_none_is_told(option: str, value: str, says: str) -> None:
    """As a misuse, with what is allowed."""
    done = benchmarks("resolve", option, value)

    assert done.returncode == 2
    assert says in done.stderr
