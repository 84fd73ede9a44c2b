"""F(age): the share of a channel's outcomes that have come by an age, among those that come within the window.

Windows still open enter the posteriors weighed by F (Chapelle, "Modeling delayed feedback in display advertising",
KDD 2014), and F is estimated from them too, corrected for what could not have come yet: F(eⱼ₋₁) = F(eⱼ) (1 − nⱼ / Rⱼ),
where Rⱼ outcomes came by eⱼ of messages as old as eⱼ, nⱼ of them since eⱼ₋₁ (right truncation: Lagakos, Barraj and
De Gruttola, Biometrika 75, 1988). With closed windows alone it is their plain share. F(0) = 0 and F(window) = 1.

A channel's own outcomes stand beside those of all others together, and these beside the published distribution, each
worth `PRIOR_OUTCOMES`: a channel that has just begun is taken to be as late as the others are here.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import accumulate
from math import log
from typing import Any

HOUR = 3600.0
EDGES = tuple(hours / 168 for hours in (0, 1, 3, 6, 12, 24, 48, 72, 120, 168))
"""Ages between which F is straight, as parts of the window (a week: 1 h, 3 h, … 5 days, 7 days)."""
BINS = len(EDGES) - 1
PRIOR_OUTCOMES = 20.0
"""What the published distribution weighs beside the other channels' outcomes, and theirs beside a channel's own."""


def published_share(hours: float) -> float:
    """35 % within an hour, 50 % within a day, all by 30 days, straight in log time between (Chapelle 2014, display)."""
    if hours <= 1.0:
        return 0.35 * max(hours, 0.0)
    if hours <= 24.0:
        return 0.35 + 0.15 * log(hours) / log(24)
    return min(1.0, 0.5 + 0.5 * log(hours / 24) / log(30))


def bin_of(age: float, window: float) -> int:
    """Give the bin (0–8) of a delay within the window; both in seconds."""
    return min(bisect_right(EDGES, age / window) - 1, BINS - 1)


@dataclass(frozen=True, slots=True)
class Delays:
    """How late each channel's outcomes of one kind come.

    `counts`: for each channel, n: how many outcomes fell between each two `EDGES`, of messages as old as the second.
    `risks`: R: how many came by the second edge; those that `counts` add up to where a channel is not in it.
    """

    window: timedelta
    counts: Mapping[str, tuple[int, ...]]
    risks: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    _curves: dict[str, tuple[float, ...]] = field(init=False, repr=False, compare=False, default_factory=dict)

    def share(self, channel: str, age: float) -> float:
        """F at an age in seconds: 0 at 0 and below, 1 from the window on, straight between the edges."""
        window = self.window.total_seconds()
        if age >= window:
            return 1.0
        if age <= 0.0:
            return 0.0
        curve = self._curve(channel)
        position = age / window
        left = bisect_right(EDGES, position) - 1
        part = (position - EDGES[left]) / (EDGES[left + 1] - EDGES[left])
        return curve[left] + part * (curve[left + 1] - curve[left])

    def _curve(self, channel: str) -> tuple[float, ...]:
        """F at the edges."""
        curve = self._curves.get(channel)
        if curve is None:
            others = _estimate(*self._pooled(set(self.counts) - {channel}), self._published())
            curve = self._curves[channel] = _estimate(*self._pooled(self.counts.keys() & {channel}), others)
        return curve

    def _published(self) -> Sequence[float]:
        hours = self.window.total_seconds() / HOUR
        return [published_share(edge * hours) / published_share(hours) for edge in EDGES]

    def _pooled(self, channels: Iterable[str]) -> tuple[Sequence[int], Sequence[int]]:
        """Give what the counts and risks of some channels add up to."""
        counts, risks = [0] * BINS, [0] * BINS
        for channel in channels:
            own = self.counts[channel]
            counts = [a + b for a, b in zip(counts, own, strict=True)]
            risks = [a + b for a, b in zip(risks, self.risks.get(channel, tuple(accumulate(own))), strict=True)]
        return counts, risks

    def to_json(self) -> dict[str, list[list[int]]]:
        """Give counts and risks as JSON holds them, by channel in order."""
        return {
            channel: [list(self.counts[channel]), list(self.risks.get(channel, accumulate(self.counts[channel])))]
            for channel in sorted(self.counts)
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any], window: timedelta) -> "Delays":
        """Give the record `to_json` wrote."""
        counts = {channel: tuple(rows[0]) for channel, rows in data.items()}
        return cls(window, counts, {channel: tuple(rows[1]) for channel, rows in data.items()})


def _estimate(counts: Sequence[int], risks: Sequence[int], prior: Sequence[float]) -> tuple[float, ...]:
    """Give F at the edges from n and R, beside `PRIOR_OUTCOMES` of a curve known before."""
    curve = [1.0]
    for index in range(BINS, 0, -1):
        came = counts[index - 1] + PRIOR_OUTCOMES * (prior[index] - prior[index - 1])
        at_risk = risks[index - 1] + PRIOR_OUTCOMES * prior[index]
        curve.append(curve[-1] * (1.0 - came / at_risk))
    return (0.0, *curve[-2::-1])


def estimated(window: timedelta, came: Iterable[tuple[str, timedelta, timedelta]]) -> Delays:
    """Count outcomes: of which channel, how long after the message, and how old the message is now."""
    counts: dict[str, list[int]] = {}
    risks: dict[str, list[int]] = {}
    whole = window.total_seconds()
    for channel, delay, age in came:
        at = bin_of(delay.total_seconds(), whole)
        n, r = counts.setdefault(channel, [0] * BINS), risks.setdefault(channel, [0] * BINS)
        reached = bisect_right(EDGES, min(age.total_seconds() / whole, 1.0)) - 1
        if at < reached:
            n[at] += 1
        for index in range(at, reached):
            r[index] += 1
    return Delays(
        window,
        {channel: tuple(bins) for channel, bins in counts.items()},
        {channel: tuple(bins) for channel, bins in risks.items()},
    )
