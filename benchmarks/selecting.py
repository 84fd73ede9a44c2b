"""How well and how fast policies choose, all in the same shops with the same customers and luck, one shop a seed."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import orjson

from benchmarks.records import Figures, Size
from channel_selector.simulate.play import Choice, Offer, Player, Told, play
from channel_selector.simulate.shop import Floats, Shop, ShopSettings

FLOOR = 0.05
"""ε, the same for every policy that explores."""
FIRST_SEED, TUNING_SEED = 1, 1_001
"""Peers were tuned on shops of the second seed and those after it, which nothing else is measured on."""
MOST_SHOPS = 10
FEW = 6
"""Messages a customer that the first figure is after; the second is after all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Which shops are played: how many, how large, how long, and whether every click buys as often (`flat`)."""

    customers: int
    rounds: int
    seeds: int
    flat: bool = True

    @classmethod
    def of(cls, size: Size) -> "Plan":
        """Give the plan for a size: 3,000 customers and ten shops, or a few of each."""
        whole = size.rounds > 1
        usual = MOST_SHOPS if whole else 2
        seeds = usual if size.shops is None else size.shops
        return cls(customers=3 * size.people, rounds=16 if whole else FEW, seeds=seeds)

    def shops(self) -> list[Shop]:
        """Make the shops."""
        return [self.shop(FIRST_SEED + number) for number in range(self.seeds)]

    def shop(self, seed: int) -> Shop:
        """Make the shop of a seed."""
        return Shop(ShopSettings(customers=self.customers, rounds=self.rounds, flat=self.flat, seed=seed))

    def write(self, folder: Path) -> None:
        """Leave it where the contestants find it."""
        (folder / "plan.json").write_bytes(orjson.dumps(asdict(self)))

    @classmethod
    def read(cls, folder: Path) -> "Plan":
        """Give what was left there."""
        return cls(**orjson.loads((folder / "plan.json").read_bytes()))


class Timed:
    """A player and the processor's time that it takes."""

    def __init__(self, player: Player) -> None:
        self.player = player
        self.name = player.name
        self.choosing = self.hearing = 0.0
        self.chosen = 0

    def choose(self, offer: Offer, random: Floats) -> Choice:
        """Choose; the records of a question are made before the clock starts."""
        _ = offer.contexts, offer.options
        started = time.process_time()
        choice = self.player.choose(offer, random)
        self.choosing += time.process_time() - started
        self.chosen += len(choice.chosen)
        return choice

    def hear(self, told: Sequence[Told], now: datetime) -> None:
        """Hear."""
        started = time.process_time()
        self.player.hear(told, now)
        self.hearing += time.process_time() - started


def measure(
    folder: Path, player_of: Callable[[Shop], Player], weigh: Callable[[Player], float] | None = None
) -> Figures:
    """Play every shop of the plan; `weigh` gives the bytes that a player has kept."""
    plan = Plan.read(folder)
    figures: dict[str, float] = {}
    players: list[Timed] = []
    few, whole, bought = [], [], 0
    for number, shop in enumerate(plan.shops()):
        players.append(Timed(player_of(shop)))
        score = play(shop, players[-1])
        few.append(sum(score.gaps[:FEW]) / FEW)
        whole.append(score.gap)
        bought += score.conversions
        figures |= {f"gap_few_{number}": few[-1], f"gap_{number}": whole[-1]}
    choosing, hearing = sum(each.choosing for each in players), sum(each.hearing for each in players)
    decisions = sum(each.chosen for each in players)
    figures |= {
        "gap_few": 100 * sum(few) / len(few),
        "gap": 100 * sum(whole) / len(whole),
        "conversions": bought / len(few),
        "decisions_per_second": decisions / max(choosing, 1e-9),
        "updates_per_second": decisions / max(hearing, 1e-9),
    }
    if weigh is not None:
        figures["bytes_a_customer"] = sum(weigh(each.player) for each in players) / (len(players) * plan.customers)
    return figures
