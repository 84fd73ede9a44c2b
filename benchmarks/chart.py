"""Results as a picture: one panel a measurement, one bar a contestant, the ratio to the control beside it."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.medians import medians, ratio
from benchmarks.records import Result


def draw(results: Sequence[Result], path: Path) -> None:
    """Write the seconds of each contestant as a PNG; results that measured no seconds are left out."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - takes a second, and only a picture needs it

    timed = [result for result in results if "seconds" in next(iter(result.runs.values()))[0]]
    figure = Figure(figsize=(9, 1 + 2.6 * max(len(timed), 1)), layout="constrained")
    axes = figure.subplots(max(len(timed), 1), squeeze=False)[:, 0]
    for axis, result in zip(axes, timed, strict=False):
        names = list(result.runs)
        seconds = [medians(result, name)["seconds"] for name in names]
        bars = axis.barh(names, seconds)
        axis.bar_label(bars, [f" {ratio(result, name):.2f} ×" for name in names])
        axis.set_xscale("log")
        axis.set_xlabel(f"seconds (× {result.benchmark.control})")
        axis.set_title(result.told)
        axis.invert_yaxis()
    figure.savefig(path, dpi=120)
