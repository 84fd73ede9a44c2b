"""The vendors' rule: highest ratio of engagement over six months, most active hour."""

from pathlib import Path

from benchmarks.records import Figures, Size
from benchmarks.selecting import FLOOR
from benchmarks.selecting import measure as play_all
from channel_selector.simulate.players import VendorPlayer


def measure(folder: Path, _size: Size) -> Figures:
    """Play every shop."""
    return play_all(folder, lambda _: VendorPlayer(FLOOR))
