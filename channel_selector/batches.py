"""Many decisions as arrays: options alike to the model share a cell, and cells of a decision stand together."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from operator import attrgetter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from channel_selector.decisions import occasion_of
from channel_selector.eligibility.context import HOURS_OF_DAY, Context
from channel_selector.eligibility.options import DeliveryOption
from channel_selector.model.pools import LEVELS, Counts, Pools
from channel_selector.model.posteriors import Left, PopulationPosterior
from channel_selector.model.reactions import Occasion, wait_of
from channel_selector.model.tallies import NO_EFFECTS, Cells, CustomerEffects
from channel_selector.settings import SelectorSettings

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

CellKey = tuple[int, str, float, str | None]
"""Row of the population, endpoint, cost and variant: options alike in these are alike to the model."""

MOMENT = attrgetter("send_at", "weekday", "variant")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One message to decide on: its id, the customer and occasion, the eligible options, and the customer's history."""

    decision_id: str
    context: Context
    options: Sequence[DeliveryOption]
    effects: CustomerEffects = NO_EFFECTS


class Spots(NamedTuple):
    """What came of customers' own messages, an entry a spot: the population's row, the endpoint's number, reactions."""

    rows: Indices
    endpoints: Indices
    reacted: Floats
    exposure: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Requests, all with options, and their cells; `…_starts` say where each request's begin, and where the last's end.

    Per option: its cell, and its part of the cell's share (the earliest sends of a cell share it evenly; later ones are
    left to the floor). Per cell: the population's row; the endpoint's number; what a conversion brings and a send
    costs; what the occasion adds to the log-odds; the customer's own conversions, for those in `met` (indices); for
    those in `apart` the customer's part of the population. `known_starts`: as many numbers as cells times spots.
    `active`: the request's row of `activity`, −1 where nothing is known of the customer's hours. `left`: for some
    requests, by index, the customer's own part of the population.
    """

    requests: Sequence[Request]
    option_cell: Indices
    option_part: Floats
    option_starts: Indices
    cell_starts: Indices
    cell_row: Indices
    cell_endpoint: Indices
    gain: Floats
    cost: Floats
    added: Floats
    met: Indices
    converted: Floats
    converted_exposure: Floats
    apart: Indices
    taught: Floats
    active: Indices
    activity: Floats
    spot_starts: Indices
    known_starts: Indices
    spots: Spots
    left: Sequence[tuple[int, Left]]


def build(requests: Sequence[Request], posterior: PopulationPosterior, settings: SelectorSettings) -> Batch:
    """Lay requests out as arrays; each must have an option."""
    posterior.begin()
    cells = _Cells(posterior, settings)
    for request in requests:
        cells.add(request)
    return cells.batch(requests)


class _Cells:
    """Collects the cells of one request after another; this is the loop over options that all else is spared.

    It is written for speed: plain lists of numbers, which become arrays once for the whole batch.
    """

    def __init__(self, posterior: PopulationPosterior, settings: SelectorSettings) -> None:
        self._posterior = posterior
        self._settings = settings
        self._occasions = _Occasions(posterior)
        self._option_cell: list[int] = []
        self._parts: list[tuple[int, list[float]]] = []
        self._option_counts: list[int] = []
        self._counts: list[int] = []
        self._rows: list[int] = []
        self._endpoints: list[int] = []
        self._gains: list[float] = []
        self._costs: list[float] = []
        self._added: list[tuple[int, list[float]]] = []
        self._met: list[tuple[int, float, float]] = []
        self._apart: list[int] = []
        self._taught: list[Counts] = []
        self._active: list[int] = []
        self._activity: list[Sequence[float]] = []
        self._spot_counts: list[int] = []
        self._spots: list[tuple[int, int, float, float]] = []
        self._left: list[tuple[int, Left]] = []

    def add(self, request: Request) -> None:
        options, first = request.options, len(self._rows)
        known = self._posterior.rows(request.context.segment)
        rows = [known[option.channel, option.device_kind, option.local_hour] for option in options]
        endpoints = [option.endpoint_id for option in options]
        self._option_counts.append(len(options))
        if len(set(zip(rows, endpoints, strict=True))) == len(options):
            self._option_cell.extend(range(first, first + len(options)))
        else:
            others = [(option.cost, option.variant) for option in options]
            cells = [(row, name, *other) for row, name, other in zip(rows, endpoints, others, strict=True)]
            options, cells = self._gather(options, cells, first)
            rows, endpoints = [cell[0] for cell in cells], [cell[1] for cell in cells]
        self._rows.extend(rows)
        self._costs.extend(self._posterior.losses.of(request.context, options, self._settings))
        self._describe(request, options, endpoints)

    def _gather(
        self, options: Sequence[DeliveryOption], cells: Sequence[CellKey], first: int
    ) -> tuple[Sequence[DeliveryOption], list[CellKey]]:
        """Let options alike share a cell, the earliest of which it is described by."""
        places: dict[CellKey, int] = {}
        local = [places.setdefault(cell, len(places)) for cell in cells]
        earliest: dict[int, DeliveryOption] = {}
        for option, place in zip(options, local, strict=True):
            if place not in earliest or option.send_at < earliest[place].send_at:
                earliest[place] = option
        level = [o.send_at == earliest[place].send_at for o, place in zip(options, local, strict=True)]
        sharers = Counter(place for place, is_first in zip(local, level, strict=True) if is_first)
        self._parts.append((len(self._option_cell), [level[i] / sharers[place] for i, place in enumerate(local)]))
        self._option_cell.extend([first + place for place in local])
        return [earliest[place] for place in range(len(places))], list(places)

    def _describe(self, request: Request, options: Sequence[DeliveryOption], endpoints: Sequence[str]) -> None:
        """Take in the cells of a request, each by its earliest option; their rows and costs are known already."""
        context, effects, first = request.context, request.effects, len(self._rows) - len(options)
        number = {name: place for place, name in enumerate(dict.fromkeys(endpoints))}
        self._endpoints.extend(map(number.__getitem__, endpoints))
        self._counts.append(len(options))
        self._gains.append(context.gain(self._settings.margin))
        if context.activity is None:
            self._active.append(-1)
        else:
            self._active.append(len(self._activity))
            self._activity.append(context.activity)
        added = self._occasions.added(context, options)
        if added is not None:
            self._added.append((first, added))
        self._spot_counts.append(len(effects.spots))
        if effects.spots:
            self._remember(effects, context.segment, number)
            self._meet(effects, options, first)
        if effects.taught and self._posterior.weighs(sum(tally.sends for tally in effects.taught.values())):
            self._leave_out(effects.taught, context.segment, options)

    def _remember(self, effects: CustomerEffects, segment: str | None, number: dict[str, int]) -> None:
        """Take in what came of the customer's own messages."""
        row = self._posterior.row
        for ((channel, kind, part), endpoint), tally in effects.spots.items():
            self._spots.append(
                (
                    row(segment, channel, kind, part),
                    number.setdefault(endpoint, len(number)),
                    tally.reactions,
                    tally.engaged_exposure,
                )
            )

    def _meet(self, effects: CustomerEffects, options: Sequence[DeliveryOption], first: int) -> None:
        """Take in what conversions are known of the customer, medium by medium."""
        own: dict[tuple[str, ...], tuple[float, float]] = {
            medium: (tally.conversions, tally.converted_exposure)
            for medium, tally in effects.media.items()
            if tally.conversions or tally.converted_exposure
        }
        if own:
            found = enumerate([own.get((option.channel, option.device_kind)) for option in options], first)
            self._met.extend([(place, *counts) for place, counts in found if counts is not None])

    def _leave_out(self, taught: Cells, segment: str | None, options: Sequence[DeliveryOption]) -> None:
        pools, first = Pools(taught), len(self._rows) - len(options)
        for place, option in enumerate(options, first):
            self._apart.append(place)
            self._taught.append(pools.counts(segment, option.arm))
        cells = sorted(taught.items(), key=lambda cell: (cell[0][0] or "", cell[0][1]))
        left = Left(
            np.array([self._posterior.row(held, *arm) for (held, arm), _ in cells], dtype=np.int64),
            np.array([tally.reactions for _, tally in cells], dtype=np.float64),
            np.array([tally.engaged_exposure for _, tally in cells], dtype=np.float64),
        )
        self._left.append((len(self._counts) - 1, left))

    def batch(self, requests: Sequence[Request]) -> Batch:
        size = len(self._rows)
        met = np.array(self._met, dtype=np.float64).T if self._met else _NO_MET
        spots = np.array(self._spots, dtype=np.float64).T if self._spots else None
        products = [cells * seen for cells, seen in zip(self._counts, self._spot_counts, strict=True)]
        return Batch(
            requests=requests,
            option_cell=np.array(self._option_cell, dtype=np.int64),
            option_part=_filled(np.ones(len(self._option_cell)), self._parts),
            option_starts=_starts(self._option_counts),
            cell_starts=_starts(self._counts),
            cell_row=np.array(self._rows, dtype=np.int64),
            cell_endpoint=np.array(self._endpoints, dtype=np.int64),
            gain=np.repeat(np.array(self._gains, dtype=np.float64), self._counts),
            cost=np.array(self._costs, dtype=np.float64),
            added=_filled(np.zeros(size), self._added),
            met=met[0].astype(np.int64),
            converted=met[1],
            converted_exposure=met[2],
            apart=np.array(self._apart, dtype=np.int64),
            taught=np.array(self._taught, dtype=np.float64).reshape(-1, LEVELS * 2),
            active=np.array(self._active, dtype=np.int64),
            activity=np.array(self._activity, dtype=np.float64).reshape(-1, HOURS_OF_DAY),
            spot_starts=_starts(self._spot_counts),
            known_starts=_starts(products),
            spots=_NO_SPOTS
            if spots is None
            else Spots(
                spots[0].astype(np.int64),
                spots[1].astype(np.int64),
                np.ascontiguousarray(spots[2]),
                np.ascontiguousarray(spots[3]),
            ),
            left=self._left,
        )


_NOTHING, _NOBODY = np.empty(0), np.empty(0, dtype=np.int64)
_NO_MET, _NO_SPOTS = np.empty((3, 0)), Spots(_NOBODY, _NOBODY, _NOTHING, _NOTHING)


class _Occasions:
    """What the occasion of an option adds to a typical customer's log-odds, looked up where it was met before."""

    def __init__(self, posterior: PopulationPosterior) -> None:
        self._varies = posterior.reactions.varies
        self._known = posterior.occasions

    def added(self, context: Context, options: Sequence[DeliveryOption]) -> list[float] | None:
        """Give it of each option; None: nothing to any."""
        if context.abandoned_at is None and not context.recent_sends:
            return self._of_days([(option.weekday, option.variant) for option in options]) if self._varies else None
        moments: dict[tuple[datetime, int, str | None], float] = {}
        for moment, option in zip(map(MOMENT, options), options, strict=True):
            if moment not in moments:
                moments[moment] = self._of(occasion_of(context, option))
        return [moments[moment] for moment in map(MOMENT, options)]

    def _of_days(self, days: Sequence[tuple[int, str | None]]) -> list[float]:
        added = {day: self._known[None, *day, 0] for day in set(days)}
        return [added[day] for day in days]

    def _of(self, occasion: Occasion) -> float:
        waited = None if occasion.waited is None else wait_of(occasion.waited)
        return self._known[waited, occasion.weekday, occasion.variant, occasion.recent]


def _starts(counts: Sequence[int]) -> Indices:
    return np.array([0, *accumulate(counts)], dtype=np.int64)


def _filled(array: Floats, parts: Sequence[tuple[int, Sequence[float]]]) -> Floats:
    """Put parts, each from somewhere on, into an array."""
    for first, values in parts:
        array[first : first + len(values)] = values
    return array
