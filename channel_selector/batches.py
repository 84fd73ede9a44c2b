"""Many decisions as arrays: options alike to the model share a cell, and cells of a decision stand together."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

import numpy as np

from channel_selector.arms import DAYPARTS, HOURS_OF_DAYPART
from channel_selector.context import NO_LEANS, Context, leans
from channel_selector.decisions import occasion_of
from channel_selector.options import DeliveryOption
from channel_selector.pools import LEVELS, Counts, Pools
from channel_selector.posteriors import CUSTOMER_CONVERTED_WORTH, Left, PopulationPosterior
from channel_selector.settings import SelectorSettings
from channel_selector.shrinkage import Refined, refine_customer
from channel_selector.tallies import NO_EFFECTS, Cells, CustomerEffects, total
from channel_selector.tastes import PROBIT, SHARED, Floats, Indices, Learned, Seen, covariance, learn, sigmoid

CellKey = tuple[str, str, int, str, float, str | None]
"""Channel, device kind, part of the day, endpoint, cost and variant: options alike in these are alike to the model."""
NOTHING = (0.0, 0.0)
SharedKeys = tuple[int, int, int, int, int]
MOST_NAMES = 2**24
NORMAL_95 = 1.959963984540054
LEAST_VARIANCE = 1e-6
"""Of the logarithm of a probability: what keeps covariances invertible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One message to decide on: its id, the customer and occasion, the eligible options, and the customer's history."""

    decision_id: str
    context: Context
    options: Sequence[DeliveryOption]
    effects: CustomerEffects = NO_EFFECTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Requests, all with options, and their cells.

    Per option: its cell, and its part of the cell's share (the earliest sends of a cell share it evenly; later ones are
    left to the floor). Per cell: the population's row; what the customer's hours and the occasion add to the log-odds;
    what it shares with others (`tastes.SHARED`); the customer's own conversions; for those in `apart`, the customer's
    part of the population. Per spot of a customer's history: the same, and reactions. Per request: index of its first
    option, cell and spot. `left`: for some requests, by index, the customer's own part of the population.
    """

    requests: Sequence[Request]
    option_cell: Indices
    option_part: Floats
    option_starts: Indices
    cell_starts: Indices
    cell_row: Indices
    cell_keys: Indices
    gain: Floats
    cost: Floats
    added: Floats
    converted: Floats
    converted_exposure: Floats
    apart: Indices
    taught: Floats
    spot_starts: Indices
    spot_row: Indices
    spot_keys: Indices
    spot_added: Floats
    reacted: Floats
    exposure: Floats
    left: Sequence[tuple[int, Left]]


class Alike(NamedTuple):
    """Decisions with equally many cells and spots: which cells they have, and how the customer's posterior covers them.

    cells: decisions × cells, indices into the batch. reach: the prior's covariances of cells and spots.
    """

    decisions: Indices
    cells: Indices
    keys: Indices
    reach: Floats
    learned: Learned


@dataclass(frozen=True, slots=True)
class Estimates:
    """The conversion probability of each cell: mean; location and spread of its log as explored and as believed.

    `log_covariance` gives how the explored logs of some cells go together.
    """

    probability: Floats
    explored_location: Floats
    explored_spread: Floats
    believed_location: Floats
    believed_spread: Floats
    alike: Sequence[Alike]
    slope: Floats
    roots: Floats
    converted_spread: Floats
    posterior: PopulationPosterior
    settings: SelectorSettings

    def log_covariance(self, alike: Alike, rows: Indices, members: Indices) -> Floats:
        """Give the covariances of the explored logs of decisions' `rows`, each of its cells `members` (rows × n)."""
        cells = np.take_along_axis(alike.cells[rows], members, axis=1)
        keys = np.take_along_axis(alike.keys[rows], members[:, :, None], axis=1)
        own = covariance(keys, keys, self.posterior.reactions.tastes)
        if alike.reach.shape[2]:
            reach = np.take_along_axis(alike.reach[rows], members[:, :, None], axis=1)
            own -= np.matmul(np.matmul(reach, alike.learned.precision[rows]), reach.transpose(0, 2, 1))
        roots = self.roots[cells]
        shared = np.matmul(roots, roots.transpose(0, 2, 1))
        mixed = self.settings.customer_exploration**2 * own + self.settings.population_exploration**2 * shared
        slope, spread = self.slope[cells], self.converted_spread[cells]
        medium = (keys[:, :, None, 0] == keys[:, None, :, 0]) & (keys[:, :, None, 2] == keys[:, None, :, 2])
        result: Floats = slope[:, :, None] * mixed * slope[:, None, :]
        result += medium * (spread[:, :, None] * spread[:, None, :])
        result += LEAST_VARIANCE * np.eye(members.shape[1])
        return result


def build(requests: Sequence[Request], posterior: PopulationPosterior, settings: SelectorSettings) -> Batch:
    """Lay requests out as arrays; each must have an option."""
    posterior.begin()
    cells = _Cells(posterior, settings)
    for request in requests:
        cells.add(request)
    return cells.batch(requests)


def estimate(batch: Batch, posterior: PopulationPosterior, settings: SelectorSettings) -> Estimates:
    """Give every cell's conversion probability: population, then the customer's own, both stages multiplied."""
    priors = posterior.priors(batch.cell_row, batch.apart, batch.taught)
    shift = _left_out(batch, posterior)
    alike = tuple(_alike(batch, posterior, shift[len(batch.cell_row) :]))
    mean, own = _tastes(batch, alike, posterior)
    mean += priors.log_odds + batch.added + shift[: len(mean)]
    p = sigmoid(mean / np.sqrt(1.0 + PROBIT * own))
    converted = refine_customer(
        priors.converted, priors.converted_variance, CUSTOMER_CONVERTED_WORTH, batch.converted, batch.converted_exposure
    )
    probability = p * converted.mean
    slope = 1.0 - p
    believed = slope**2 * (own + priors.variance) + converted.own + converted.inherited
    of_converted = _explored(converted, settings)
    explored = slope**2 * (
        settings.customer_exploration**2 * own + settings.population_exploration**2 * priors.variance
    )
    explored += of_converted + LEAST_VARIANCE
    log_mean = np.log(probability)
    return Estimates(
        probability,
        log_mean - explored / 2,
        np.sqrt(explored),
        log_mean - believed / 2,
        np.sqrt(believed),
        alike,
        slope,
        priors.root,
        np.sqrt(of_converted),
        posterior,
        settings,
    )


def _explored(converted: Refined, settings: SelectorSettings) -> Floats:
    own = settings.customer_exploration**2 * converted.own
    result: Floats = own + settings.population_exploration**2 * converted.inherited
    return result


def _alike(batch: Batch, posterior: PopulationPosterior, shift: Floats) -> Iterator[Alike]:
    """Sort the decisions by how many cells and spots they have, and learn each customer's tastes."""
    cells = np.diff(np.append(batch.cell_starts, len(batch.cell_row)))
    spots = np.diff(np.append(batch.spot_starts, len(batch.spot_row)))
    offset = posterior.log_odds(batch.spot_row) + batch.spot_added + shift
    tastes = posterior.reactions.tastes
    sizes = np.stack([cells, spots], axis=1)
    for breadth, depth in np.unique(sizes, axis=0).tolist():
        decisions = np.flatnonzero((cells == breadth) & (spots == depth))
        mine = batch.cell_starts[decisions][:, None] + np.arange(breadth)
        seen = batch.spot_starts[decisions][:, None] + np.arange(depth)
        history = Seen(batch.spot_keys[seen], offset[seen], batch.reacted[seen], batch.exposure[seen])
        keys = batch.cell_keys[mine]
        reach = covariance(keys, history.keys, tastes)
        learned = learn(history, tastes) if depth else Learned(np.empty((len(mine), 0)), np.empty((len(mine), 0, 0)))
        yield Alike(decisions, mine, keys, reach, learned)


def _left_out(batch: Batch, posterior: PopulationPosterior) -> Floats:
    """Give what the log-odds of cells, then of spots, move by where customers are left out of the population."""
    cells, spots = np.zeros(len(batch.cell_row)), np.zeros(len(batch.spot_row))
    for request, left in batch.left:
        for shift, row, starts in (
            (cells, batch.cell_row, batch.cell_starts),
            (spots, batch.spot_row, batch.spot_starts),
        ):
            end = starts[request + 1] if request + 1 < len(starts) else len(row)
            mine = slice(starts[request], end)
            shift[mine] = posterior.without(left, row[mine])
    return np.concatenate([cells, spots])


def _tastes(batch: Batch, alike: Iterable[Alike], posterior: PopulationPosterior) -> tuple[Floats, Floats]:
    """Give mean and variance of every cell's f."""
    mean = np.zeros(len(batch.cell_row))
    variance = np.full(len(batch.cell_row), posterior.reactions.tastes.total)
    for group in alike:
        if group.reach.shape[2]:
            mean[group.cells] = np.matmul(group.reach, group.learned.weight[:, :, None])[:, :, 0]
            known = np.matmul(group.reach, group.learned.precision)
            variance[group.cells] -= np.einsum("bij,bij->bi", known, group.reach)
    return mean, np.maximum(variance, 0.0)


class _Cells:
    """Collects the cells of one request after another; this is the loop over options that all else is spared.

    It is written for speed: plain lists of numbers, which become arrays once for the whole batch.
    """

    def __init__(self, posterior: PopulationPosterior, settings: SelectorSettings) -> None:
        self._posterior = posterior
        self._settings = settings
        self._hours = posterior.reactions.hours(settings.activity_weight) * posterior.reactions.tastes.stretch
        self._varies = posterior.reactions.varies
        self._option_cell: list[int] = []
        self._option_part: list[float] = []
        self._option_starts: list[int] = []
        self._cell_starts: list[int] = []
        self._keys: list[SharedKeys] = []
        self._rows: list[int] = []
        self._gains: list[float] = []
        self._costs: list[float] = []
        self._added: list[float] = []
        self._own: list[tuple[float, float]] = []
        self._apart: list[int] = []
        self._taught: list[Counts] = []
        self._left: list[tuple[int, Left]] = []
        self._spot_starts: list[int] = []
        self._spot_rows: list[int] = []
        self._spot_keys: list[SharedKeys] = []
        self._spots: list[tuple[float, float, float]] = []

    def add(self, request: Request) -> None:
        first = len(self._rows)
        self._cell_starts.append(first)
        self._option_starts.append(len(self._option_cell))
        cells = [
            (o.channel, o.device_kind, o.local_hour // HOURS_OF_DAYPART, o.endpoint_id, o.cost, o.variant)
            for o in request.options
        ]
        count = len(cells)
        if len(set(cells)) == count:
            self._option_cell.extend(range(first, first + count))
            self._option_part.extend([1.0] * count)
            self._describe(request, request.options, cells)
        else:
            self._gather(request, cells, first)

    def _gather(self, request: Request, cells: Sequence[CellKey], first: int) -> None:
        """Let options alike share a cell, the earliest of which it is described by."""
        places: dict[CellKey, int] = {}
        local = [places.setdefault(cell, len(places)) for cell in cells]
        earliest: dict[int, DeliveryOption] = {}
        for option, place in zip(request.options, local, strict=True):
            if place not in earliest or option.send_at < earliest[place].send_at:
                earliest[place] = option
        level = [o.send_at == earliest[place].send_at for o, place in zip(request.options, local, strict=True)]
        sharers = Counter(place for place, is_first in zip(local, level, strict=True) if is_first)
        self._option_cell.extend([first + place for place in local])
        self._option_part.extend([level[i] / sharers[place] for i, place in enumerate(local)])
        self._describe(request, [earliest[place] for place in range(len(places))], list(places))

    def _describe(self, request: Request, earliest: Sequence[DeliveryOption], cells: Sequence[CellKey]) -> None:
        context, effects = request.context, request.effects
        segment, row = context.segment, self._posterior.row
        hours = NO_LEANS if context.activity is None else [self._hours * lean for lean in leans(context.activity)]
        names = _Names()
        self._spot_starts.append(len(self._spot_rows))
        if effects.spots:
            self._remember(effects, segment, hours, names)
            own = {medium: (tally.conversions, tally.converted_exposure) for medium, tally in effects.media.items()}
            self._own.extend([own.get(cell[:2], NOTHING) for cell in cells])  # type: ignore[call-overload]  # a Medium is its two texts
        else:
            self._own.extend([NOTHING] * len(cells))
        self._rows.extend([row(segment, channel, kind, part) for channel, kind, part, *_ in cells])
        self._keys.extend([names.shared(channel, name, kind, part) for channel, kind, part, name, *_ in cells])
        self._costs.extend(self._posterior.losses.of(context, earliest, self._settings))
        self._gains.extend([context.gain(self._settings.margin)] * len(cells))
        if self._varies or context.abandoned_at is not None or context.recent_sends:
            reactions, stretch = self._posterior.reactions, self._posterior.reactions.tastes.stretch
            occasions = [reactions.occasion(occasion_of(context, option)) * stretch for option in earliest]
            self._added.extend([hours[cell[2]] + more for cell, more in zip(cells, occasions, strict=True)])
        else:
            self._added.extend([hours[cell[2]] for cell in cells])
        if effects.taught and self._posterior.weight(total(effects.taught.values())):
            self._leave_out(effects.taught, segment, earliest)

    def _remember(self, effects: CustomerEffects, segment: str | None, hours: Sequence[float], names: "_Names") -> None:
        """Take in what came of the customer's own messages."""
        for spot in sorted(effects.spots):
            (channel, kind, part), tally = spot.arm, effects.spots[spot]
            self._spot_rows.append(self._posterior.row(segment, channel, kind, part))
            self._spot_keys.append(names.shared(channel, spot.endpoint_id, kind, part))
            self._spots.append((hours[part], tally.reactions, tally.engaged_exposure))

    def _leave_out(self, taught: Cells, segment: str | None, earliest: Sequence[DeliveryOption]) -> None:
        pools, first = Pools(taught), len(self._rows) - len(earliest)
        for place, option in enumerate(earliest, first):
            self._apart.append(place)
            self._taught.append(pools.counts(segment, option.arm))
        cells = sorted(taught.items(), key=lambda cell: (cell[0][0] or "", cell[0][1]))
        left = Left(
            np.array([self._posterior.row(held, *arm) for (held, arm), _ in cells], dtype=np.int64),
            np.array([tally.reactions for _, tally in cells], dtype=np.float64),
            np.array([tally.engaged_exposure for _, tally in cells], dtype=np.float64),
        )
        self._left.append((len(self._cell_starts) - 1, left))

    def batch(self, requests: Sequence[Request]) -> Batch:
        own = np.array(self._own, dtype=np.float64).reshape(-1, 2).T
        spots = np.array(self._spots, dtype=np.float64).reshape(-1, 3).T
        return Batch(
            requests=requests,
            option_cell=np.array(self._option_cell, dtype=np.int64),
            option_part=np.array(self._option_part),
            option_starts=np.array(self._option_starts, dtype=np.int64),
            cell_starts=np.array(self._cell_starts, dtype=np.int64),
            cell_row=np.array(self._rows, dtype=np.int64),
            cell_keys=_numbers(self._keys),
            gain=np.array(self._gains),
            cost=np.array(self._costs),
            added=np.array(self._added),
            converted=own[0],
            converted_exposure=own[1],
            apart=np.array(self._apart, dtype=np.int64),
            taught=np.array(self._taught, dtype=np.float64).reshape(-1, LEVELS * 2),
            spot_starts=np.array(self._spot_starts, dtype=np.int64),
            spot_row=np.array(self._spot_rows, dtype=np.int64),
            spot_keys=_numbers(self._spot_keys),
            spot_added=spots[0],
            reacted=spots[1],
            exposure=spots[2],
            left=self._left,
        )


class _Names:
    """Numbers that stand for what one customer's messages share."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}
        self._places: dict[tuple[str, str, str], tuple[int, int, int]] = {}

    def shared(self, channel: str, endpoint_id: str, kind: str, part: int) -> SharedKeys:
        """Give the numbers of a message's channel, endpoint, device kind, part of the day and arm."""
        place = self._places.get((channel, endpoint_id, kind))
        if place is None:
            known, number = self._known, self._known.setdefault
            place = number(channel, len(known)), number(endpoint_id, len(known)), number(kind, len(known))
            self._places[channel, endpoint_id, kind] = place
        return (*place, part, (place[0] * MOST_NAMES + place[2]) * DAYPARTS + part)


def _numbers(keys: Sequence[SharedKeys]) -> Indices:
    return np.fromiter(chain.from_iterable(keys), dtype=np.int64, count=SHARED * len(keys)).reshape(-1, SHARED)
