"""Medians are of the runs; ratios are of runs of the same round."""

import pytest

from benchmarks.latencies import percentile, waits
from benchmarks.machine import Machine, this_machine
from benchmarks.medians import medians, ratio
from benchmarks.records import Benchmark, Column, Contestant, Figures, Result
from benchmarks.table import document, table


def result(**runs: tuple[Figures, ...]) -> Result:
    """Make the result of a benchmark whose control is `floor`."""
    benchmark = Benchmark(
        name="made-up",
        title="Made up",
        prepare=lambda _folder, _size, _stack: "",
        contestants=tuple(Contestant(name=name, module="") for name in runs),
        control="floor",
        rate="rate",
        columns=(Column(figure="rate", title="events/s"), Column(figure="p50_ms", title="p50 ms", digits=1)),
    )
    return Result(benchmark=benchmark, told="3 events", runs=runs)


MADE = result(
    ours=({"rate": 10.0, "p50_ms": 1.0}, {"rate": 40.0, "p50_ms": 3.0}, {"rate": 1_000.0, "p50_ms": 2.0}),
    floor=({"rate": 100.0}, {"rate": 100.0}, {"rate": 1_000.0}),
    disk=({"p50_ms": 0.25}, {"p50_ms": 0.25}, {"p50_ms": 0.25}),
)


def test_medians_are_taken_figure_by_figure() -> None:
    """One wild run moves nothing."""
    assert medians(MADE, "ours") == {"rate": 40.0, "p50_ms": 2.0}


def test_the_ratio_is_of_the_same_round() -> None:
    """A machine that is slow for a round is slow for both; dividing medians would say 0.4 as well by chance alone."""
    slow = result(
        ours=({"rate": 1.0}, {"rate": 90.0}, {"rate": 50.0}), floor=({"rate": 2.0}, {"rate": 100.0}, {"rate": 200.0})
    )

    assert ratio(slow, "ours") == 0.5
    assert ratio(MADE, "floor") == 1.0
    assert ratio(MADE, "disk") is None


def test_the_table_shows_what_was_measured_and_nothing_else() -> None:
    """A figure that a contestant does not have is a dash."""
    assert table(MADE).splitlines() == [
        "Made up; 3 events; medians of interleaved rounds: 3",
        "",
        "made-up  events/s  p50 ms  x floor",
        "ours           40     2.0    0.400",
        "floor         100       -    1.000",
        "disk            -     0.2        -",
    ]


def test_the_document_holds_every_run() -> None:
    """Whoever doubts a median can take another."""
    told = document(Machine(processor="a processor", cores=2, python="3.11"), [MADE])

    assert told["machine"] == {"processor": "a processor", "cores": 2, "python": "3.11"}
    assert told["benchmarks"][0]["contestants"]["ours"] == {
        "medians": {"rate": 40.0, "p50_ms": 2.0},
        "ratio": 0.4,
        "runs": MADE.runs["ours"],
    }


def test_percentiles_are_of_the_nearest_rank() -> None:
    """In milliseconds; a single wait is each of them."""
    hundred = [n / 1_000 for n in range(100, 0, -1)]

    assert waits("batch", hundred) == pytest.approx({"batch_p50_ms": 51.0, "batch_p99_ms": 100.0})
    assert percentile([0.002], 0.99) == pytest.approx(2.0)


def test_the_machine_is_named() -> None:
    """Figures mean nothing without it."""
    machine = this_machine()

    assert machine.cores >= 1
    assert machine.processor
    assert str(machine).endswith(f"Python {machine.python}")
