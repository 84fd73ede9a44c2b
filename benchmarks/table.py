"""Results as people read them, and as programs do."""

from collections.abc import Sequence
from typing import Any

from benchmarks.machine import Machine
from benchmarks.medians import medians, ratio
from benchmarks.records import Column, Result

_NONE = "-"


def table(result: Result) -> str:
    """Give a benchmark's results: its title, then a row for each contestant."""
    benchmark = result.benchmark
    rounds = len(result.runs[benchmark.control])
    head = [benchmark.name, *(column.title for column in benchmark.columns), f"x {benchmark.control}"]
    rows = [_row(result, contestant.name) for contestant in benchmark.contestants]
    title = f"{benchmark.title}; {result.told}; medians of interleaved rounds: {rounds}"
    told = "" if benchmark.remark is None else f"\n\n{benchmark.remark(result)}"
    return f"{title}\n\n{_aligned([head, *rows])}{told}".rstrip()


def document(machine: Machine, results: Sequence[Result]) -> dict[str, Any]:
    """Give all results as JSON: medians and ratios, and every run."""
    return {
        "machine": {"processor": machine.processor, "cores": machine.cores, "python": machine.python},
        "benchmarks": [_document(result) for result in results],
    }


def _document(result: Result) -> dict[str, Any]:
    return {
        "name": result.benchmark.name,
        "input": result.told,
        "control": result.benchmark.control,
        "contestants": {
            name: {"medians": medians(result, name), "ratio": ratio(result, name), "runs": runs}
            for name, runs in result.runs.items()
        },
    }


def _row(result: Result, contestant: str) -> list[str]:
    figures, part = medians(result, contestant), ratio(result, contestant)
    shown = [_shown(figures.get(column.figure), column) for column in result.benchmark.columns]
    return [contestant, *shown, _NONE if part is None else f"{part:.3f}"]


def _shown(figure: float | None, column: Column) -> str:
    return _NONE if figure is None else f"{figure:,.{column.digits}f}"


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
        for row in rows
    )
