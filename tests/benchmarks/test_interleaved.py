"""Contestants take turns, each in a process of its own, on what was prepared once."""

import os
from contextlib import ExitStack
from pathlib import Path

import pytest

from benchmarks.interleaved import ContestantFailed, run
from benchmarks.records import Benchmark, Column, Contestant, Size

SIZE = Size(people=10, rounds=2, alone=1, passes=1, known=0, identifiers=0, logs=2, log_rounds=100)


def benchmark(*modules: str) -> Benchmark:
    """Make a benchmark of the tests' own contestants."""
    return Benchmark(
        name="counting",
        title="Runs counted",
        prepare=_prepare,
        contestants=tuple(Contestant(name=f"c{n}", module=module) for n, module in enumerate(modules)),
        control="c0",
        rate="rate",
        columns=(Column(figure="rate", title="rate"),),
    )


def _prepare(folder: Path, size: Size, _stack: ExitStack) -> str:
    (folder / "runs.log").touch()
    return f"{size.people} people"


def test_contestants_take_turns_round_by_round() -> None:
    """The first run of each comes before the second of any."""
    told: list[str] = []

    result = run(benchmark("tests.benchmarks.counting", "tests.benchmarks.counting"), SIZE, told.append)

    assert [figures["rate"] for figures in result.runs["c0"]] == [10.0, 30.0]
    assert [figures["rate"] for figures in result.runs["c1"]] == [20.0, 40.0]
    assert result.told == "10 people"
    assert told == ["counting: preparing", *(f"counting: round {n} of 2, {c}" for n in (1, 2) for c in ("c0", "c1"))]


def test_every_run_has_a_process_of_its_own() -> None:
    """No two runs share a process, nor ours."""
    result = run(benchmark("tests.benchmarks.counting"), SIZE, lambda _: None)

    processes = [figures["process"] for figures in result.runs["c0"]]
    assert len({*processes, float(os.getpid())}) == 3


def test_a_contestant_that_fails_ends_the_benchmark() -> None:
    """No figures are made up for it."""
    with pytest.raises(ContestantFailed, match="c0 ended with exit code 3"):
        run(benchmark("tests.benchmarks.failing"), SIZE, lambda _: None)
