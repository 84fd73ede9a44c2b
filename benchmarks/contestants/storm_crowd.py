"""The other control: others' page views beside as many identify calls, each of another person."""

from pathlib import Path

from benchmarks.contestants.storm_calm import beside
from benchmarks.records import Figures, Size
from benchmarks.storm import calls


def measure(folder: Path, size: Size) -> Figures:
    """Send both."""
    return beside(folder, size, [f"one-of-many-{number}" for number in range(calls(size))])
