"""Every rate is a Beta posterior shrunk to the level above it, and shrunk less where that is plainly not like it.

A level's prior has the mean m of the level above and is worth c successes: Beta(c, c (1 − m) / m), that is c / m
pseudo-trials, of relative variance near 1 / c whatever the rate. With S successes in an exposure of E = ΣF(age):

    α = c + S        β = c (1 − m) / m + max(E − S, 0)        mean = α / (α + β)

(DESIGN 5 "Delay": pooled α + S, β + ΣF − S.) Uncertainty is kept as variance of the logarithm, log(1 + Var / mean²),
that of the log-normal with the Beta's mean and variance; a level inherits that of its prior times the square of the
prior's weight, (c / m) / (c / m + E).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LOWEST, HIGHEST = 1e-6, 0.999
"""Means are kept within as priors, where a Beta's parameters are finite and positive."""
ODD_SHARE, ODD_WORTH = 0.01, 0.05
"""One customer in a hundred is taken as unlike the others: their prior is worth a twentieth of the others'."""
LARGEST_ODDS = 500.0


class Refined(NamedTuple):
    """A level's posterior: mean, variance of its own logarithm, and that inherited from the level above."""

    mean: Floats
    own: Floats
    inherited: Floats


def refine(mean: Floats, variance: Floats, worth: Floats | float, successes: Floats, exposure: Floats) -> Refined:
    """Give a level's posterior from the mean and variance of the level above and its own counts (formulas above).

    Everything is elementwise; worth > 0; successes and exposure ≥ 0; the variance is of the logarithm.
    """
    prior = np.minimum(np.maximum(mean, LOWEST), HIGHEST)
    alpha = worth + successes
    beta = worth * (1.0 - prior) / prior + np.maximum(exposure - successes, 0.0)
    trials = worth / prior
    weight = trials / (trials + exposure)
    own = np.log1p(beta / (alpha * (alpha + beta + 1.0)))
    return Refined(alpha / (alpha + beta), own, weight * weight * variance)


def refine_customer(
    mean: Floats, variance: Floats, worth: Floats | float, successes: Floats, exposure: Floats
) -> Refined:
    """Give a customer's posterior: `refine` under a prior that a few are unlike the others, weighed by what was seen.

    p(θ) = (1 − ε) Beta(c, ·) + ε Beta(c / 20, ·), both of mean m (ε-contamination: Berger and Berliner, Annals of
    Statistics 14, 1986). A single success moves no weight; whoever reacts every time soon counts for themselves.
    """
    like = refine(mean, variance, worth, successes, exposure)
    odd = refine(mean, variance, worth * ODD_WORTH, successes, exposure)
    weight = _oddness(mean, worth, successes, exposure)
    mixed = (1.0 - weight) * like.mean + weight * odd.mean
    square = (1.0 - weight) * like.mean**2 * np.exp(like.own) + weight * odd.mean**2 * np.exp(odd.own)
    own = np.maximum(np.log(square / mixed**2), 0.0)
    return Refined(mixed, own, (1.0 - weight) * like.inherited + weight * odd.inherited)


def _oddness(mean: Floats, worth: Floats | float, successes: Floats, exposure: Floats) -> Floats:
    """Give the probability to be unlike the others, from the counts; ODD_SHARE where there are none."""
    weight = np.full(np.shape(mean), ODD_SHARE)
    seen = np.asarray(successes + exposure > 0.0)
    if seen.any():
        prior, worth = mean[seen], np.broadcast_to(worth, weight.shape)[seen]
        counts = successes[seen], exposure[seen]
        gained = _log_evidence(prior, worth * ODD_WORTH, *counts) - _log_evidence(prior, worth, *counts)
        odds = ODD_SHARE / (1.0 - ODD_SHARE) * np.exp(np.clip(gained, -LARGEST_ODDS, LARGEST_ODDS))
        weight[seen] = odds / (1.0 + odds)
    return weight


def _log_evidence(mean: Floats, worth: Floats, successes: Floats, exposure: Floats) -> Floats:
    """Give ln B(α, β) / B(α₀, β₀): how likely the counts were under a prior, but for a factor that all priors share."""
    prior = np.minimum(np.maximum(mean, LOWEST), HIGHEST)
    alpha, beta = worth, worth * (1.0 - prior) / prior
    failures = np.maximum(exposure - successes, 0.0)
    parts = (alpha + successes, beta + failures, alpha + beta, alpha, beta, alpha + beta + successes + failures)
    gamma = log_gamma(np.stack(parts))
    evidence: Floats = gamma[0] + gamma[1] + gamma[2] - gamma[3] - gamma[4] - gamma[5]
    return evidence


def log_gamma(x: Floats) -> Floats:
    """Give ln Γ(x) of x > 0, elementwise: Stirling's series seven steps up; error below 1e-9 × max(1, |ln Γ(x)|)."""
    up = x + 7.0
    steps = x * (x + 1.0) * (x + 2.0) * (x + 3.0) * (x + 4.0) * (x + 5.0) * (x + 6.0)
    series = 1.0 / (12.0 * up) - 1.0 / (360.0 * up**3) + 1.0 / (1260.0 * up**5)
    result: Floats = (up - 0.5) * np.log(up) - up + 0.5 * np.log(2.0 * np.pi) + series - np.log(steps)
    return result
