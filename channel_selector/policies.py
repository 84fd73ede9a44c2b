"""A policy gives each option of a decision its probability, before and apart from any draw."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from channel_selector.batches import Batch, Request
from channel_selector.shares import NO_SHARES, NewChannels
from channel_selector.weighing import SHARE, VALUE, Estimates

Floats = NDArray[np.float64]


class Propensities(NamedTuple):
    """π of each option of a batch, in order, and of each request's sending nothing; they sum to 1 for each request."""

    options: Floats
    nothing: Floats


class Policy(Protocol):
    """What decides: a pure function of a batch and the estimates of its cells."""

    @property
    def version(self) -> str:
        """Name and number; another law has another version."""
        ...

    @property
    def asks_for_shares(self) -> bool:
        """Whether it asks how likely each cell is the best."""
        ...

    def propensities(self, batch: Batch, estimates: Estimates) -> Propensities:
        """Give π of every option."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """π = (1 − ε) q + ε · uniform, q the probability to be the best under the posteriors (Thompson sampling).

    `new`: the least shares of new channels, which q is raised for (`shares`).
    """

    asks_for_shares: ClassVar[bool] = True

    floor: float
    do_not_send: bool
    new: NewChannels = NO_SHARES

    @property
    def version(self) -> str:
        """Name and number."""
        return "learned-2"

    def propensities(self, batch: Batch, estimates: Estimates) -> Propensities:
        """Give π; sending nothing, where it competes, has its part of the uniform too."""
        from channel_selector.compiled import drawing  # noqa: PLC0415 - loads numba: see there

        law = Propensities(estimates.found[SHARE].take(batch.option_cell), estimates.nothing.copy())
        np.multiply(law.options, batch.option_part, out=law.options)
        self.new.raise_shares(law.options, law.nothing, batch, self.floor, do_not_send=self.do_not_send)
        drawing.mix(law.options, law.nothing, batch.option_starts, self.floor, self.do_not_send)
        return law


@dataclass(frozen=True, slots=True)
class Uniform:
    """Every option alike; nothing is always sent something."""

    asks_for_shares: ClassVar[bool] = False

    @property
    def version(self) -> str:
        """Name and number."""
        return "uniform-1"

    def propensities(self, batch: Batch, estimates: Estimates) -> Propensities:  # noqa: ARG002  # Policy's signature
        """Give 1 / n to each of n options."""
        sizes = _sizes(batch)
        return Propensities(np.repeat(1.0 / sizes, sizes), np.zeros(len(sizes)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Greedy:
    """The option of the highest expected value, the earliest and then the first of equals; never learned from."""

    asks_for_shares: ClassVar[bool] = False
    do_not_send: bool

    @property
    def version(self) -> str:
        """Name and number."""
        return "greedy-1"

    def propensities(self, batch: Batch, estimates: Estimates) -> Propensities:
        """Give 1 to the best option, or to sending nothing where that is allowed and all values are negative."""
        values = estimates.found[VALUE].take(batch.option_cell)
        chosen: list[int | None] = []
        for request, start in zip(batch.requests, batch.option_starts[:-1].tolist(), strict=True):
            own = values[start : start + len(request.options)].tolist()
            best = _best(own, request)
            chosen.append(None if self.do_not_send and own[best] < 0.0 else best)
        return _certain(batch, chosen)


@dataclass(frozen=True, slots=True, kw_only=True)
class BusinessAsUsual:
    """What shops do without learning: the first channel of a fixed list that can be reached, at the earliest time."""

    asks_for_shares: ClassVar[bool] = False
    channels: tuple[str, ...]

    @property
    def version(self) -> str:
        """Name and number."""
        return "bau-1"

    def propensities(self, batch: Batch, estimates: Estimates) -> Propensities:  # noqa: ARG002  # Policy's signature
        """Give 1 to that option; channels not listed come last."""
        return _certain(batch, [self._choice(request) for request in batch.requests])

    def _choice(self, request: Request) -> int:
        def rank(index: int) -> tuple[int, datetime]:
            option = request.options[index]
            listed = option.channel in self.channels
            return self.channels.index(option.channel) if listed else len(self.channels), option.send_at

        return min(range(len(request.options)), key=rank)


def _best(values: Sequence[float], request: Request) -> int:
    """Give the index of the highest value, the earliest and then the first of equals."""
    return min(range(len(values)), key=lambda index: (-values[index], request.options[index].send_at))


def _sizes(batch: Batch) -> NDArray[np.int64]:
    return batch.option_starts[1:] - batch.option_starts[:-1]


def _certain(batch: Batch, chosen: list[int | None]) -> Propensities:
    result = Propensities(np.zeros(len(batch.option_cell)), np.zeros(len(chosen)))
    for request, (start, index) in enumerate(zip(batch.option_starts[:-1].tolist(), chosen, strict=True)):
        if index is None:
            result.nothing[request] = 1.0
        else:
            result.options[start + index] = 1.0
    return result
