"""MABWiser's LinTS."""

from pathlib import Path

from benchmarks.bandits import LinearPlayer
from benchmarks.records import Figures, Size
from benchmarks.selecting import measure as play_all


def measure(folder: Path, _size: Size) -> Figures:
    """Play every shop."""
    return play_all(folder, LinearPlayer)
