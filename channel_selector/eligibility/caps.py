"""No sliding window of a cap's length ever holds more sends of a person than the cap allows, planned ones included."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from channel_selector.validation import require_integer, utc


@dataclass(frozen=True, slots=True, kw_only=True)
class FrequencyCap:
    """At most `limit` sends to a person in any half-open `window`; `channel` None: over all channels together."""

    limit: int
    window: timedelta
    channel: str | None = None

    def __post_init__(self) -> None:
        require_integer("cap limit", self.limit, low=0, high=1_000_000)
        if not timedelta(0) < self.window <= timedelta(days=366):
            raise ValueError("cap window must be longer than nothing and at most 366 days")


@dataclass(frozen=True, slots=True, kw_only=True)
class PastSend:
    """A message sent, or planned to be sent, to the person: they count alike."""

    at: datetime
    channel: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", utc("send time", self.at))


@dataclass(frozen=True, slots=True)
class Caps:
    """The caps of a deployment against one person's sends."""

    caps: Sequence[FrequencyCap]
    sends: Sequence[PastSend]
    _times: dict[str | None, list[datetime]] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        for channel in {cap.channel for cap in self.caps}:
            self._times[channel] = sorted(send.at for send in self.sends if channel in (None, send.channel))

    def allow(self, channel: str, at: datetime) -> bool:
        """Tell whether one more send by this channel at this instant breaks no cap, past or planned."""
        if not self.caps:
            return True
        concerned = (cap for cap in self.caps if cap.channel in (None, channel))
        return all(_room(self._times[cap.channel], at, cap) for cap in concerned)


def _room(times: Sequence[datetime], at: datetime, cap: FrequencyCap) -> bool:
    """Tell whether every window (end − length, end] that would hold `at` has room for it; `times` are sorted."""
    near = times[bisect_right(times, at - cap.window) : bisect_left(times, at + cap.window)]
    if len(near) < cap.limit:
        return True
    ends = [at, *(sent for sent in near if sent > at)]
    return all(sum(end - cap.window < sent <= end for sent in near) < cap.limit for end in ends)
