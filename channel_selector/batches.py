"""Many decisions as arrays: options of one arm and cost share a cell, and cells of a decision stand together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from channel_selector.arms import DAYPARTS, HOURS_OF_DAYPART, Arm
from channel_selector.context import Context, activity_tilt
from channel_selector.options import DeliveryOption
from channel_selector.pools import LEVELS, STAGES, Counts, Pools
from channel_selector.posteriors import CUSTOMER_CONVERTED_WORTH, CUSTOMER_WORTH, PopulationPosterior
from channel_selector.settings import SelectorSettings
from channel_selector.shrinkage import refine_customer
from channel_selector.tallies import NO_EFFECTS, NO_TALLY, CustomerEffects

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

CellKey = tuple[str, str, int, float]
"""Channel, device kind, part of the day and cost: options alike in these are alike to the model."""
NOTHING = (0, 0.0, 0, 0.0)
FLAT = (1.0,) * DAYPARTS
SMALLEST_SPREAD = 0.05
"""Standard deviation of log p below which nothing is taken as known; keeps the grid of `propensity` fine enough."""
NORMAL_95 = 1.959963984540054


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One message to decide on: its id, the customer and occasion, the eligible options, and the customer's history."""

    decision_id: str
    context: Context
    options: Sequence[DeliveryOption]
    effects: CustomerEffects = NO_EFFECTS


@dataclass(frozen=True, slots=True)
class Batch:
    """Requests, all with options, and their cells.

    Per option: its cell, and its part of the cell's share (the earliest sends of a cell share it evenly; later ones are
    left to the floor). Per cell: what the posteriors need; for those in `apart`, the customer's part of the population.
    Per request: index of its first cell and first option.
    """

    requests: Sequence[Request]
    option_cell: Indices
    option_part: Floats
    option_starts: Indices
    cell_starts: Indices
    cell_row: Indices
    apart: Indices
    taught: Floats
    gain: Floats
    cost: Floats
    tilt: Floats
    engaged: Floats
    engaged_exposure: Floats
    converted: Floats
    converted_exposure: Floats


@dataclass(frozen=True, slots=True)
class Estimates:
    """The conversion probability of each cell: mean; location and spread of its log as explored and as believed."""

    probability: Floats
    explored_location: Floats
    explored_spread: Floats
    believed_location: Floats
    believed_spread: Floats


def build(requests: Sequence[Request], posterior: PopulationPosterior, settings: SelectorSettings) -> Batch:
    """Lay requests out as arrays; each must have an option."""
    posterior.begin()
    cells = _Cells(posterior, settings)
    for request in requests:
        cells.add(request)
    return cells.batch(requests)


def estimate(batch: Batch, posterior: PopulationPosterior, settings: SelectorSettings) -> Estimates:
    """Give every cell's conversion probability: population → segment → customer, both stages multiplied.

    An hour that activity speaks against lowers the prior's successes and not only its mean, so that it is not held
    against the customer's own reactions any longer than another hour would be.
    """
    priors = posterior.priors(batch.cell_row, batch.apart, batch.taught)
    worth = CUSTOMER_WORTH * np.minimum(batch.tilt, 1.0)
    engaged = refine_customer(
        priors.engaged * batch.tilt, priors.engaged_variance, worth, batch.engaged, batch.engaged_exposure
    )
    converted = refine_customer(
        priors.converted, priors.converted_variance, CUSTOMER_CONVERTED_WORTH, batch.converted, batch.converted_exposure
    )
    mean = engaged.mean * converted.mean
    own, inherited = engaged.own + converted.own, engaged.inherited + converted.inherited
    explored = np.maximum(np.sqrt(settings.customer_exploration**2 * own + inherited), SMALLEST_SPREAD)
    believed = np.sqrt(own + inherited)
    log_mean = np.log(mean)
    return Estimates(mean, log_mean - explored**2 / 2, explored, log_mean - believed**2 / 2, believed)


class _Cells:
    """Collects the cells of one request after another; this is the loop over options that all else is spared."""

    def __init__(self, posterior: PopulationPosterior, settings: SelectorSettings) -> None:
        self._posterior = posterior
        self._settings = settings
        self._option_cell: list[int] = []
        self._option_part: list[float] = []
        self._option_starts: list[int] = []
        self._cell_starts: list[int] = []
        self._rows: list[tuple[int, float, float, float]] = []
        self._own: list[tuple[int, float, int, float]] = []
        self._apart: list[int] = []
        self._taught: list[Counts] = []

    def add(self, request: Request) -> None:
        first = len(self._rows)
        self._cell_starts.append(first)
        self._option_starts.append(len(self._option_cell))
        cells: dict[CellKey, int] = {}
        earliest: list[datetime] = []
        sharers: list[int] = []
        local: list[int] = []
        for option in request.options:
            cell = cells.setdefault(_cell_key(option), len(earliest))
            local.append(cell)
            if cell == len(earliest):
                earliest.append(option.send_at)
                sharers.append(1)
            elif option.send_at < earliest[cell]:
                earliest[cell], sharers[cell] = option.send_at, 1
            elif option.send_at == earliest[cell]:
                sharers[cell] += 1
        self._option_cell.extend(first + cell for cell in local)
        for option, cell in zip(request.options, local, strict=True):
            self._option_part.append(1.0 / sharers[cell] if option.send_at == earliest[cell] else 0.0)
        self._describe(request, cells)

    def _describe(self, request: Request, cells: Iterable[CellKey]) -> None:
        segment, effects = request.context.segment, request.effects
        gain = request.context.gain(self._settings.margin)
        tilt = _tilt(request.context, self._posterior, self._settings)
        taught = Pools(effects.taught) if effects.taught else None
        row = self._posterior.row
        for channel, device_kind, part, cost in cells:
            self._rows.append((row(segment, channel, device_kind, part), gain, cost, tilt[part]))
            arm = Arm(channel, device_kind, part)
            self._own.append(_own(arm, effects) if effects.arms else NOTHING)
            if taught is not None:
                self._apart.append(len(self._own) - 1)
                self._taught.append(taught.counts(segment, arm))

    def batch(self, requests: Sequence[Request]) -> Batch:
        rows = np.array(self._rows, dtype=np.float64).reshape(-1, 4).T
        own = np.array(self._own, dtype=np.float64).reshape(-1, 4).T
        return Batch(
            requests,
            np.array(self._option_cell, dtype=np.int64),
            np.array(self._option_part),
            np.array(self._option_starts, dtype=np.int64),
            np.array(self._cell_starts, dtype=np.int64),
            rows[0].astype(np.int64),
            np.array(self._apart, dtype=np.int64),
            np.array(self._taught, dtype=np.float64).reshape(-1, LEVELS * STAGES * 2),
            *rows[1:],
            *own,
        )


def _cell_key(option: DeliveryOption) -> CellKey:
    return option.channel, option.device_kind, option.local_hour // HOURS_OF_DAYPART, option.cost


def _own(arm: Arm, effects: CustomerEffects) -> tuple[int, float, int, float]:
    """Give what the customer's own messages came to: engagement by arm, conversion by medium."""
    by_arm, by_medium = effects.arms.get(arm, NO_TALLY), effects.media.get(arm.medium, NO_TALLY)
    return by_arm.engaged, by_arm.engaged_exposure, by_medium.converted, by_medium.converted_exposure


def _tilt(context: Context, posterior: PopulationPosterior, settings: SelectorSettings) -> Sequence[float]:
    if context.activity is None:
        return FLAT
    tilt: list[float] = activity_tilt(context.activity, settings.activity_weight, posterior.day).tolist()
    return tilt
