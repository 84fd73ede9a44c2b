"""`homing simulate`: policies side by side in a calibrated shop whose truth is known; never a field result."""

import os
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from channel_selector import SelectorSettings
from channel_selector.simulate.play import Player, Score, play
from channel_selector.simulate.players import FixedPlayer, LearnedPlayer, OraclePlayer, RandomPlayer, VendorPlayer
from channel_selector.simulate.shop import Shop, ShopSettings
from service.commands.ranges import Within
from service.commands.results import emit_json, json_option
from service.errors import HomingError

CHART_EXTRA = "bench"


@click.command()
@click.option("--customers", default=500, show_default=True, type=click.IntRange(10, 100_000), help="How many people.")
@click.option("--rounds", default=8, show_default=True, type=click.IntRange(1, 1_000), help="Messages to each of them.")
@click.option("--gap-days", default=8.0, show_default=True, type=Within(1.0, 365.0), help="Between rounds.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0), help="Another seed is another shop.")
@click.option("--floor", default=0.05, show_default=True, type=Within(0.0, 1.0), help="Explored evenly.")
@click.option("--flat", is_flag=True, help="Every click buys as often, whatever the channel.")
@click.option("--delay-hours", default=0.0, show_default=True, type=Within(0.0, 2_000.0), help="Mean delay.")
@click.option("--drift", default=0.0, show_default=True, type=Within(0.0, 5.0), help="Tastes move a round.")
@click.option("--fatigue", default=0.0, show_default=True, type=Within(0.0, 5.0), help="Messages tire.")
@click.option("--sleeping", default=0.0, show_default=True, type=Within(0.0, 0.9), help="Endpoints asleep.")
@click.option("--new-channel", default=None, type=click.IntRange(1), help="The messenger opens in that round.")
@click.option("--chart", type=click.Path(dir_okay=False, path_type=Path), help="Draw the rounds into this PNG file.")
@json_option
def simulate(
    *,
    customers: int,
    rounds: int,
    gap_days: float,
    seed: int,
    floor: float,
    flat: bool,
    delay_hours: float,
    drift: float,
    fatigue: float,
    sleeping: float,
    new_channel: int | None,
    chart: Path | None,
    as_json: bool,
) -> None:
    """Let policies decide for the same simulated shop, and compare them with the truth."""
    if chart is not None:
        _figure()
        _require_writable(chart)
    settings = ShopSettings(
        customers=customers,
        rounds=rounds,
        gap=timedelta(days=gap_days),
        flat=flat,
        delay=timedelta(hours=delay_hours),
        drift=drift,
        fatigue=fatigue,
        sleeping=sleeping,
        new_channel=None if new_channel is None else new_channel - 1,
        seed=seed,
    )
    scores = [_play(settings, player) for player in _players(floor, seed)]
    if as_json:
        emit_json({"policies": [{**asdict(score), "gap": score.gap} for score in scores]})
    else:
        click.echo(_table(scores))
    if chart is not None:
        _draw(scores, chart)


def _players(floor: float, seed: int) -> Sequence[Player]:
    learned = LearnedPlayer(SelectorSettings(floor=floor), seed)
    return RandomPlayer(), FixedPlayer(), VendorPlayer(floor), learned, OraclePlayer()


def _play(settings: ShopSettings, player: Player) -> Score:
    click.echo(f"{player.name}…", err=True)
    return play(Shop(settings), player)


def _table(scores: Sequence[Score]) -> str:
    rows = [("policy", "gap closed", "last round", "conversions", "sends", "unsubscribes")]
    rows += [
        (
            score.name,
            f"{score.gap:.1%}",
            f"{score.gaps[-1]:.1%}",
            f"{score.conversions:,}",
            f"{score.sends:,}",
            f"{score.unsubscribes:,}",
        )
        for score in scores
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
        for row in rows
    ]
    note = (
        "Simulated, calibrated on published figures; gap closed: of the way from random to the oracle, mean of rounds."
    )
    return "\n".join([*lines, "", note])


def _figure() -> Any:
    """Give matplotlib's figure; it is heavy, an extra, and wanted for a chart alone."""
    try:
        return import_module("matplotlib.figure").Figure
    except ImportError:
        raise HomingError(f"--chart needs matplotlib; install it with: pip install 'homing[{CHART_EXTRA}]'") from None


def _require_writable(chart: Path) -> None:
    """Refuse before the run what could not be written after it."""
    place = chart if chart.exists() else chart.parent
    if not place.exists():
        raise HomingError(f"--chart {chart}: there is no folder {chart.parent}; make it first")
    if not os.access(place, os.W_OK):
        raise HomingError(f"--chart {chart}: {place} may not be written to; name a file that can be")


def _draw(scores: Sequence[Score], path: Path) -> None:
    """Draw gap closed by round, a line a policy."""
    figure = _figure()(figsize=(8.0, 4.5), layout="constrained")
    axes = figure.add_subplot()
    for score in scores:
        axes.plot(range(1, len(score.gaps) + 1), [100 * gap for gap in score.gaps], marker="o", label=score.name)
    axes.set_xlabel("round")
    axes.set_ylabel("gap closed, %")
    axes.set_title("Simulated shop: share of the way from random to the oracle")
    axes.legend()
    try:
        figure.savefig(path, format="png", dpi=150)
    except OSError as error:
        raise HomingError(f"the chart could not be written ({type(error).__name__}); name a file that can be") from None
