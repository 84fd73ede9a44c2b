"""How likely a message is to drive somebody away: a rate of its channel times what earlier messages make of it.

Somebody left who unsubscribed or complained within the window. Every rate is shrunk to that of all channels, every
factor to 1; both are fitted in turn to what was seen, as in a table of rates by two ways of sorting.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import fsum
from typing import Any, NamedTuple

LEVELS = (1, 2, 3, 5)
"""Messages of the week before, from which on the next level of fatigue begins: 0, 1, 2, 3–4, 5 and more."""
USUAL_RATE = 0.005
"""Share that leaves before anything is known: e-mail and push stay below a per cent, SMS 2.7–3.5 % (Klaviyo)."""
RATE_WORTH, FACTOR_WORTH = 1.0, 4.0
"""Departures that a rate's prior, and a factor's, is worth."""
TURNS = 4


class Departures(NamedTuple):
    """Messages, as far as they have been seen and are not forgotten, and after how many of them somebody left."""

    messages: float
    left: float


Cells = Mapping[tuple[str, int], Departures]
"""Departures by channel and level of fatigue."""


def level(recent: int) -> int:
    """Give the level of fatigue (0–4) after so many messages in the week before."""
    return bisect_right(LEVELS, recent)


@dataclass(frozen=True, slots=True)
class Fatigue:
    """What messages have been seen to drive away; risks are worked out when first asked for."""

    cells: Cells = field(default_factory=dict)
    _fitted: dict[str, tuple[dict[str, float], list[float]]] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def risk(self, channel: str, recent: int) -> float:
        """Give the probability, 0–1, that somebody leaves over a message after so many in the week before it."""
        if "" not in self._fitted:
            self._fitted[""] = _fit(self.cells)
        rates, factors = self._fitted[""]
        usual = rates.get(channel)
        return min(1.0, (_everywhere(self.cells) if usual is None else usual) * factors[level(recent)])

    def to_json(self) -> list[list[Any]]:
        """Give one row a cell, in order."""
        return [[*cell, *self.cells[cell]] for cell in sorted(self.cells)]

    @classmethod
    def from_json(cls, rows: Iterable[list[Any]]) -> "Fatigue":
        """Give the record `to_json` wrote."""
        return cls({(row[0], row[1]): Departures(*row[2:]) for row in rows})


def _everywhere(cells: Cells) -> float:
    """Give the rate of all channels together."""
    messages, left = fsum(cell.messages for cell in cells.values()), fsum(cell.left for cell in cells.values())
    return (left + RATE_WORTH) / (messages + RATE_WORTH / USUAL_RATE)


def _fit(cells: Cells) -> tuple[dict[str, float], list[float]]:
    """Give each channel's rate, and each level's factor."""
    usual, factors = _everywhere(cells), [1.0] * (len(LEVELS) + 1)
    rates: dict[str, float] = {}
    for _ in range(TURNS):
        for channel in sorted({channel for channel, _ in cells}):
            own = [(cell, seen) for cell, seen in cells.items() if cell[0] == channel]
            exposed = fsum(seen.messages * factors[cell[1]] for cell, seen in own)
            rates[channel] = (fsum(seen.left for _, seen in own) + RATE_WORTH) / (exposed + RATE_WORTH / usual)
        for place in range(len(factors)):
            there = [(cell, seen) for cell, seen in cells.items() if cell[1] == place]
            expected = fsum(seen.messages * rates[cell[0]] for cell, seen in there)
            factors[place] = (fsum(seen.left for _, seen in there) + FACTOR_WORTH) / (expected + FACTOR_WORTH)
    return rates, factors
