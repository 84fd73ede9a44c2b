"""What each cell of a batch comes to: a conversion's probability, population first, then the customer's own."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from channel_selector.batches import Batch
from channel_selector.model.posteriors import CUSTOMER_CONVERTED_WORTH, PopulationPosterior
from channel_selector.model.shrinkage import refine_customer
from channel_selector.settings import SelectorSettings

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

LINES = 9
PROBABILITY, EXPLORED, TRIED, BELIEVED, HELD, SLOPE, CONVERTING, VALUE, SHARE = range(LINES)
BEST, EXPLORING, UNSENT = range(3)
"""Why a choice is what it is: the highest value of all, not that, or nothing since all values are negative."""
_NONE_MET = np.empty((0, 4))


class Estimates(NamedTuple):
    """What is found of each cell of a batch, `LINES` × cells, and of each request's sending nothing.

    PROBABILITY: of a conversion. EXPLORED and TRIED, BELIEVED and HELD: location and spread of its logarithm. SLOPE and
    CONVERTING: of its doubt, what the first stage is multiplied by and the variance explored of the second. VALUE:
    probability × what a conversion brings − what a send costs. SHARE: how likely the cell is to be worth the most, as
    `nothing` is of sending none; 0 where shares were not asked for.
    """

    found: Floats
    nothing: Floats


Weighing = Callable[[], Estimates]
"""Gives the estimates of a batch, in any thread: it reads arrays that nobody changes."""


def estimate(batch: Batch, posterior: PopulationPosterior, settings: SelectorSettings, *, shares: bool) -> Weighing:
    """Prepare to give every cell's conversion probability and value, and with `shares` how likely each is the best.

    What is given back does it. O(cells) and, for shares, O(n² × 1024 + n × 8,192) for each request with n cells that
    compete (`compiled.points`).
    """
    from channel_selector.compiled import deciding, points  # noqa: PLC0415 - loads numba: see there

    met = _met(batch, posterior) if len(batch.met) or len(batch.apart) else _NONE_MET
    worth, seen = _left_out(batch, posterior) if batch.left else (batch.worth, batch.seen)
    typical = posterior.typical
    return partial(
        _found,
        deciding.decide,
        batch.cell_starts,
        batch.spot_starts,
        batch.cells,
        worth,
        batch.asked,
        batch.spots,
        seen,
        met,
        typical.rates,
        typical.names,
        typical.roots,
        posterior.variances,
        points.points(),
        posterior.reactions.hours(settings.activity_weight) * posterior.stretch,
        settings.customer_exploration**2,
        settings.population_exploration**2,
        settings.do_not_send,
        shares,
    )


def _found(decide: Callable[..., tuple[Floats, Floats]], *arguments: object) -> Estimates:
    return Estimates(*decide(*arguments))


def _met(batch: Batch, posterior: PopulationPosterior) -> Floats:
    """Give the cells in which purchases are not as likely as in all of their row, each with its `Converted.met`."""
    # Each is in order already; alone it need not be joined.
    cells = batch.met if len(batch.met) else batch.apart
    if len(batch.met) and len(batch.apart):
        cells = np.union1d(batch.met, batch.apart)
    converted = posterior.converted(batch.cells[0, cells], np.searchsorted(cells, batch.apart), batch.taught)
    if len(batch.met):
        own = np.searchsorted(cells, batch.met)
        refined = refine_customer(
            converted.mean[own], converted.variance[own], CUSTOMER_CONVERTED_WORTH, *batch.converted
        )
        converted.met[own] = np.stack(refined, axis=1)
    return np.column_stack([cells, converted.met])


def _left_out(batch: Batch, posterior: PopulationPosterior) -> tuple[Floats, Floats]:
    """Give `worth` and `seen` with what is added to log-odds for leaving customers out of the population."""
    worth, seen = batch.worth.copy(), batch.seen.copy()
    for request, left in batch.left:
        for added, rows, starts in (
            (worth[1], batch.cells[0], batch.cell_starts),
            (seen[2], batch.spots[0], batch.spot_starts),
        ):
            mine = slice(starts[request], starts[request + 1])
            added[mine] += posterior.without(left, rows[mine])
    return worth, seen
