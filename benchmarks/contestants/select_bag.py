"""Vowpal Wabbit, bag of five, on clicks; tuned on other shops (`benchmarks.select_tuning`)."""

from pathlib import Path

from benchmarks.records import Figures, Size
from benchmarks.selecting import measure as play_all
from benchmarks.vw import VowpalPlayer
from channel_selector.simulate.play import Player

POLICY = "--bag 5 -l 1"


def measure(folder: Path, _size: Size) -> Figures:
    """Play every shop."""
    return play_all(folder, lambda shop: VowpalPlayer(shop, POLICY), _weigh)


def _weigh(player: Player) -> float:
    return player.weight() if isinstance(player, VowpalPlayer) else 0.0
