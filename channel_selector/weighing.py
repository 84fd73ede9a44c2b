"""What each cell of a batch comes to: a conversion's probability, population first, then the customer's own."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from channel_selector.batches import Batch
from channel_selector.model.posteriors import CUSTOMER_CONVERTED_WORTH, PopulationPosterior
from channel_selector.model.shrinkage import refine_customer
from channel_selector.settings import SelectorSettings

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

NORMAL_95 = 1.959963984540054


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """How the cells of decisions go together: what of their doubt is shared, in the words of `compiled.deciding`.

    `roots`, `fresh`: of every row of the population (`posteriors.Typical`), not of every cell.
    """

    cell_keys: Indices
    slope: Floats
    converting: Floats
    roots: Floats
    fresh: Indices
    learned: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimates:
    """The conversion probability of each cell: mean; location and spread of its log as explored and as believed."""

    probability: Floats
    explored_location: Floats
    explored_spread: Floats
    believed_location: Floats
    believed_spread: Floats
    known: Known
    posterior: PopulationPosterior
    settings: SelectorSettings

    def log_covariance(self, batch: Batch, request: int) -> Floats:
        """Give the covariances of the explored logarithms of a request's cells, all of them."""
        from channel_selector.compiled import deciding  # noqa: PLC0415 - loads numba: see there

        known, settings = self.known, self.settings
        cells = slice(*batch.cell_starts[request : request + 2].tolist())
        mine = slice(*batch.known_starts[request : request + 2].tolist())
        found: Floats = deciding.log_covariance(
            known.cell_keys[cells],
            known.slope[cells],
            known.converting[cells],
            known.roots[batch.cell_row[cells]],
            known.fresh[batch.cell_row[cells]],
            known.learned[mine].reshape(cells.stop - cells.start, -1),
            self.posterior.fresh_variances,
            self.posterior.tastes,
            settings.customer_exploration**2,
            settings.population_exploration**2,
        )
        return found + np.tril(found, -1).T

    def best_shares(self, batch: Batch, *, do_not_send: bool) -> tuple[Floats, Floats]:
        """Give q of every cell, its probability to have the highest value, and of each request's sending nothing.

        O(n² × 1024 + n × 8,192) for each request with n cells that compete (`compiled.points`).
        """
        from channel_selector.compiled import deciding, points  # noqa: PLC0415 - loads numba: see there

        known, settings = self.known, self.settings
        shares, nothing = np.zeros(len(batch.cell_row)), np.zeros(len(batch.requests))
        deciding.best_shares(
            batch.cell_starts,
            batch.cell_row,
            known.cell_keys,
            self.explored_location,
            self.explored_spread,
            batch.gain,
            batch.cost,
            known.slope,
            known.converting,
            known.roots,
            known.fresh,
            self.posterior.fresh_variances,
            self.posterior.tastes,
            batch.known_starts,
            batch.spot_starts,
            known.learned,
            settings.customer_exploration**2,
            settings.population_exploration**2,
            do_not_send,
            points.points(),
            shares,
            nothing,
        )
        return shares, nothing


def estimate(batch: Batch, posterior: PopulationPosterior, settings: SelectorSettings) -> Estimates:
    """Give every cell's conversion probability: population, then the customer's own, both stages multiplied."""
    from channel_selector.compiled import deciding  # noqa: PLC0415 - loads numba: see there

    typical, spots = posterior.typical, batch.spots
    converted = posterior.converted(batch.cell_row, batch.apart, batch.taught)
    if len(batch.met):
        refined = refine_customer(
            converted.mean[batch.met],
            converted.variance[batch.met],
            CUSTOMER_CONVERTED_WORTH,
            batch.converted,
            batch.converted_exposure,
        )
        converted.met[batch.met] = np.stack(refined, axis=1)
    added, spot_added = _left_out(batch, posterior)
    found, cell_keys, learned = deciding.weigh(
        batch.cell_starts,
        batch.cell_row,
        batch.cell_endpoint,
        typical.log_odds,
        typical.variance,
        typical.keys,
        added,
        converted.met,
        batch.active,
        batch.activity,
        _hours(posterior, settings),
        batch.spot_starts,
        spots.rows,
        spots.endpoints,
        spot_added,
        spots.reacted,
        spots.exposure,
        posterior.tastes,
        batch.known_starts,
        settings.customer_exploration**2,
        settings.population_exploration**2,
    )
    probability, explored_location, explored_spread, believed_location, believed_spread, slope, converting = found
    return Estimates(
        probability=probability,
        explored_location=explored_location,
        explored_spread=explored_spread,
        believed_location=believed_location,
        believed_spread=believed_spread,
        known=Known(
            cell_keys=cell_keys,
            slope=slope,
            converting=converting,
            roots=typical.roots,
            fresh=typical.fresh,
            learned=learned,
        ),
        posterior=posterior,
        settings=settings,
    )


def _hours(posterior: PopulationPosterior, settings: SelectorSettings) -> float:
    """Give by how much a typical customer's log-odds follow the own hours."""
    return posterior.reactions.hours(settings.activity_weight) * posterior.stretch


def _left_out(batch: Batch, posterior: PopulationPosterior) -> tuple[Floats, Floats]:
    """Give what is added to the log-odds of cells and of spots, also for leaving customers out of the population."""
    cells, spots = batch.added, np.zeros(len(batch.spots.rows))
    if not batch.left:
        return cells, spots
    cells = cells.copy()
    for request, left in batch.left:
        for shift, row, starts in (
            (cells, batch.cell_row, batch.cell_starts),
            (spots, batch.spots.rows, batch.spot_starts),
        ):
            mine = slice(starts[request], starts[request + 1])
            shift[mine] += posterior.without(left, row[mine])
    return cells, spots
