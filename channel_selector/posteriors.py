"""What all customers teach about one: P(reacts) of a typical customer by arm, and P(buys | reacts) by medium.

The first are log-odds of `Reactions`, with Laplace's covariance of their coefficients; the second Beta posteriors
(`shrinkage`) all → channel → medium → segment, whatever the hour. Where clicks are not tracked every reaction is a
purchase, and the second stage tends to 1 by itself. A customer's prior is the population without that customer.
"""

from math import fsum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from channel_selector.arms import Arm
from channel_selector.losses import Losses
from channel_selector.pools import LEVELS, Counts, Pools
from channel_selector.population import Population
from channel_selector.reactions import SPREADS, Key, arm_keys
from channel_selector.shrinkage import Floats, refine
from channel_selector.tallies import Tally
from channel_selector.tastes import sigmoid

CONVERTED_RATE = 0.2
"""Share of the engaged that buy before anything is known: 12–20 % of clicks (Barilliance 2016)."""
CHANNEL_WORTH, MEDIUM_WORTH, SEGMENT_WORTH = 1.0, 2.0, 8.0
CUSTOMER_CONVERTED_WORTH = 8.0
"""Successes a level's prior is worth (`shrinkage`): its members differ by 1, 0.7, 0.35 and 0.35 times their mean."""
MOST_ROWS = 20_000
LIGHT = 100
"""Whose messages are less than this part of all is left in the population: nobody could tell the difference."""
LEAST_CURVE, LARGEST_SHIFT = 1e-9, 10.0


class Priors(NamedTuple):
    """What the population says of cells, one entry a cell.

    log_odds, variance: of a typical customer's reaction. root: a row each; their products are the covariances.
    converted, converted_variance: mean of P(buys | reacted), and variance of its logarithm.
    """

    log_odds: Floats
    variance: Floats
    root: Floats
    converted: Floats
    converted_variance: Floats


class Left(NamedTuple):
    """A customer's part of the population: rows, reactions and exposure of each segment and arm."""

    rows: NDArray[np.int64]
    reacted: Floats
    exposure: Floats


class PopulationPosterior:
    """The population's posterior for any segment and arm, computed when first asked for and kept.

    Rows are interned: `row` gives a small number, the arrays those numbers index, so that many decisions are worked
    out at once. The memory is bounded; `begin` may forget what was interned before it.
    """

    def __init__(self, population: Population) -> None:
        self.reactions = population.reactions
        self.losses = Losses(population)
        self._pools = Pools(population.tallies)
        self._sends = sum(tally.sends for tally in population.tallies.values())
        self._columns: dict[Key, int] = {}
        self._factor = self._laplace(population)
        self._known = len(self._columns)
        self._rows: dict[tuple[str | None, str, str, int], int] = {}
        self._forget()

    def begin(self) -> None:
        """Start a batch: rows given out before it are no longer used."""
        if len(self._rows) > MOST_ROWS:
            self._rows.clear()
            self._columns = dict(list(self._columns.items())[: self._known])
            self._forget()

    def row(self, segment: str | None, channel: str, device_kind: str, part: int) -> int:
        """Give the row of a segment and an arm's three parts."""
        row = self._rows.get((segment, channel, device_kind, part))
        if row is None:
            row = self._rows[segment, channel, device_kind, part] = len(self._rows)
            arm = Arm(channel, device_kind, part)
            self._new.append(self._pools.counts(segment, arm))
            self._new_segmented.append(segment is not None)
            self._new_log_odds.append(self.reactions.log_odds(segment, arm) * self.reactions.tastes.stretch)
            keys = arm_keys(segment, arm)
            self._new_columns.append([self._columns.setdefault(key, len(self._columns)) for key in keys])
        return row

    def log_odds(self, rows: NDArray[np.int64]) -> Floats:
        """Give a typical customer's log-odds of a reaction, of these rows."""
        self._work_out()
        found: Floats = self._log_odds[rows]
        return found

    def priors(self, rows: NDArray[np.int64], apart: NDArray[np.int64], taught: Floats) -> Priors:
        """Give the posteriors of these rows; `taught`: what is left out of the counts of those `apart` (indices)."""
        self._work_out()
        found = self._beliefs[rows]
        if len(apart):
            kept = np.maximum(self._counts[rows[apart]] - taught, 0.0)
            found[apart] = _beliefs(kept, self._segmented[rows[apart]])
        return Priors(self._log_odds[rows], self._variance[rows], self._roots[rows], found[:, 0], found[:, 1])

    def without(self, left: Left, rows: NDArray[np.int64]) -> Floats:
        """Give how much less the log-odds of these rows were, had the customer's own part never been learned from.

        One step of Newton's from the mode, the customer's messages taken off (Woodbury's identity; Cook 1977): exact
        where nobody else is known, for what remains then is the prior.
        """
        self._work_out()
        stretch = self.reactions.tastes.stretch
        own = np.ascontiguousarray(self._roots[left.rows, : self._known])
        p = sigmoid(self._log_odds[left.rows] / stretch)
        curve = np.maximum(left.exposure * p * (1.0 - p), LEAST_CURVE)
        kept = np.diag(1.0 / curve) - own @ own.T / stretch**2
        values, vectors = np.linalg.eigh(kept)
        pull = vectors @ ((vectors.T @ ((left.reacted - left.exposure * p) / curve)) / np.maximum(values, LEAST_CURVE))
        others = np.ascontiguousarray(self._roots[rows, : self._known])
        result: Floats = -(others @ own.T) @ pull / stretch
        return result.clip(-LARGEST_SHIFT, LARGEST_SHIFT)

    def weight(self, taught: Tally) -> bool:
        """Tell whether a customer's part of what was learned is large enough to be left out."""
        return taught.sends * LIGHT > self._sends

    def tally(self, arm: Arm) -> Tally:
        """Give what all customers' messages of this arm came to."""
        return self._pools.arm(arm)

    def channel(self, channel: str) -> Tally:
        """Give what all customers' messages by this channel came to."""
        return self._pools.channel(channel)

    def _laplace(self, population: Population) -> Floats:
        """Give a root of the coefficients' covariance, (Xᵀ W X + prior)⁻¹, from what came of every segment and arm."""
        cells = [(arm_keys(segment, arm), tally) for (segment, arm), tally in population.tallies.items()]
        for keys, _ in cells:
            for key in keys:
                self._columns.setdefault(key, len(self._columns))
        x = np.zeros((len(cells), len(self._columns)))
        for index, (keys, _) in enumerate(cells):
            x[index, [self._columns[key] for key in keys]] = 1.0
        average = sigmoid(x @ np.array([self.reactions.of(key) for key in self._columns]))
        weight = (
            np.array([max(tally.engaged_exposure, tally.reactions) for _, tally in cells]) * average * (1 - average)
        )
        precision = np.array([SPREADS[key[0]] ** -2.0 for key in self._columns])
        lower = np.linalg.cholesky((x * weight[:, None]).T @ x + np.diag(precision))
        root: Floats = np.linalg.inv(lower).T
        return root

    def _forget(self) -> None:
        self._new: list[Counts] = []
        self._new_segmented: list[bool] = []
        self._new_log_odds: list[float] = []
        self._new_columns: list[list[int]] = []
        self._counts = np.empty((0, LEVELS * 2))
        self._segmented = np.empty(0, dtype=np.bool_)
        self._beliefs = np.empty((0, 2))
        self._log_odds = np.empty(0)
        self._variance = np.empty(0)
        self._roots = np.empty((0, self._known))

    def _work_out(self) -> None:
        """Work out the rows added since the last time."""
        if not self._new:
            return
        counts, segmented = np.array(self._new, dtype=np.float64), np.array(self._new_segmented)
        self._counts = np.concatenate([self._counts, counts])
        self._segmented = np.concatenate([self._segmented, segmented])
        self._beliefs = np.concatenate([self._beliefs, _beliefs(counts, segmented)])
        self._log_odds = np.concatenate([self._log_odds, self._new_log_odds])
        roots = self._new_roots()
        self._variance = np.concatenate([self._variance, self._new_variance(roots)])
        breadth = roots.shape[1] - self._roots.shape[1]
        self._roots = np.concatenate([np.pad(self._roots, ((0, 0), (0, breadth))), roots])
        self._new, self._new_segmented, self._new_log_odds, self._new_columns = [], [], [], []

    def _new_roots(self) -> Floats:
        """Give the rows' parts of the root: keys never seen stand apart from all others, as unsure as their prior."""
        breadth = len(self._columns)
        spread = np.zeros((breadth, breadth))
        spread[: self._known, : self._known] = self._factor
        unseen = list(self._columns.items())[self._known :]
        for key, column in unseen:
            spread[column, column] = SPREADS[key[0]]
        result: Floats = spread[np.array(self._new_columns)].sum(axis=1) * self.reactions.tastes.stretch
        return result

    def _new_variance(self, roots: Floats) -> Floats:
        """Give the rows' variances, in sums that do not depend on which other rows there are."""
        known = np.ascontiguousarray(roots[:, : self._known])
        unseen = [fsum(value * value for value in row if value) for row in roots[:, self._known :].tolist()]
        result: Floats = np.einsum("ij,ij->i", known, known) + unseen
        return result


def _beliefs(counts: Floats, segmented: NDArray[np.bool_]) -> Floats:
    """Give mean and log-variance of P(buys | reacted) from rows of `Counts`; rows not segmented stop at the medium."""
    levels = counts.reshape(-1, LEVELS, 2)
    mean, variance = np.full(len(counts), CONVERTED_RATE), np.zeros(len(counts))
    for level, worth in enumerate((CHANNEL_WORTH, MEDIUM_WORTH, SEGMENT_WORTH)):
        refined = refine(mean, variance, worth, levels[:, level, 0], levels[:, level, 1])
        goes_on = segmented | (level < LEVELS - 1)
        mean = np.where(goes_on, refined.mean, mean)
        variance = np.where(goes_on, refined.own + refined.inherited, variance)
    return np.stack([mean, variance], axis=1)
