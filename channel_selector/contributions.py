"""What a decision's estimate is made of: log-odds that add up to the reaction's, and money that adds up to its value.

Worked out from the decision and the snapshot that it names, one option at a time and apart from the arrays that decide
many at once (`weighing`), which its tests hold it against.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from channel_selector.decisions import Decision, occasion_of
from channel_selector.eligibility.arms import Arm
from channel_selector.eligibility.context import leans
from channel_selector.eligibility.options import DeliveryOption
from channel_selector.model.losses import Losses
from channel_selector.model.pools import LEVELS, Pools
from channel_selector.model.population import Population
from channel_selector.model.posteriors import CUSTOMER_CONVERTED_WORTH, Left, PopulationPosterior
from channel_selector.model.reactions import arm_keys
from channel_selector.model.shrinkage import refine_customer
from channel_selector.model.tallies import Spot, Tally, total
from channel_selector.model.tastes import PROBIT, Floats, covariance, sigmoid
from channel_selector.settings import SelectorSettings

OF_EVERYBODY = ("everybody", "channel", "device", "hours", "channel at these hours", "segment")
"""What the population's coefficients are called, in the order of `arm_keys`."""
OWN = ("person", "own channel", "own endpoint", "own device", "own hours", "own habit")
"""What the customer's tastes are called, in the order of `Tastes`."""
OWN_ACTIVITY, OCCASION, LEFT_OUT = "own activity", "occasion", "without the customer's own part"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contributions:
    """Of the option chosen: what its log-odds and its value consist of, by name, in a fixed order.

    log_odds: their sum is the log-odds of a reaction; `reacts` the probability that this means under what is not known
    of the customer; `buys` that of a purchase after it: reacts × buys is the decision's conversion probability. value:
    `conversions` is what they bring, the rest is taken off; their sum is the decision's expected value.
    """

    log_odds: Mapping[str, float]
    reacts: float
    buys: float
    value: Mapping[str, float]


def contributions(decision: Decision, population: Population, settings: SelectorSettings) -> Contributions | None:
    """Take a decision apart, under the population and settings that it was made with; None where nothing is sent."""
    option = decision.option
    if option is None or not decision.conversion_probabilities:
        return None
    log_odds, unsure, buys = _Parts(decision, option, population, settings).told()
    reacts = float(sigmoid(np.array(sum(log_odds.values()) / sqrt(1.0 + PROBIT * unsure))))
    loss = Losses(population).parts(decision.context, option, settings)
    value = {
        "conversions": reacts * buys * decision.context.gain(settings.margin),
        "send cost": -loss.cost,
        "bought anyway": -loss.organic,
        "people driven away": -loss.departure,
    }
    return Contributions(log_odds=log_odds, reacts=reacts, buys=buys, value=value)


class _Parts:
    """One option of one decision, and the customer's own messages."""

    def __init__(
        self, decision: Decision, option: DeliveryOption, population: Population, settings: SelectorSettings
    ) -> None:
        self._context, self._effects, self._option = decision.context, decision.effects, option
        self._posterior = PopulationPosterior(population)
        self._reactions = population.reactions
        self._settings = settings
        self._stretch = population.reactions.tastes.stretch
        taught = decision.effects.taught
        heavy = bool(taught) and self._posterior.weighs(total(taught.values()).sends)
        self._taught = taught if heavy else {}

    def told(self) -> tuple[dict[str, float], float, float]:
        """Give the log-odds by name, the variance of what is not known of the customer, and P(buys | reacts)."""
        arm, spots = self._option.arm, sorted(self._effects.spots)
        keys = arm_keys(self._context.segment, arm)
        parts = {name: self._reactions.of(key) * self._stretch for name, key in zip(OF_EVERYBODY, keys, strict=True)}
        parts[OWN_ACTIVITY] = self._activity(arm.daypart)
        parts[OCCASION] = self._reactions.occasion(occasion_of(self._context, self._option)) * self._stretch
        shifts = self._shifts([arm, *(spot.arm for spot in spots)])
        parts[LEFT_OUT] = float(shifts[0])
        own, unsure = self._tastes(spots, shifts[1:])
        return {**parts, **own}, unsure, self._buys(arm)

    def _activity(self, part: int) -> float:
        weight = self._reactions.hours(self._settings.activity_weight) * self._stretch
        return weight * leans(self._context.activity)[part]

    def _rows(self, arms: Sequence[Arm]) -> list[int]:
        return [self._posterior.row(self._context.segment, *arm) for arm in arms]

    def _shifts(self, arms: Sequence[Arm]) -> Floats:
        """Give how much less the log-odds of some arms were without the customer's part of the population."""
        rows = np.array(self._rows(arms), dtype=np.int64)
        if not self._taught:
            return np.zeros(len(rows))
        cells = sorted(self._taught.items(), key=lambda cell: (cell[0][0] or "", cell[0][1]))
        left = Left(
            np.array([self._posterior.row(segment, *arm) for (segment, arm), _ in cells], dtype=np.int64),
            np.array([tally.reactions for _, tally in cells]),
            np.array([tally.engaged_exposure for _, tally in cells]),
        )
        return self._posterior.without(left, rows)

    def _tastes(self, spots: Sequence[Spot], shifts: Floats) -> tuple[dict[str, float], float]:
        """Give what each of the customer's tastes adds, and how unsure their sum is."""
        from channel_selector.compiled.customers import learn  # noqa: PLC0415 - loads numba: see there

        tastes = self._reactions.tastes
        if not spots:
            return dict.fromkeys(OWN, 0.0), tastes.total
        tallies = [self._effects.spots[spot] for spot in spots]
        places = [(spot.arm, spot.endpoint_id) for spot in spots]
        keys = _shared([*places, (self._option.arm, self._option.endpoint_id)])
        mine, seen = keys[-1:], keys[:-1]
        offset = self._posterior.log_odds(np.array(self._rows([spot.arm for spot in spots]), dtype=np.int64)) + shifts
        offset = offset + np.array([self._activity(spot.arm.daypart) for spot in spots])
        reacted = np.array([tally.reactions for tally in tallies])
        exposure = np.array([tally.engaged_exposure for tally in tallies])
        weight, root, lower = learn(seen, offset, reacted, exposure, np.array(tastes))
        known = np.linalg.solve(np.tril(lower), root * covariance(mine, seen, tastes)[0])
        alike = np.column_stack([np.ones(len(seen)), seen == mine])
        own = {name: float(tau * (weight @ alike[:, n])) for n, (name, tau) in enumerate(zip(OWN, tastes, strict=True))}
        return own, max(tastes.total - float(known @ known), 0.0)

    def _buys(self, arm: Arm) -> float:
        """Give P(buys | reacts): the population's, without the customer's part of it, then the customer's own."""
        rows = np.array(self._rows([arm]), dtype=np.int64)
        counts = [Pools(self._taught).counts(self._context.segment, arm)] if self._taught else []
        taught = np.array(counts, dtype=np.float64).reshape(-1, LEVELS * 2)
        everybody = self._posterior.converted(rows, np.arange(len(counts)), taught)
        own = self._effects.media.get(arm.medium, Tally())
        seen = np.array([own.conversions]), np.array([own.converted_exposure])
        refined = refine_customer(everybody.mean, everybody.variance, CUSTOMER_CONVERTED_WORTH, *seen)
        return float(refined.mean[0])


def _shared(places: Sequence[tuple[Arm, str]]) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Give numbers that are equal for what messages share: channel, endpoint, device kind, part of the day, arm."""
    names: dict[tuple[int, object], int] = {}
    rows = [
        [
            names.setdefault((place, name), len(names))
            for place, name in enumerate((arm.channel, endpoint, arm.device_kind, arm.daypart, arm))
        ]
        for arm, endpoint in places
    ]
    return np.array(rows, dtype=np.int64)
