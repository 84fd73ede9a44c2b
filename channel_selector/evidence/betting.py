"""Whoever bets on a mean being higher than it is must not grow rich, however often and whenever the purse is looked at.

Terms φ_t ≥ −k_t, each with mean μ at most given all before it. For a value v ≥ μ the purse W(v) = mean over j of Π_t
(1 + c_j (φ_t − v) / (v + k_t)), 0 < c_j < 1, is a martingale that is never negative, or falls, so that W(v) ≥ 1/α ever
happens with probability α at most (Ville). The lower bound is the least v with W(v) < 1/α: Waudby-Smith, Wu, Ramdas,
Karampatziakis and Mineiro, "Anytime-valid off-policy inference for contextual bandits" (2022), §2; the mean over bets
is the mixture of Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting" (JRSS B 2024), §4.
"""

from math import log

import numpy as np
from numpy.typing import NDArray

from channel_selector.evidence.crossings import crossing

Floats = NDArray[np.float64]

BETS: Floats = 2.0 ** -np.arange(1.0, 15.0)
"""c_j: the best stake after n rounds is of the order 1/√n, so that these serve up to some 10⁸."""
TOGETHER = 8
"""Factors multiplied before a logarithm is taken: it is slow, and eight factors neither vanish nor overflow."""
SMALLEST = 1e-12


def lower_bound(terms: Floats, floors: Floats, *, alpha: float, low: float, high: float) -> float:
    """Give a bound in [low, high] that the mean is below with probability α at most, at whatever time it is asked for.

    terms, floors (n,): φ_t ≥ −k_t, k_t known before φ_t; infinite: nothing is bet on that round. low + k_t ≥ 0. Gives
    `low` where nothing was bet. O(n × 14) for each of some ten passes.
    """
    played = np.isfinite(floors)
    terms, floors = terms[played], floors[played]
    if not len(terms):
        return low

    def excess(value: float) -> float:
        return _purse(terms + floors, value + floors) + log(alpha)

    mean = min(max(float(terms.mean()), low), high)
    start = mean if excess(mean) < 0.0 else high
    if excess(start) >= 0.0:
        return high
    step = max(3.0 * float(terms.std()) / len(terms) ** 0.5, (high - low) / len(terms))
    return crossing(excess, start, step, low)


def _purse(above: Floats, reach: Floats) -> float:
    """Give log W, of φ + k and v + k."""
    odds = np.zeros(-(-len(above) // TOGETHER) * TOGETHER)
    odds[: len(above)] = above / np.maximum(reach, SMALLEST) - 1.0
    together = odds.reshape(TOGETHER, -1)
    purses = np.array([np.log((1.0 + bet * together).prod(axis=0)).sum() for bet in BETS])
    richest = float(purses.max())
    return richest + float(np.log(np.exp(purses - richest).mean()))
