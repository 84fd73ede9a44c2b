"""Vowpal Wabbit's contextual bandits with clicks as reward: crosses with the customer, log-odds of activity."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from vowpalwabbit import Workspace

from benchmarks.selecting import FLOOR
from channel_selector.eligibility.arms import DAYPARTS
from channel_selector.simulate.play import Choice, Offer, Told, draw
from channel_selector.simulate.players import mixed
from channel_selector.simulate.shop import Floats, Ints, Shop

CROSSES = "-q uc -q ut -q ud -q sc -q st -q ct -q cd -b 24"


class VowpalPlayer:
    """Customer u, segment s, channel c, part of the day t, device kind d, log-odds of activity a.

    The law that VW gives is mixed with ε uniform, and told back to it as the propensity of what was drawn.
    """

    def __init__(self, shop: Shop, policy: str) -> None:
        self.name = policy
        self._vw = Workspace(f"--cb_explore_adf {policy} {CROSSES} --quiet --random_seed 1")
        self._shared = [f"shared |u u{u} |s s{s}" for u, s in enumerate(shop.segment.tolist())]
        places = zip(shop.channel.tolist(), shop.part.tolist(), shop.kind.tolist(), strict=True)
        self._actions = [f"|c c{channel} |t t{part} |d d{kind} |a lo:" for channel, part, kind in places]
        self._lean = _log_odds(shop)
        self._sent: dict[int, tuple[Ints, Floats, list[Ints]]] = {}

    def choose(self, offer: Offer, random: Floats) -> Choice:
        """Ask for each customer's law."""
        law = np.zeros(offer.reached.shape)
        ways = [np.flatnonzero(reached) for reached in offer.reached]
        for customer, mine in enumerate(ways):
            law[customer, mine] = self._vw.predict("\n".join(self._lines(customer, mine)))
        law = mixed(law / law.sum(axis=1, keepdims=True), offer, FLOOR)
        chosen = draw(law, random)
        self._sent[offer.turn] = chosen, law[np.arange(len(chosen)), chosen], ways
        return Choice(chosen, law)

    def hear(self, told: Sequence[Told], now: datetime) -> None:  # noqa: ARG002 - Player's signature
        """Learn every message of the rounds told of, clicked or not."""
        clicked = {(each.turn, each.customer) for each in told if each.kind == "clicked"}
        for turn, (chosen, propensity, ways) in self._sent.items():
            for customer, mine in enumerate(ways):
                lines = self._lines(customer, mine)
                place = 1 + int(np.searchsorted(mine, chosen[customer]))
                cost = -1.0 if (turn, customer) in clicked else 0.0
                lines[place] = f"0:{cost}:{propensity[customer]:.6f} {lines[place]}"
                self._vw.learn("\n".join(lines))
        self._sent.clear()

    def weight(self) -> float:
        """Give the bytes of the saved model: its weights that are not zero."""
        with TemporaryDirectory(prefix="homing-bench-vw-") as folder:
            path = Path(folder) / "model.vw"
            self._vw.save(str(path))
            return float(path.stat().st_size)

    def _lines(self, customer: int, mine: Ints) -> list[str]:
        lean = self._lean[customer]
        return [self._shared[customer], *(f"{self._actions[k]}{lean[k % DAYPARTS]:.4f}" for k in mine.tolist())]


def _log_odds(shop: Shop) -> list[list[float]]:
    """Give the log-odds of each part of the day in a customer's activity, one event added to each."""
    events = shop.activity.reshape(shop.customers, DAYPARTS, -1).sum(axis=2) + 1.0
    share = events / events.sum(axis=1, keepdims=True)
    rows: list[list[float]] = np.log(share / (1.0 - share)).tolist()
    return rows
