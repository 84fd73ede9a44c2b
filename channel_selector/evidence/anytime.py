"""An anytime interval holds however often one looks at a growing log, and whatever policy learned on it meanwhile.

Rewards are brought to [0, 1]. The lower end bets on terms φ with mean V at most and floor −k (`betting`), the upper
end on those of 1 − r. IPS: φ = w r, k = 0. DR: φ = Σ_a π_e(a) (q̂(a) ∧ k/w(a)) + w (r − q̂ ∧ k/w), k settled before
the round; the cut keeps φ ≥ −k and changes no mean (Waudby-Smith et al. 2022, §2.2). An action that the logging policy
never draws counts as reward 0 in the lower end, 1 in the upper: the interval stays right where the log gives no
support.
"""

import numpy as np

from channel_selector.evidence.betting import lower_bound
from channel_selector.evidence.estimates import Estimate, Estimator, Kind, effective_sample_size
from channel_selector.evidence.reward_models import Predicted, forward_blocks
from channel_selector.evidence.rounds import Floats, Rounds

ALPHA = 0.05
USUAL = 0.9
"""k covers the largest weights of nine in ten rounds before: a few extreme ones must not make all bets small."""
HEADROOM = 2.0
"""k covers expectations up to twice the mean reward before."""

Bounds = tuple[float, float]


def ips_anytime(rounds: Rounds, bounds: Bounds) -> Estimate:
    """Give IPS with an anytime-valid interval; `bounds`: what no reward lies beyond. O(n)."""
    low, span = bounds[0], bounds[1] - bounds[0]
    w, r = rounds.weights, (rounds.rewards - low) / span
    floors = np.zeros(len(rounds))
    ends = _end(w * r, floors), 1.0 - _end(w * (1.0 - r), floors)
    value = float((w * r).mean())
    return _estimate(Estimator.IPS_ANYTIME, value, ends, bounds, w)


def dr_anytime(predicted: Predicted, bounds: Bounds) -> Estimate:
    """Give DR with an anytime-valid interval; ValueError without the logging policy's probabilities. O(entries).

    In the first 64 rounds nothing is bet, for k is not known yet: the interval of a shorter log is all of the bounds.
    """
    rounds, menus, _ = predicted
    if menus.logging is None:
        raise ValueError("the log does not hold the logging policy's probabilities")
    low, span = bounds[0], bounds[1] - bounds[0]
    r, q = (rounds.rewards - low) / span, ((predicted.q - low) / span).clip(0.0, 1.0)
    lower = _end(*_terms(predicted._replace(q=q), menus.logging, r))
    upper = 1.0 - _end(*_terms(predicted._replace(q=1.0 - q), menus.logging, 1.0 - r))
    value = float((menus.totals(menus.candidate * q) + rounds.weights * (r - q[menus.logged])).mean())
    return _estimate(Estimator.DR_ANYTIME, value, (lower, upper), bounds, rounds.weights)


def _end(terms: Floats, floors: Floats) -> float:
    return lower_bound(terms, floors, alpha=ALPHA / 2.0, low=0.0, high=1.0)


def _estimate(
    estimator: Estimator, value: float, ends: tuple[float, float], bounds: Bounds, weights: Floats
) -> Estimate:
    low, span = bounds[0], bounds[1] - bounds[0]
    lower, upper = sorted(ends)
    return Estimate(
        estimator=estimator,
        value=low + span * value,
        interval=(low + span * lower, low + span * upper),
        kind=Kind.ANYTIME,
        effective_sample_size=effective_sample_size(weights),
    )


def _terms(predicted: Predicted, logging: Floats, r: Floats) -> tuple[Floats, Floats]:
    """Give φ and k of each round; k infinite in the first block."""
    rounds, menus, q = predicted
    ratios = np.divide(menus.candidate, logging, out=np.zeros_like(q), where=logging > 0.0)
    k = _floors(menus.highest(ratios), r)
    reach = np.where(np.isfinite(k), k, 0.0)
    model = menus.totals(np.minimum(menus.candidate * q, reach[menus.owners] * logging))
    w = rounds.weights
    corrections = w * r - np.minimum(w * q[menus.logged], reach)
    return model + corrections, k


def _floors(highest: Floats, r: Floats) -> Floats:
    """Give k for each round, settled before its block: usual largest weights × usual rewards."""
    floors = np.full(len(highest), np.inf)
    for start, end in forward_blocks(len(highest)):
        if start > 0:
            expected = HEADROOM * (float(r[:start].sum()) + 1.0) / (start + 1.0)
            floors[start:end] = min(expected, 1.0) * np.quantile(highest[:start], USUAL, method="higher")
    return floors
