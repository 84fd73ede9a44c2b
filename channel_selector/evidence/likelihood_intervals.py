"""The value v is where Σ z_t(v) = 0, z_t = b_t − v c_t; a v is kept while no tilt of the z_t makes that zero unlikely.

Empirical likelihood: 2 max_λ Σ log(1 + λ z_t) is χ²₁ under the true v (Owen 2001, §2; for importance weights
Karampatziakis, Langford and Mineiro, "Empirical likelihood for contextual bandits", NeurIPS 2020, §3), for a log of a
learning policy too, where the z_t are martingale differences of stabilised variance. Unlike value ± 1.96 standard
errors it leans to the side where rare rewards may still come from. λ is kept to where 1 + λ z ≥ 0 also for z that can
be but were not seen (`extremes`), so that a log without any reward has an upper end too.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from channel_selector.evidence.crossings import crossing

Floats = NDArray[np.float64]

NORMAL_95 = 1.959963984540054
"""The square root of the 95 % quantile of χ²₁."""
NEWTON_STEPS = 60
PRECISION = 1e-9
"""How far the sum of logarithms may be from its maximum."""
EDGE = 1e-9
"""How near λ comes to where a logarithm ends, as a share of the way."""


class Equation(NamedTuple):
    """Σ (b − v c) = 0 with b, c of shape (n,), c ≥ 0, Σ c > 0; extremes: (b, c > 0) of the lowest and the highest z."""

    b: Floats
    c: Floats
    extremes: tuple[tuple[float, float], tuple[float, float]]

    @property
    def root(self) -> float:
        """The estimate."""
        return float(self.b.sum() / self.c.sum())

    @property
    def limits(self) -> tuple[float, float]:
        """Between which values some z, seen or possible, lie on either side of zero; no value beyond can be."""
        counted = self.c > 0.0
        ratios = self.b[counted] / self.c[counted]
        (low_b, low_c), (high_b, high_c) = self.extremes
        return min(float(ratios.min()), low_b / low_c), max(float(ratios.max()), high_b / high_c)


def likelihood_interval(equation: Equation) -> tuple[float, float]:
    """Give the 95 % interval around the root, within the equation's limits. O(n) for each of about a hundred passes."""
    root = equation.root
    low, high = equation.limits
    spread = float(np.sqrt(np.square(equation.b - root * equation.c).sum()) / equation.c.sum())
    step = max(NORMAL_95 * spread, (high - low) / len(equation.b))

    def excess(value: float) -> float:
        return _statistic(equation, value) - NORMAL_95

    if step == 0.0:
        return root, root
    return crossing(excess, root, step, low), crossing(excess, root, step, high)


def _statistic(equation: Equation, value: float) -> float:
    """Give √(2 max_λ Σ log(1 + λ z)), which is nearly straight in the value; infinite where the value cannot be."""
    z = equation.b - value * equation.c
    ends = [b - value * c for b, c in equation.extremes]
    lowest, highest = min(*ends, float(z.min())), max(*ends, float(z.max()))
    if lowest >= 0.0 or highest <= 0.0:
        return 0.0 if lowest == highest == 0.0 else np.inf
    return float(np.sqrt(2.0 * _most(z, -(1.0 - EDGE) / highest, -(1.0 - EDGE) / lowest)))


def _most(z: Floats, low: float, high: float) -> float:
    """Give max Σ log(1 + λ z) over λ in [low, high], a concave function, by Newton's method kept between its ends."""
    squares = float(np.square(z).sum())
    tilt = float(z.sum()) / squares if squares > 0.0 else 0.0
    for _ in range(NEWTON_STEPS):
        if not low < tilt < high:
            tilt = low + (high - low) / 2.0
        shares = z / (1.0 + tilt * z)
        slope, curvature = float(shares.sum()), float(np.square(shares).sum())
        low, high = (tilt, high) if slope > 0.0 else (low, tilt)
        left = high - tilt if slope > 0.0 else tilt - low
        if slope**2 <= PRECISION * curvature or abs(slope) * left <= PRECISION:
            break
        tilt += slope / curvature
    return max(float(np.log1p(tilt * z).sum()), 0.0)
