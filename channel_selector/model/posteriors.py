"""What all customers teach about one: P(reacts) of a typical customer by arm, and P(buys | reacts) by medium.

The first are log-odds of `Reactions`, with Laplace's covariance of their coefficients; the second Beta posteriors
(`shrinkage`) all → channel → medium → segment, whatever the hour. Where clicks are not tracked every reaction is a
purchase, and the second stage tends to 1 by itself. A customer's prior is the population without that customer.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from channel_selector.eligibility.arms import Arm, daypart
from channel_selector.model.losses import Losses
from channel_selector.model.pools import LEVELS, Counts, Pools
from channel_selector.model.population import Population
from channel_selector.model.reactions import ARM_FAMILIES, SPREADS, WAITS, Key, Occasion, Reactions, arm_keys
from channel_selector.model.shrinkage import Floats, refine, refine_customer
from channel_selector.model.tastes import sigmoid
from channel_selector.reasons import Evidence

CONVERTED_RATE = 0.2
"""Share of the engaged that buy before anything is known: 12–20 % of clicks (Barilliance 2016)."""
CHANNEL_WORTH, MEDIUM_WORTH, SEGMENT_WORTH = 1.0, 2.0, 8.0
CUSTOMER_CONVERTED_WORTH = 8.0
"""Successes a level's prior is worth (`shrinkage`): its members differ by 1, 0.7, 0.35 and 0.35 times their mean."""
MOST_ROWS = 20_000
LIGHT = 100
"""Whose messages are less than this part of all is left in the population: nobody could tell the difference."""
LEAST_CURVE, LARGEST_SHIFT = 1e-9, 10.0


class Typical(NamedTuple):
    """What is known of a typical customer, an entry a row of the population.

    rates, rows × 5: mean and variance of the log-odds of a reaction; `Converted.met`. Of two rows the log-odds covary
    by the product of theirs of `roots` and, for each of an arm's keys never learned from that they share, by its
    variance (`PopulationPosterior.variances`). names, rows × 10: numbers, equal for what is equal, of channel, device
    kind, part of the day and arm, then of the arm's keys (−1: learned from).
    """

    rates: Floats
    roots: Floats
    names: NDArray[np.int64]


class Converted(NamedTuple):
    """P(buys | reacted) of cells, an entry a cell: its mean and the variance of its logarithm.

    met: the same for one customer of whom no conversion is known: mean, variance of the customer's own, variance of the
    population's.
    """

    mean: Floats
    variance: Floats
    met: Floats


class Left(NamedTuple):
    """A customer's part of the population: rows, reactions and exposure of each segment and arm."""

    rows: NDArray[np.int64]
    reacted: Floats
    exposure: Floats


class RowsByHour(dict[tuple[str, str, int], int]):
    """The rows of one segment by channel, device kind and local hour, each looked for when first asked for."""

    def __init__(self, posterior: "PopulationPosterior", segment: str | None) -> None:
        super().__init__()
        self._posterior = posterior
        self._segment = segment

    def __missing__(self, key: tuple[str, str, int]) -> int:
        """Give the row of a message never asked for before."""
        channel, device_kind, local_hour = key
        row = self[key] = self._posterior.row(self._segment, channel, device_kind, daypart(local_hour))
        return row


OccasionKey = tuple[int | None, int | None, str | None, int]
"""Bin of the time since the cart was left, weekday, variant and recent messages."""


class Occasions(dict[OccasionKey, float]):
    """What occasions add to a typical customer's log-odds, each worked out when first asked for."""

    def __init__(self, reactions: Reactions) -> None:
        super().__init__()
        self._reactions = reactions
        self._stretch = reactions.tastes.stretch

    def __missing__(self, key: OccasionKey) -> float:
        """Work it out; of a bin any time in it tells."""
        waited, weekday, variant, recent = key
        hours = None if waited is None else (0.0, *WAITS)[waited]
        occasion = Occasion(waited=hours, weekday=weekday, variant=variant, recent=recent)
        found = self[key] = self._reactions.occasion(occasion) * self._stretch
        return found


class PopulationPosterior:
    """The population's posterior for any segment and arm, computed when first asked for and kept.

    Rows are interned: `row` gives a small number, the arrays those numbers index, so that many decisions are worked
    out at once. The memory is bounded; `begin` may forget what was interned before it.
    """

    def __init__(self, population: Population) -> None:
        self.reactions = population.reactions
        self.stretch = population.reactions.tastes.stretch
        self.occasions = Occasions(population.reactions)
        fresh = [(SPREADS[family] * self.stretch) ** 2 for family in ARM_FAMILIES]
        self.variances = np.array([*population.reactions.tastes, *fresh])
        self.losses = Losses(population)
        self._pools = Pools(population.tallies)
        self._sends = sum(tally.sends for tally in population.tallies.values())
        self._columns: dict[Key, int] = {}
        self._factor = self._laplace(population)
        self._known = len(self._columns)
        self._forget()

    def begin(self) -> None:
        """Start a batch: rows given out before it are no longer used."""
        if len(self.occasions) > MOST_ROWS:
            self.occasions.clear()
        if len(self._rows) > MOST_ROWS:
            self._columns = dict(list(self._columns.items())[: self._known])
            self._forget()

    def rows(self, segment: str | None) -> RowsByHour:
        """Give a segment's rows by channel, device kind and local hour."""
        found = self._by_hour.get(segment)
        if found is None:
            found = self._by_hour[segment] = RowsByHour(self, segment)
        return found

    def row(self, segment: str | None, channel: str, device_kind: str, part: int) -> int:
        """Give the row of a segment and an arm's three parts."""
        row = self._rows.get((segment, channel, device_kind, part))
        if row is None:
            row = self._rows[segment, channel, device_kind, part] = len(self._rows)
            arm = Arm(channel, device_kind, part)
            self._evidence.append(Evidence(self._pools.arm(arm), self._pools.channel(channel)))
            self._new.append(self._pools.counts(segment, arm))
            self._new_segmented.append(segment is not None)
            self._new_log_odds.append(self.reactions.log_odds(segment, arm) * self.stretch)
            keys = arm_keys(segment, arm)
            self._new_columns.append([self._columns.setdefault(key, len(self._columns)) for key in keys])
            number = self._names.setdefault
            self._new_keys.append(
                (
                    number(channel, len(self._names)),
                    number(device_kind, len(self._names)),
                    part,
                    number(arm, len(self._names)),
                )
            )
        return row

    @property
    def typical(self) -> Typical:
        """What is known of every row there is by now."""
        self._work_out()
        return Typical(self._rates, self._roots, self._numbers)

    def log_odds(self, rows: NDArray[np.int64]) -> Floats:
        """Give a typical customer's log-odds of a reaction, of these rows."""
        found: Floats = self.typical.rates[rows, 0]
        return found

    def converted(self, rows: NDArray[np.int64], apart: NDArray[np.int64], taught: Floats) -> Converted:
        """Give P(buys | reacted) of these rows; `taught`: what is left out of the counts of those `apart` (indices)."""
        self._work_out()
        found, met = self._beliefs[rows], self._rates[rows, 2:]
        if len(apart):
            kept = np.maximum(self._counts[rows[apart]] - taught, 0.0)
            found[apart] = _beliefs(kept, self._segmented[rows[apart]])
            met[apart] = _met(found[apart])
        return Converted(found[:, 0], found[:, 1], met)

    def without(self, left: Left, rows: NDArray[np.int64]) -> Floats:
        """Give how much less the log-odds of these rows were, had the customer's own part never been learned from.

        One step of Newton's from the mode, the customer's messages taken off (Woodbury's identity; Cook 1977): exact
        where nobody else is known, for what remains then is the prior.
        """
        self._work_out()
        stretch = self.stretch
        own = self._roots[left.rows]
        p = sigmoid(self._rates[left.rows, 0] / stretch)
        curve = np.maximum(left.exposure * p * (1.0 - p), LEAST_CURVE)
        kept = np.diag(1.0 / curve) - own @ own.T / stretch**2
        values, vectors = np.linalg.eigh(kept)
        pull = vectors @ ((vectors.T @ ((left.reacted - left.exposure * p) / curve)) / np.maximum(values, LEAST_CURVE))
        result: Floats = -(self._roots[rows] @ own.T) @ pull / stretch
        return result.clip(-LARGEST_SHIFT, LARGEST_SHIFT)

    def weighs(self, sends: int) -> bool:
        """Tell whether so many of a customer's messages are a large enough part of all to be left out."""
        return sends * LIGHT > self._sends

    @property
    def evidence(self) -> Sequence[Evidence]:
        """Of every row, what all customers' messages of its arm, in whatever segment, came to, and all by its channel.

        Whoever holds it may go on using it for rows given out before the next `begin`.
        """
        return self._evidence

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
        self._rows: dict[tuple[str | None, str, str, int], int] = {}
        self._by_hour: dict[str | None, RowsByHour] = {}
        self._names: dict[str | Arm, int] = {}
        self._evidence: list[Evidence] = []
        self._new: list[Counts] = []
        self._new_segmented: list[bool] = []
        self._new_log_odds: list[float] = []
        self._new_columns: list[list[int]] = []
        self._new_keys: list[tuple[int, int, int, int]] = []
        self._counts = np.empty((0, LEVELS * 2))
        self._segmented = np.empty(0, dtype=np.bool_)
        self._beliefs = np.empty((0, 2))
        self._rates = np.empty((0, 5))
        self._roots = np.empty((0, self._known))
        self._numbers = np.empty((0, 4 + len(ARM_FAMILIES)), dtype=np.int64)

    def _work_out(self) -> None:
        """Work out the rows added since the last time."""
        if not self._new:
            return
        counts, segmented = np.array(self._new, dtype=np.float64), np.array(self._new_segmented)
        beliefs, columns = _beliefs(counts, segmented), np.array(self._new_columns)
        learned = columns < self._known
        roots = self._new_roots(np.where(learned, columns, self._known))
        fresh = self.variances[-len(ARM_FAMILIES) :]
        variance = np.einsum("ij,ij->i", roots, roots) + np.where(learned, 0.0, fresh).sum(axis=1)
        rates = np.column_stack([self._new_log_odds, variance, _met(beliefs)])
        numbers = np.column_stack([np.array(self._new_keys, dtype=np.int64), np.where(learned, -1, columns)])
        self._counts = np.concatenate([self._counts, counts])
        self._segmented = np.concatenate([self._segmented, segmented])
        self._beliefs = np.concatenate([self._beliefs, beliefs])
        self._rates = np.concatenate([self._rates, rates])
        self._roots = np.ascontiguousarray(np.concatenate([self._roots, roots]))
        self._numbers = np.ascontiguousarray(np.concatenate([self._numbers, numbers]))
        self._new, self._new_segmented, self._new_log_odds, self._new_columns, self._new_keys = [], [], [], [], []

    def _new_roots(self, columns: NDArray[np.int64]) -> Floats:
        """Give the rows' parts of the root; a column past the last stands for a key never learned from."""
        padded = np.concatenate([self._factor, np.zeros((1, self._known))])
        result: Floats = padded[columns].sum(axis=1) * self.stretch
        return result


def _met(beliefs: Floats) -> Floats:
    """Give `Converted.met` from means and variances of P(buys | reacted)."""
    nothing = np.zeros(len(beliefs))
    one = refine_customer(beliefs[:, 0], beliefs[:, 1], CUSTOMER_CONVERTED_WORTH, nothing, nothing)
    return np.stack(one, axis=1)


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
