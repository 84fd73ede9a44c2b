"""A sudden shift is a rate that has moved further between two models than chance allows, had it really moved k-fold.

Between two runs, minutes apart, a log of any size can hardly move: what moves it k-fold at once is a flood of forged
outcomes, or a tracking that has broken down. With S successes in an exposure of E before, S′ in E′ now, and a rate
that rose k-fold at most, S′ of n = S + S′ is binomial with p ≤ kE′ / (E + kE′), whatever the rate was (Przyborowski and
Wilenski, Biometrika 31, 1940); P(as many or more) ≤ exp(−n · KL(S′/n ‖ p)) (Chernoff). A fall is the same, seen the
other way. The two logs overlap, which makes the bound the safer: what is in both cannot differ.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log

from channel_selector.model.population import Population
from channel_selector.model.tallies import Tally, total

ENOUGH = 20
"""Successes before, fewer than which are no rate that anything could have shifted from."""
CERTAINTY = log(1e6)
"""Chance explains a shift with a probability below one in a million."""
REACTIONS, PURCHASES = "reactions", "purchases"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A channel's reactions, or purchases after its messages, as a rate in the model before and in the one now."""

    channel: str
    what: str
    before: float
    now: float


def shifts(before: Population, now: Population, *, times: float) -> tuple[Shift, ...]:
    """Give the rates that moved more than `times`-fold (> 1) beyond chance, by channel; none before the first model.

    A channel that tells of clicks in one of the two only has no rate of reactions to compare. O(cells).
    """
    if before.at is None:
        return ()
    old, new = _channels(before), _channels(now)
    found: list[Shift] = []
    for channel in sorted(old.keys() & new.keys()):
        rates = [(PURCHASES, _purchases(old[channel]), _purchases(new[channel]))]
        if (channel in before.tracked) == (channel in now.tracked):
            rates.insert(0, (REACTIONS, _reactions(old[channel]), _reactions(new[channel])))
        found += [
            Shift(channel=channel, what=what, before=was[0] / was[1], now=is_[0] / is_[1])
            for what, was, is_ in rates
            if was[0] >= ENOUGH and is_[1] > 0.0 and _moved(was, is_, times)
        ]
    return tuple(found)


Rate = tuple[float, float]
"""Successes, and what they were exposed to."""


def _reactions(tally: Tally) -> Rate:
    return tally.reactions, max(tally.engaged_exposure, tally.reactions)


def _purchases(tally: Tally) -> Rate:
    return float(tally.bought), float(tally.sends)


def _channels(population: Population) -> Mapping[str, Tally]:
    groups: dict[str, list[Tally]] = {}
    for (_, arm), tally in population.tallies.items():
        groups.setdefault(arm.channel, []).append(tally)
    return {channel: total(tallies) for channel, tallies in groups.items()}


def _moved(was: Rate, is_: Rate, times: float) -> bool:
    return _beyond(was, is_, times) or _beyond(is_, was, times)


def _beyond(low: Rate, high: Rate, times: float) -> bool:
    """Tell whether the second rate lies above `times` the first by more than chance allows."""
    together = low[0] + high[0]
    if together == 0.0:
        return False
    share, p = high[0] / together, times * high[1] / (low[1] + times * high[1])
    return share > p and together * _divergence(share, p) > CERTAINTY


def _divergence(share: float, p: float) -> float:
    """Give KL(share ‖ p) of two coins, 0 < p < 1."""
    rest = 0.0 if share >= 1.0 else (1.0 - share) * log((1.0 - share) / (1.0 - p))
    return share * log(share / p) + rest
