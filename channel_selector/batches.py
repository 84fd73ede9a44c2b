"""Many decisions as arrays: options alike to the model share a cell, and cells of a decision stand together."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, count
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from channel_selector.decisions import occasion_of
from channel_selector.eligibility.context import HOURS_OF_DAY, Context
from channel_selector.eligibility.options import DeliveryOption
from channel_selector.model.pools import LEVELS, Counts, Pools
from channel_selector.model.posteriors import Left, PopulationPosterior
from channel_selector.model.reactions import Occasion, wait_of
from channel_selector.model.tallies import NO_EFFECTS, Cells, CustomerEffects
from channel_selector.reasons import Evidence
from channel_selector.settings import SelectorSettings

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

CellKey = tuple[int, str, float, str | None]
"""Row of the population, endpoint, cost and variant: options alike in these are alike to the model."""

MOMENT = attrgetter("send_at", "weekday", "variant")
UNKNOWN_HOURS = (float("nan"),) * HOURS_OF_DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One message to decide on: its id, the customer and occasion, the eligible options, and the customer's history."""

    decision_id: str
    context: Context
    options: Sequence[DeliveryOption]
    effects: CustomerEffects = NO_EFFECTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Requests, all with options, and their cells; `…_starts` say where each request's begin, and where the last's end.

    Per option: its cell, and its part of the cell's share (the earliest sends of a cell share it evenly; later ones are
    left to the floor). `cells`, 2 × n: the population's row and the endpoint's number. `worth`, 2 × n: what a send
    costs, and what the occasion adds to the log-odds. `asked`, requests × 25: what a conversion brings, and the
    customer's events by hour (NaN: not known). `met`: the cells in which the customer's own conversions are known, and
    `converted` (2 × as many) their number and exposure. `apart`: the cells that the customer's part of the population,
    `taught`, is left out of. `spots`, 2 × s, and `seen`, 3 × s: what came of the customer's own messages, an entry a
    spot: the population's row and the endpoint's number; reactions, exposure, and 0, to be added to the log-odds.
    `left`: for some requests, by index, the customer's own part of the population. `evidence`: of every row.
    """

    requests: Sequence[Request]
    option_cell: Indices
    option_part: Floats
    option_starts: Indices
    cell_starts: Indices
    spot_starts: Indices
    cells: Indices
    worth: Floats
    asked: Floats
    met: Indices
    converted: Floats
    apart: Indices
    taught: Floats
    spots: Indices
    seen: Floats
    left: Sequence[tuple[int, Left]]
    evidence: Sequence[Evidence]


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
        self._option_cells: list[Sequence[int]] = []
        self._parts: list[tuple[int, list[float]]] = []
        self._option_ends = [0]
        self._ends = [0]
        self._rows: list[int] = []
        self._endpoints: list[int] = []
        self._costs: list[float] = []
        self._added: list[tuple[int, list[float]]] = []
        self._asked: list[Iterable[float]] = []
        self._met: list[tuple[int, float, float]] = []
        self._apart: list[int] = []
        self._taught: list[Counts] = []
        self._spot_ends = [0]
        self._spots: list[tuple[int, int, float, float, float]] = []
        self._left: list[tuple[int, Left]] = []

    def add(self, request: Request) -> None:
        options, first = request.options, len(self._rows)
        known = self._posterior.rows(request.context.segment)
        rows = [known[option.channel, option.device_kind, option.local_hour] for option in options]
        endpoints = [option.endpoint_id for option in options]
        self._option_ends.append(self._option_ends[-1] + len(options))
        if _differ(rows, endpoints):
            self._option_cells.append(range(first, first + len(options)))
        else:
            others = [(option.cost, option.variant) for option in options]
            cells = [(row, name, *other) for row, name, other in zip(rows, endpoints, others, strict=True)]
            options, cells = self._gather(options, cells, first)
            rows, endpoints = [cell[0] for cell in cells], [cell[1] for cell in cells]
        self._rows += rows
        self._costs += self._posterior.losses.of(request.context, options, self._settings)
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
        self._parts.append((self._option_ends[-2], [level[i] / sharers[place] for i, place in enumerate(local)]))
        self._option_cells.append([first + place for place in local])
        return [earliest[place] for place in range(len(places))], list(places)

    def _describe(self, request: Request, options: Sequence[DeliveryOption], endpoints: Sequence[str]) -> None:
        """Take in the cells of a request, each by its earliest option; their rows and costs are known already."""
        context, effects, first = request.context, request.effects, self._ends[-1]
        number: dict[str, int] = defaultdict(count().__next__)
        self._endpoints += map(number.__getitem__, endpoints)
        self._ends.append(first + len(options))
        self._asked.append((context.gain(self._settings.margin),))
        self._asked.append(UNKNOWN_HOURS if context.activity is None else context.activity)
        added = self._occasions.added(context, options)
        if added is not None:
            self._added.append((first, added))
        if effects.spots:
            self._remember(effects, context.segment, number)
            self._meet(effects, options, first)
        self._spot_ends.append(len(self._spots))
        if effects.taught and self._posterior.weighs(sum(tally.sends for tally in effects.taught.values())):
            self._leave_out(effects.taught, context.segment, options)

    def _remember(self, effects: CustomerEffects, segment: str | None, number: dict[str, int]) -> None:
        """Take in what came of the customer's own messages; `number` gives each endpoint the next when first met."""
        row = self._posterior.row
        for ((channel, kind, part), endpoint), tally in effects.spots.items():
            self._spots.append(
                (
                    row(segment, channel, kind, part),
                    number[endpoint],
                    tally.reactions,
                    tally.engaged_exposure,
                    0.0,
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
        pools, first = Pools(taught), self._ends[-2]
        for place, option in enumerate(options, first):
            self._apart.append(place)
            self._taught.append(pools.counts(segment, option.arm))
        cells = sorted(taught.items(), key=lambda cell: (cell[0][0] or "", cell[0][1]))
        left = Left(
            np.array([self._posterior.row(held, *arm) for (held, arm), _ in cells], dtype=np.int64),
            np.array([tally.reactions for _, tally in cells], dtype=np.float64),
            np.array([tally.engaged_exposure for _, tally in cells], dtype=np.float64),
        )
        self._left.append((len(self._ends) - 2, left))

    def batch(self, requests: Sequence[Request]) -> Batch:
        size, many = len(self._rows), self._option_ends[-1]
        met = np.array(self._met, dtype=np.float64).T if self._met else _NONE_MET
        spots = np.array(self._spots, dtype=np.float64).T if self._spots else _NO_SPOTS
        starts = np.array(self._ends, dtype=np.int64)
        worth = np.zeros((2, size))
        if any(self._costs):
            worth[0] = self._costs
        _fill(worth[1], self._added)
        part = np.ones(many)
        _fill(part, self._parts)
        return Batch(
            requests=requests,
            # np.fromiter takes half of np.array's time for a plain list
            option_cell=np.fromiter(chain.from_iterable(self._option_cells), np.int64, many)
            if self._parts
            else np.arange(many),
            option_part=part,
            option_starts=np.array(self._option_ends, dtype=np.int64) if self._parts else starts,
            cell_starts=starts,
            spot_starts=np.array(self._spot_ends, dtype=np.int64),
            cells=np.fromiter(self._rows + self._endpoints, np.int64, 2 * size).reshape(2, size),
            worth=worth,
            asked=np.fromiter(chain.from_iterable(self._asked), np.float64, len(requests) * (1 + HOURS_OF_DAY)).reshape(
                -1, 1 + HOURS_OF_DAY
            ),
            met=met[0].astype(np.int64),
            converted=met[1:],
            apart=np.array(self._apart, dtype=np.int64),
            taught=np.array(self._taught, dtype=np.float64).reshape(-1, LEVELS * 2),
            spots=np.ascontiguousarray(spots[:2], dtype=np.int64),
            seen=np.ascontiguousarray(spots[2:]),
            left=self._left,
            evidence=self._posterior.evidence,
        )


_NONE_MET, _NO_SPOTS = np.empty((3, 0)), np.empty((5, 0))


def _differ(rows: Sequence[int], endpoints: Sequence[str]) -> bool:
    """Tell whether no two options are alike in row and endpoint; rows alone tell it at once for most."""
    return len(set(rows)) == len(rows) or len(set(zip(rows, endpoints, strict=True))) == len(rows)


class _Occasions:
    """What the occasion of an option adds to a typical customer's log-odds, looked up where it was met before."""

    def __init__(self, posterior: PopulationPosterior) -> None:
        self._varies = posterior.reactions.varies
        self._known = posterior.occasions

    def added(self, context: Context, options: Sequence[DeliveryOption]) -> list[float] | None:
        """Give it of each option; None: nothing to any."""
        if context.abandoned_at is None and not context.recent_sends:
            return self._of_days(options) if self._varies else None
        moments: dict[tuple[datetime, int, str | None], float] = {}
        for moment, option in zip(map(MOMENT, options), options, strict=True):
            if moment not in moments:
                moments[moment] = self._of(occasion_of(context, option))
        return [moments[moment] for moment in map(MOMENT, options)]

    def _of_days(self, options: Sequence[DeliveryOption]) -> list[float]:
        known = self._known
        return [known[None, option.weekday, option.variant, 0] for option in options]

    def _of(self, occasion: Occasion) -> float:
        waited = None if occasion.waited is None else wait_of(occasion.waited)
        return self._known[waited, occasion.weekday, occasion.variant, occasion.recent]


def _fill(array: Floats, parts: Iterable[tuple[int, Sequence[float]]]) -> None:
    """Put parts, each from somewhere on, into an array."""
    for first, values in parts:
        array[first : first + len(values)] = values
