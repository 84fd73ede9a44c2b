"""An estimate never comes without its interval, the interval's kind and the sample size that it is worth."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from channel_selector.evidence.rounds import Floats


class Estimator(StrEnum):
    """The estimators, in the order of reports."""

    IPS = "ips"
    SNIPS = "snips"
    DR = "dr"
    SWITCH_DR = "switch_dr"
    IPS_ANYTIME = "ips_anytime"
    DR_ANYTIME = "dr_anytime"


class Kind(StrEnum):
    """What an interval promises.

    asymptotic: covers in 95 of 100 logs of a length fixed beforehand, the more exactly the more rewards there are.
    anytime: covers in at least 95 of 100 logs at all their lengths together, so that one may look at any time and stop.
    """

    ASYMPTOTIC = "asymptotic"
    ANYTIME = "anytime"


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A value, its 95 % interval and its kind.

    effective_sample_size: (Σ w)² / Σ w², how many rounds drawn by the candidate itself would tell about as much; 0
    where the candidate would have drawn none of the log's actions.
    """

    estimator: Estimator
    value: float
    interval: tuple[float, float]
    kind: Kind
    effective_sample_size: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Unavailable:
    """An estimator that the log cannot feed, and what it lacks."""

    estimator: Estimator
    reason: str


def effective_sample_size(weights: Floats) -> float:
    """Give (Σ w)² / Σ w² of weights w ≥ 0 (Kish 1965); 0 where all are 0."""
    highest = float(weights.max())
    if highest == 0.0:
        return 0.0
    scaled = weights / highest
    return float(scaled.sum() ** 2 / np.square(scaled).sum())
