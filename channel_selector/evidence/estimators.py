"""What would a candidate policy have earned on a log that another drew? Each answer is the root of Σ_t z_t(v) = 0.

Letters as in the papers: r_t reward, w_t = π_e(a_t|x_t) / π_t(a_t|x_t), q̂_t the reward model fitted before round t
(`reward_models`), Γ̂_t = Σ_a π_e(a|x_t) q̂_t(x_t, a) + w_t (r_t − q̂_t(x_t, a_t)).

- IPS: z = w r − v (Horvitz and Thompson, JASA 1952).
- SNIPS: z = w (r − v) (Swaminathan and Joachims, "The self-normalized estimator", NeurIPS 2015, §4).
- DR: z = h (Γ̂ − v), Γ̂ from Dudík, Langford and Li, "Doubly robust policy evaluation and learning", ICML 2011, §3; h
  from `stabilising`, alike for a log of one unchanging policy.
- Switch-DR: Γ̂ corrected only where w ≤ τ (Wang, Agarwal and Dudík, "Optimal and adaptive off-policy evaluation in
  contextual bandits", ICML 2017, §4), τ least in their estimate of variance + bias². Its interval knows no bias.
"""

import numpy as np

from channel_selector.evidence.estimates import Estimate, Estimator, Kind, effective_sample_size
from channel_selector.evidence.likelihood_intervals import Equation, likelihood_interval
from channel_selector.evidence.reward_models import Predicted
from channel_selector.evidence.rounds import Floats, Ints, Menus, Rounds
from channel_selector.evidence.stabilising import stabilising_weights

THRESHOLDS = tuple(2.0**power for power in range(21))
"""What τ is chosen from, beside no threshold at all."""

USUAL = 0.99
"""What share of the candidate's choices has the weights that intervals reckon with."""

Bounds = tuple[float, float]


def ips(rounds: Rounds, bounds: Bounds) -> Estimate:
    """Give the mean of w r; `bounds`: the lowest and the highest reward there can be. O(n)."""
    w = rounds.weights
    heaviest = _heaviest(rounds)
    low, high = min(heaviest * bounds[0], 0.0), max(heaviest * bounds[1], 0.0)
    equation = Equation(w * rounds.rewards, np.ones(len(rounds)), ((low, 1.0), (high, 1.0)))
    return _estimate(Estimator.IPS, equation, w)


def snips(rounds: Rounds, bounds: Bounds) -> Estimate:
    """Give Σ w r / Σ w; ValueError where the candidate would have drawn none of the log's actions. O(n)."""
    w = rounds.weights
    if not w.any():
        raise ValueError("the candidate would have drawn none of the log's actions")
    heaviest = _heaviest(rounds)
    extremes = (heaviest * bounds[0], heaviest), (heaviest * bounds[1], heaviest)
    return _estimate(Estimator.SNIPS, Equation(w * rounds.rewards, w, extremes), w)


def dr(predicted: Predicted, bounds: Bounds) -> Estimate:
    """Give Σ h Γ̂ / Σ h. O(entries)."""
    h = stabilising_weights(predicted.rounds)
    equation = _corrected(predicted, bounds, h, np.inf)
    return _estimate(Estimator.DR, equation, h * predicted.rounds.weights)


def switch_dr(predicted: Predicted, bounds: Bounds) -> Estimate:
    """Give the mean of Γ̂, the model alone where w > τ. O(entries + 21 n)."""
    w = predicted.rounds.weights
    tau = _threshold(predicted, bounds)
    equation = _corrected(predicted, bounds, np.ones(len(w)), tau)
    return _estimate(Estimator.SWITCH_DR, equation, np.where(w <= tau, w, 0.0))


def _estimate(estimator: Estimator, equation: Equation, weights: Floats) -> Estimate:
    return Estimate(
        estimator=estimator,
        value=equation.root,
        interval=likelihood_interval(equation),
        kind=Kind.ASYMPTOTIC,
        effective_sample_size=effective_sample_size(weights),
    )


def _corrected(predicted: Predicted, bounds: Bounds, h: Floats, tau: float) -> Equation:
    """Give z = h (Γ̂ − v) with corrections where w ≤ τ, and the ends of what z can be."""
    rounds, menus, q = predicted
    w = np.where(rounds.weights <= tau, rounds.weights, 0.0)
    direct = predicted.direct
    gamma = direct + w * (rounds.rewards - q[menus.logged])
    entries, owners, weights = _possible(rounds, menus)
    weights = np.where(weights <= tau, weights, 0.0)
    center = float((h * gamma).sum() / h.sum())
    ends = []
    for bound, pick in zip(bounds, (np.argmin, np.argmax), strict=True):
        reached = direct[owners] + weights * (bound - q[entries])
        place = pick(h[owners] * (reached - center))
        ends.append((float((h[owners] * reached)[place]), float(h[owners][place])))
    return Equation(h * gamma, h, (ends[0], ends[1]))


def _threshold(predicted: Predicted, bounds: Bounds) -> float:
    """Choose τ by the estimated error: the variance of the mean, and the bias if the rewards left out were extreme."""
    rounds, menus, q = predicted
    w, direct = rounds.weights, predicted.direct
    corrections = w * (rounds.rewards - q[menus.logged])
    errors: dict[float, float] = {}
    for tau in (np.inf, *(tau for tau in THRESHOLDS if tau < w.max())):
        gamma = direct + np.where(w <= tau, corrections, 0.0)
        bias = float(w[w > tau].sum()) / len(w) * (bounds[1] - bounds[0])
        errors[tau] = float(gamma.var()) / len(w) + bias**2
    return min(errors, key=lambda tau: errors[tau])


def _heaviest(rounds: Rounds) -> float:
    """Give the largest weight that could have come up, as `_possible` counts."""
    if rounds.menus is None:
        return float(rounds.weights.max())
    return float(_possible(rounds, rounds.menus)[2].max())


def _possible(rounds: Rounds, menus: Menus) -> tuple[Ints, Ints, Floats]:
    """Give the entries that could have been drawn, their rounds and weights; the drawn alone where the log lacks π.

    Weights so large that but 1 % of the candidate's choices have them are left out: in a few rounds they could come up,
    but the ends of z speak for every round.
    """
    if menus.logging is None:
        return menus.logged, np.arange(len(rounds)), rounds.weights
    entries = np.flatnonzero(menus.logging > 0.0)
    weights = menus.candidate[entries] / menus.logging[entries]
    order = np.argsort(weights)
    mass = np.cumsum(menus.candidate[entries][order])
    usual = weights <= weights[order][np.searchsorted(mass, USUAL * mass[-1])]
    return entries[usual], menus.owners[entries[usual]], weights[usual]
