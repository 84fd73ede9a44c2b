"""Beta Thompson sampling by segment."""

from pathlib import Path

from benchmarks.bandits import BetaPlayer
from benchmarks.records import Figures, Size
from benchmarks.selecting import measure as play_all


def measure(folder: Path, _size: Size) -> Figures:
    """Play every shop."""
    return play_all(folder, lambda shop: BetaPlayer(shop.segment, shop.settings.seed))
