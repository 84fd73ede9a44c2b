"""Beta Thompson sampling by customer."""

from pathlib import Path

import numpy as np

from benchmarks.bandits import BetaPlayer
from benchmarks.records import Figures, Size
from benchmarks.selecting import measure as play_all


def measure(folder: Path, _size: Size) -> Figures:
    """Play every shop."""
    return play_all(folder, lambda shop: BetaPlayer(np.arange(shop.customers), shop.settings.seed))
