"""Every rate is a Beta posterior shrunk to the level above it: all → channel → arm → segment → customer.

A level's prior has the mean m of the level above and is worth c successes: Beta(c, c (1 − m) / m), that is c / m
pseudo-trials, of relative variance near 1 / c whatever the rate. With S successes in an exposure of E = ΣF(age):

    α = c + S        β = c (1 − m) / m + max(E − S, 0)        mean = α / (α + β)

(DESIGN 5 "Delay": pooled α + S, β + ΣF − S.) Uncertainty is kept as variance of the logarithm, log(1 + Var / mean²),
that of the log-normal with the Beta's mean and variance; a level inherits that of its prior times the square of the
prior's weight, (c / m) / (c / m + E). Two stages: P(engaged) by arm; P(converts | engaged) by channel × device kind,
whatever the hour. Where clicks are not tracked every engagement is a conversion, and the second stage tends to 1 by
itself. Levels share data (a customer counts in the population too), as in any plug-in empirical Bayes.
"""

from collections.abc import Callable, Hashable
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from channel_selector.arms import Arm
from channel_selector.population import Population
from channel_selector.tallies import NO_TALLY, Tally, total

Floats = NDArray[np.float64]
Key = TypeVar("Key", bound=Hashable)

ENGAGED_RATE = 0.05
"""Share of messages engaged with before anything is known: e-mail clicks 5.3–9.5 %, pushes 4.2–14.4 % (CALIBRATION)."""
CONVERTED_RATE = 0.2
"""Share of the engaged that buy before anything is known: 12–20 % of clicks (Barilliance 2016)."""
CHANNEL_WORTH = 1.0
ARM_WORTH = 2.0
SEGMENT_WORTH = 8.0
CUSTOMER_WORTH = 2.0
"""Successes a level's prior is worth: relative standard deviations between its members near 1, 0.7, 0.35 and 0.7."""
LOWEST, HIGHEST = 1e-6, 0.999
"""Means are kept within as priors, where a Beta's parameters are finite and positive."""
MOST_ROWS = 100_000


class Refined(NamedTuple):
    """A level's posterior: mean, variance of its own logarithm, and that inherited from the level above."""

    mean: Floats
    own: Floats
    inherited: Floats


class Belief(NamedTuple):
    """A rate as one level hands it to the next: mean, and variance of its logarithm."""

    mean: float
    variance: float


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


def _pooled(above: Belief, worth: float, successes: int, exposure: float) -> Belief:
    counts = np.array(float(successes)), np.array(exposure)
    mean, own, inherited = refine(np.array(above.mean), np.array(above.variance), worth, *counts)
    return Belief(float(mean), float(own + inherited))


def _engaged(above: Belief, worth: float, tally: Tally) -> Belief:
    return _pooled(above, worth, tally.engaged, tally.engaged_exposure)


def _converted(above: Belief, worth: float, tally: Tally) -> Belief:
    return _pooled(above, worth, tally.converted, tally.converted_exposure)


class Priors(NamedTuple):
    """What the population says of cells, one entry a cell: means and log-variances of both stages."""

    engaged: Floats
    engaged_variance: Floats
    converted: Floats
    converted_variance: Floats


class PopulationPosterior:
    """The population's posterior for any segment and arm, computed when first asked for and kept.

    Cells are interned: `row` gives a small number, `priors` the arrays those numbers index, so that many decisions are
    worked out at once. The memory is bounded; `begin` may forget what was interned before it.
    """

    def __init__(self, population: Population) -> None:
        self._segment_arms = population.tallies
        self._segment_media = _pool(population, lambda segment, arm: (segment, arm.medium))
        self._arms = _pool(population, lambda _, arm: arm)
        self._media = _pool(population, lambda _, arm: arm.medium)
        self._channels = _pool(population, lambda _, arm: arm.channel)
        self._rows: dict[tuple[str | None, str, str, int], int] = {}
        self._table: list[tuple[float, float, float, float]] = []
        self._arrays = _columns(self._table)

    def begin(self) -> None:
        """Start a batch: rows given out before it are no longer used."""
        if len(self._table) > MOST_ROWS:
            self._rows.clear()
            self._table.clear()
            self._arrays = _columns(self._table)

    def row(self, segment: str | None, channel: str, device_kind: str, part: int) -> int:
        """Give the row in `priors` of a segment and an arm's three parts."""
        row = self._rows.get((segment, channel, device_kind, part))
        if row is None:
            row = self._rows[segment, channel, device_kind, part] = len(self._table)
            arm = Arm(channel, device_kind, part)
            self._table.append((*self._engaged(segment, arm), *self._converted(segment, arm)))
        return row

    def priors(self, rows: NDArray[np.int64]) -> Priors:
        """Give the posteriors of these rows."""
        if len(self._arrays) != len(self._table):
            self._arrays = _columns(self._table)
        return Priors(*self._arrays[rows].T)

    def tally(self, arm: Arm) -> Tally:
        """Give what all customers' messages of this arm came to."""
        return self._arms.get(arm, NO_TALLY)

    def _engaged(self, segment: str | None, arm: Arm) -> Belief:
        root = Belief(ENGAGED_RATE, 0.0)
        channel = _engaged(root, CHANNEL_WORTH, self._channels.get(arm.channel, NO_TALLY))
        everybody = _engaged(channel, ARM_WORTH, self.tally(arm))
        if segment is None:
            return everybody
        return _engaged(everybody, SEGMENT_WORTH, self._segment_arms.get((segment, arm), NO_TALLY))

    def _converted(self, segment: str | None, arm: Arm) -> Belief:
        medium = arm.medium
        root = Belief(CONVERTED_RATE, 0.0)
        channel = _converted(root, CHANNEL_WORTH, self._channels.get(arm.channel, NO_TALLY))
        everybody = _converted(channel, ARM_WORTH, self._media.get(medium, NO_TALLY))
        if segment is None:
            return everybody
        return _converted(everybody, SEGMENT_WORTH, self._segment_media.get((segment, medium), NO_TALLY))


def _pool(population: Population, key_of: Callable[[str | None, Arm], Key]) -> dict[Key, Tally]:
    """Add up the tallies of cells that have the same key."""
    groups: dict[Key, list[Tally]] = {}
    for cell, tally in population.tallies.items():
        groups.setdefault(key_of(*cell), []).append(tally)
    return {key: total(tallies) for key, tallies in groups.items()}


def _columns(table: list[tuple[float, float, float, float]]) -> Floats:
    return np.array(table, dtype=np.float64).reshape(len(table), 4)
