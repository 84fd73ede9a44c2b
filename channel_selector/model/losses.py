"""What a message costs beside what it brings: its sending, the purchases that came anyway, the people it drives away.

    loss = send cost + organic baseline × gain of a conversion + P(leaves | channel, fatigue) × lifetime value

so that value = P(reacts) · P(buys | reacts) · gain − loss, and to send nothing is worth 0 (DESIGN 5 "Value").
"""

from collections.abc import Sequence
from typing import NamedTuple

from channel_selector.decisions import occasion_of
from channel_selector.eligibility.context import Context
from channel_selector.eligibility.options import DeliveryOption
from channel_selector.model.population import Population
from channel_selector.settings import SelectorSettings


class Loss(NamedTuple):
    """The three parts of one option's loss, in the money of its gain."""

    cost: float
    organic: float
    departure: float


class Losses:
    """The losses under one population; rates are worked out when first asked for, then looked up."""

    def __init__(self, population: Population) -> None:
        self._organic = population.organic
        self._fatigue = population.fatigue
        self._baselines: dict[tuple[str | None, str], float] = {}

    def of(self, context: Context, options: Sequence[DeliveryOption], settings: SelectorSettings) -> list[float]:
        """Give the whole loss of each option."""
        if not self._organic.withheld and settings.lifetime_value == 0.0:
            return [option.cost for option in options]
        return [sum(self.parts(context, option, settings)) for option in options]

    def parts(self, context: Context, option: DeliveryOption, settings: SelectorSettings) -> Loss:
        """Give one option's loss in its parts."""
        baseline = self._baseline(context.segment, option.channel)
        risk = 0.0
        if settings.lifetime_value > 0.0:
            risk = self._fatigue.risk(option.channel, occasion_of(context, option).recent)
        return Loss(option.cost, baseline * context.gain(settings.margin), risk * settings.lifetime_value)

    def _baseline(self, segment: str | None, channel: str) -> float:
        found = self._baselines.get((segment, channel))
        if found is None:
            found = self._baselines[segment, channel] = self._organic.baseline(segment, channel)
        return found
