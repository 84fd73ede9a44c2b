"""What all customers teach about one: rates shrunk (`shrinkage`) level by level, all → channel → arm → segment.

Two stages: P(engaged) by arm; P(converts | engaged) by channel × device kind, whatever the hour. Where clicks are not
tracked every engagement is a conversion, and the second stage tends to 1 by itself. A customer's prior is the
population without that customer; the levels of the population share data, as in any plug-in empirical Bayes.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from channel_selector.arms import DAYPARTS, Arm
from channel_selector.pools import LEVELS, STAGES, Counts, Pools
from channel_selector.population import Population
from channel_selector.shrinkage import Floats, refine
from channel_selector.tallies import Cells, Tally

ENGAGED_RATE = 0.05
"""Share of messages engaged with before anything is known: e-mail clicks 5.3–9.5 %, pushes 4.2–14.4 % (CALIBRATION)."""
CONVERTED_RATE = 0.2
"""Share of the engaged that buy before anything is known: 12–20 % of clicks (Barilliance 2016)."""
CHANNEL_WORTH, ARM_WORTH, SEGMENT_WORTH = 1.0, 2.0, 8.0
CUSTOMER_WORTH = 2.0
"""Successes a level's prior is worth (`shrinkage`): its members differ by 1, 0.7, 0.35 and 0.7 times their mean."""
CUSTOMER_CONVERTED_WORTH = 8.0
"""The same for a customer's P(converts | engaged), 0.35: people differ more in what they react to."""
MOST_ROWS = 100_000


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
        self._pools = Pools(population.tallies)
        self._rows: dict[tuple[str | None, str, str, int], int] = {}
        self._forget()
        self.day = _day(population.tallies)
        """The share of all messages that each part of the day has had."""

    def begin(self) -> None:
        """Start a batch: rows given out before it are no longer used."""
        if len(self._rows) > MOST_ROWS:
            self._rows.clear()
            self._forget()

    def row(self, segment: str | None, channel: str, device_kind: str, part: int) -> int:
        """Give the row in `priors` of a segment and an arm's three parts."""
        row = self._rows.get((segment, channel, device_kind, part))
        if row is None:
            row = self._rows[segment, channel, device_kind, part] = len(self._rows)
            self._new.append(self._pools.counts(segment, Arm(channel, device_kind, part)))
            self._new_segmented.append(segment is not None)
        return row

    def priors(self, rows: NDArray[np.int64], apart: NDArray[np.int64], taught: Floats) -> Priors:
        """Give the posteriors of these rows; `taught`: what is left out of the counts of those `apart` (indices)."""
        self._work_out()
        found = self._beliefs[rows]
        if len(apart):
            kept = np.maximum(self._counts[rows[apart]] - taught, 0.0)
            found[apart] = _beliefs(kept, self._segmented[rows[apart]])
        return Priors(*found.T)

    def tally(self, arm: Arm) -> Tally:
        """Give what all customers' messages of this arm came to."""
        return self._pools.arm(arm)

    def channel(self, channel: str) -> Tally:
        """Give what all customers' messages by this channel came to."""
        return self._pools.channel(channel)

    def _forget(self) -> None:
        self._new: list[Counts] = []
        self._new_segmented: list[bool] = []
        self._counts = np.empty((0, LEVELS * STAGES * 2))
        self._segmented = np.empty(0, dtype=np.bool_)
        self._beliefs = np.empty((0, STAGES * 2))

    def _work_out(self) -> None:
        """Work out the rows added since the last time."""
        if self._new:
            counts, segmented = np.array(self._new, dtype=np.float64), np.array(self._new_segmented)
            self._counts = np.concatenate([self._counts, counts])
            self._segmented = np.concatenate([self._segmented, segmented])
            self._beliefs = np.concatenate([self._beliefs, _beliefs(counts, segmented)])
            self._new, self._new_segmented = [], []


def _beliefs(counts: Floats, segmented: NDArray[np.bool_]) -> Floats:
    """Give the columns of `Priors` from rows of `Counts`; rows not segmented stop at the arm."""
    levels = counts.reshape(-1, LEVELS, STAGES, 2)
    mean = np.broadcast_to(np.array([ENGAGED_RATE, CONVERTED_RATE]), (len(counts), STAGES))
    variance = np.zeros_like(mean)
    for level, worth in enumerate((CHANNEL_WORTH, ARM_WORTH, SEGMENT_WORTH)):
        refined = refine(mean, variance, worth, levels[:, level, :, 0], levels[:, level, :, 1])
        goes_on = segmented[:, None] | (level < LEVELS - 1)
        mean = np.where(goes_on, refined.mean, mean)
        variance = np.where(goes_on, refined.own + refined.inherited, variance)
    return np.stack([mean, variance], axis=2).reshape(-1, STAGES * 2)


def _day(cells: Cells) -> Floats:
    """Give each part of the day its share of the sends, one send in each beside those there were."""
    sends: Floats = np.ones(DAYPARTS)
    for (_, arm), tally in cells.items():
        sends[arm.daypart] += tally.sends
    sends /= sends.sum()
    return sends
