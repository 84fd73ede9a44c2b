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
STEPS = 40
LONGEST_STEP = 2.0
CLOSE = 1e-10
LEAST_WEIGHT = 1e-12


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


class Seen(NamedTuple):
    """What came of some customers' messages: arrays of customers × cells.

    keys: … × `SHARED` whole numbers, equal for what is shared. offset: the typical customer's log-odds. reacted: S.
    exposure: E = ΣF(age), at least as large as S counts (DESIGN 5 "Delay": α + S, β + ΣF − S).
    """

    keys: Indices
    offset: Floats
    reacted: Floats
    exposure: Floats


class Learned(NamedTuple):
    """Laplace's posterior of f in dual form: at new cells, mean = k·weight and covariance = k − k·precision·kᵀ."""

    weight: Floats
    precision: Floats


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


def learn(seen: Seen, tastes: Tastes) -> Learned:
    """Give each customer's posterior from what was seen (Rasmussen and Williams, algorithm 3.1, steps kept short).

    The log-likelihood is concave, so the mode is the only one; a step longer than 2 log-odds is cut, and whoever has
    arrived stays, so that nobody's result depends on the others'. O(n³) for n cells and step.
    """
    k = covariance(seen.keys, seen.keys, tastes)
    exposure = np.maximum(seen.exposure, seen.reacted)
    weight = np.zeros_like(seen.offset)
    f = np.zeros_like(seen.offset)
    moving = np.ones(len(f), dtype=np.bool_)
    for _ in range(STEPS):
        aim, _ = _newton(k[moving], seen.offset[moving] + f[moving], f[moving], seen.reacted[moving], exposure[moving])
        towards = _times(k[moving], aim) - f[moving]
        longest = np.abs(towards).max(axis=1)
        part = np.minimum(1.0, LONGEST_STEP / np.maximum(longest, CLOSE))[:, None]
        weight[moving] += part * (aim - weight[moving])
        f[moving] += part * towards
        moving[moving] = longest > CLOSE
        if not moving.any():
            break
    return Learned(weight, _newton(k, seen.offset + f, f, seen.reacted, exposure)[1])


def _newton(k: Floats, eta: Floats, f: Floats, reacted: Floats, exposure: Floats) -> tuple[Floats, Floats]:
    """Give the weight that Newton's step aims at, and the precision (K + W⁻¹)⁻¹ where it stands."""
    p = sigmoid(eta)
    curve = np.maximum(exposure * p * (1.0 - p), LEAST_WEIGHT)
    root = np.sqrt(curve)
    b = np.eye(f.shape[1]) + root[:, :, None] * k * root[:, None, :]
    precision = root[:, :, None] * np.linalg.inv(b) * root[:, None, :]
    target = curve * f + reacted - exposure * p
    return target - _times(precision, _times(k, target)), precision


def _times(matrices: Floats, vectors: Floats) -> Floats:
    result: Floats = np.matmul(matrices, vectors[:, :, None])[:, :, 0]
    return result
