"""Runs become one line a contestant: medians of its runs, and the median of its ratios to the control, run by run."""

from statistics import median

from benchmarks.records import Figures, Result


def medians(result: Result, contestant: str) -> Figures:
    """Give the median of each figure that a contestant measured."""
    runs = result.runs[contestant]
    return {figure: median(run[figure] for run in runs) for figure in runs[0]}


def ratio(result: Result, contestant: str) -> float | None:
    """Give how a contestant's rate stands to the control's of the same round; None for one that has no rate."""
    rate, control = result.benchmark.rate, result.runs[result.benchmark.control]
    pairs = list(zip(result.runs[contestant], control, strict=True))
    return median(own[rate] / best[rate] for own, best in pairs) if rate in pairs[0][0] else None
