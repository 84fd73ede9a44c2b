"""Homing's own policy through its façade, as it comes."""

from pathlib import Path

import orjson

from benchmarks.records import Figures, Size
from benchmarks.selecting import FLOOR
from benchmarks.selecting import measure as play_all
from channel_selector import SelectorSettings
from channel_selector.simulate.play import Player
from channel_selector.simulate.players import LearnedPlayer


def measure(folder: Path, _size: Size) -> Figures:
    """Play every shop."""
    settings = SelectorSettings(floor=FLOOR)
    return play_all(folder, lambda shop: LearnedPlayer(settings, shop.settings.seed), _weigh)


def _weigh(player: Player) -> float:
    """Give the bytes of the population and of every customer's counts; the log, which others keep elsewhere, aside."""
    if not isinstance(player, LearnedPlayer):
        return 0.0
    selector = player.selector
    subjects = {decision.subject for decision in selector.decisions()}
    now = selector.population.at
    known = [] if now is None else [selector.effects(subject, now=now) for subject in sorted(subjects)]
    return float(
        len(orjson.dumps(selector.population.to_json()))
        + sum(len(orjson.dumps(effects.to_json()["spots"])) for effects in known)
    )
