"""Others' page views while fifty clients identify one person, each time from another browser."""

from pathlib import Path

from benchmarks.contestants.storm_calm import beside
from benchmarks.records import Figures, Size
from benchmarks.storm import calls


def measure(folder: Path, size: Size) -> Figures:
    """Send both."""
    return beside(folder, size, ["the-one"] * calls(size))
