"""All that a log tells of a candidate: every estimator that the log can feed, and why the others cannot answer.

Where no bounds of the rewards are known, the rewards seen stand for them in asymptotic intervals, and there are no
anytime ones.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from channel_selector.evidence.anytime import dr_anytime, ips_anytime
from channel_selector.evidence.estimates import Estimate, Estimator, Unavailable
from channel_selector.evidence.estimators import Bounds, dr, ips, snips, switch_dr
from channel_selector.evidence.reward_models import predict_forward
from channel_selector.evidence.rounds import Rounds
from channel_selector.validation import require_number

NO_MENUS = "the log holds the candidate's probability of the drawn action alone; give candidate_probabilities"
NO_LOGGING = "the log does not hold the logging policy's probabilities of all actions; give probabilities"
NO_BOUNDS = "rewards lie outside 0 to 1 and nothing is said of how far they can go; give their bounds"
NO_OVERLAP = "the candidate would have drawn none of the log's actions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """Where the candidate may do what the log's policy never does: of that the log tells nothing.

    violations: rounds with such an action; share: of all rounds; mass: the candidate's probability of them, on average.
    None where the log does not hold the logging policy's probabilities. mean_weight: near 1 without violations.
    """

    violations: int | None
    share: float | None
    mass: float | None
    mean_weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What came out; log_value is the log's own mean reward."""

    rounds: int
    log_value: float
    estimates: tuple[Estimate | Unavailable, ...]
    support: Support

    def of(self, estimator: Estimator) -> Estimate | Unavailable:
        """Give one estimator's answer."""
        return next(each for each in self.estimates if each.estimator is estimator)


def evaluate(rounds: Rounds, *, bounds: Bounds | None = None) -> Evidence:
    """Give what a log tells of the candidate; `bounds`: what no reward can lie beyond.

    Without `bounds` they are 0 and 1 where all rewards lie there, else unknown. ValueError where a reward lies
    outside, and for bounds beyond ±1e15.
    """
    seen = float(rounds.rewards.min()), float(rounds.rewards.max())
    if bounds is None and seen[0] >= 0.0 and seen[1] <= 1.0:
        bounds = 0.0, 1.0
    for end in () if bounds is None else bounds:
        require_number("every bound of the rewards", end)
    if bounds is not None and not (bounds[0] <= seen[0] and seen[1] <= bounds[1] and bounds[0] < bounds[1]):
        raise ValueError(f"rewards from {seen[0]:g} to {seen[1]:g} lie outside {bounds[0]:g} to {bounds[1]:g}")
    return Evidence(
        rounds=len(rounds),
        log_value=float(rounds.rewards.mean()),
        estimates=tuple(_estimates(rounds, seen, bounds)),
        support=support(rounds),
    )


def support(rounds: Rounds) -> Support:
    """Give the rounds in which the candidate may draw what the logging policy cannot. O(entries)."""
    mean_weight = float(rounds.weights.mean())
    menus = rounds.menus
    if menus is None or menus.logging is None:
        return Support(violations=None, share=None, mass=None, mean_weight=mean_weight)
    beyond = menus.totals(np.where(menus.logging > 0.0, 0.0, menus.candidate))
    count = int(np.count_nonzero(beyond))
    return Support(violations=count, share=count / len(rounds), mass=float(beyond.mean()), mean_weight=mean_weight)


def _estimates(rounds: Rounds, seen: Bounds, bounds: Bounds | None) -> Iterator[Estimate | Unavailable]:
    """Give the answers in the order of `Estimator`."""
    span = seen if bounds is None else bounds
    menus = rounds.menus
    predicted = None if menus is None else predict_forward(rounds, menus)
    if rounds.weights.any():
        yield ips(rounds, span)
        yield snips(rounds, span)
    else:
        yield Unavailable(estimator=Estimator.IPS, reason=NO_OVERLAP)
        yield Unavailable(estimator=Estimator.SNIPS, reason=NO_OVERLAP)
    if predicted is None:
        yield Unavailable(estimator=Estimator.DR, reason=NO_MENUS)
        yield Unavailable(estimator=Estimator.SWITCH_DR, reason=NO_MENUS)
    else:
        yield dr(predicted, span)
        yield switch_dr(predicted, span)
    if bounds is None:
        yield Unavailable(estimator=Estimator.IPS_ANYTIME, reason=NO_BOUNDS)
        yield Unavailable(estimator=Estimator.DR_ANYTIME, reason=NO_BOUNDS)
        return
    yield ips_anytime(rounds, bounds)
    if predicted is None:
        yield Unavailable(estimator=Estimator.DR_ANYTIME, reason=NO_MENUS)
    elif predicted.menus.logging is None:
        yield Unavailable(estimator=Estimator.DR_ANYTIME, reason=NO_LOGGING)
    else:
        yield dr_anytime(predicted, bounds)
