"""A customer's tastes are one Gaussian over all they can be sent: messages that share something share its effect.

The log-odds of a reaction are those of the population plus f = b[person] + b[channel] + b[endpoint] + b[device kind] +
b[part of the day] + b[arm], b ~ N(0, τ²) each (DESIGN 5, and the arm's own). Summed out, f is a Gaussian process with

    k(i, j) = τ²₀ + τ²₁ [same channel] + τ²₂ [same endpoint] + τ²₃ [same device kind] + τ²₄ [same part] + τ²₅ [same arm]

so that no effect needs a place of its own, and what was learned of one endpoint carries over to those like it.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

SHARED = 5
"""What messages may share besides the person: channel, endpoint, device kind, part of the day, arm."""
PROBIT = np.pi / 8.0
"""E[σ(η)] ≈ σ(mean / √(1 + π/8 · variance)) of a normal η (MacKay, Neural Computation 4, 1992)."""


class Tastes(NamedTuple):
    """How much customers differ: the variances τ² of the six effects, in squared log-odds."""

    person: float
    channel: float
    endpoint: float
    kind: float
    part: float
    arm: float

    @property
    def total(self) -> float:
        """The variance of one customer's log-odds about the population's."""
        return sum(self)

    @property
    def stretch(self) -> float:
        """What the log-odds of an average over customers are multiplied by to be those of a typical one (`PROBIT`)."""
        return float(np.sqrt(1.0 + PROBIT * self.total))


def sigmoid(x: Floats) -> Floats:
    """Give 1 / (1 + e⁻ˣ)."""
    result: Floats = 1.0 / (1.0 + np.exp(-x))
    return result


def covariance(left: Indices, right: Indices, tastes: Tastes) -> Floats:
    """Give k of every two cells: … × n × SHARED and … × m × SHARED to … × n × m."""
    result = np.full((*left.shape[:-1], right.shape[-2]), tastes.person)
    for index, variance in enumerate(tastes[1:]):
        result += variance * (left[..., :, None, index] == right[..., None, :, index])
    return result
