"""A new channel has its least share of choices until it is known; floor and sum to 1 are kept, and π stays exact.

π = (1 − ε) q + ε · uniform. Only q is moved: new channels that lie below their share are raised to it, all else of the
request is scaled down alike, so that every option keeps its floor. What a channel gains goes to its options as q
divides them, or evenly where none of them is ever the best. No random number is used: the law comes before the draw.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from channel_selector.batches import Batch
from channel_selector.model.population import Population
from channel_selector.model.shrinkage import Floats
from channel_selector.settings import MOST_FOR_NEW, SelectorSettings


@dataclass(frozen=True, slots=True)
class NewChannels:
    """Which channels are known already, and the least share, 0–0.5, of each that is not."""

    known: Collection[str]
    share: float

    @classmethod
    def of(cls, population: Population, settings: SelectorSettings) -> "NewChannels":
        """Tell by how many messages the population was learned from; a channel never used is new."""
        groups: dict[str, list[int]] = {}
        for (_, arm), tally in population.tallies.items():
            groups.setdefault(arm.channel, []).append(tally.sends)
        enough = (channel for channel, sends in groups.items() if sum(sends) >= settings.new_channel_messages)
        return cls(frozenset(enough), settings.new_channel_share)

    def raise_shares(self, q: Floats, nothing: Floats, batch: Batch, floor: float, *, do_not_send: bool) -> None:
        """Raise q of new channels in place, `nothing` being that of sending none, which competes or does not.

        Requests without a known channel among their options, and those without a new one, are left as they are.
        O(options), and nothing at all where no share is set or no channel known.
        """
        if self.share == 0.0 or floor == 1.0 or not self.known:
            return
        for index, (request, start) in enumerate(zip(batch.requests, batch.option_starts[:-1].tolist(), strict=True)):
            places: dict[str, list[int]] = {}
            for place, option in enumerate(request.options):
                places.setdefault(option.channel, []).append(place)
            new = {channel: at for channel, at in places.items() if channel not in self.known}
            if new and len(new) < len(places):
                share, even = min(self.share, MOST_FOR_NEW / len(new)), floor / (len(request.options) + do_not_send)
                least = {c: max(share - len(at) * even, 0.0) / (1.0 - floor) for c, at in new.items()}
                nothing[index] *= _raise(q[start : start + len(request.options)], new, least)


NO_SHARES = NewChannels(frozenset(), 0.0)


def _raise(q: Floats, new: Mapping[str, list[int]], least: Mapping[str, float]) -> float:
    """Give each new channel its least part of one request's q, in place, and tell what all else is scaled by."""
    parts = {channel: float(q[places].sum()) for channel, places in new.items()}
    raised = _below(parts, least)
    shapes = {
        channel: q[new[channel]] / parts[channel] if parts[channel] > 0.0 else np.full(len(new[channel]), 1.0)
        for channel in raised
    }
    scale = _scale(parts, least, raised)
    q *= scale
    for channel, shape in shapes.items():
        q[new[channel]] = least[channel] * shape / shape.sum()
    return scale


def _below(parts: Mapping[str, float], least: Mapping[str, float]) -> set[str]:
    """Give the channels to be raised: those below their least part, also once raising others has scaled them down."""
    raised: set[str] = set()
    while True:
        scale = _scale(parts, least, raised)
        more = {c for c in parts if c not in raised and parts[c] * scale < least[c]}
        if not more:
            return raised
        raised |= more


def _scale(parts: Mapping[str, float], least: Mapping[str, float], raised: Iterable[str]) -> float:
    taken, held = sum(least[channel] for channel in raised), sum(parts[channel] for channel in raised)
    return (1.0 - taken) / (1.0 - held) if held < 1.0 else 1.0
