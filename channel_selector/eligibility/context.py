"""What is known of a customer when a message is due, all of it finite and on an aware clock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import log
from typing import Any

from channel_selector.eligibility.arms import DAYPARTS, HOURS_OF_DAYPART
from channel_selector.validation import (
    LARGEST,
    from_microseconds,
    require_number,
    require_text,
    to_microseconds,
    utc,
)

FREE_FEATURES = (str, bool, type(None))
HOURS_OF_DAY = 24
ACTIVITY_PSEUDO_COUNT = 2.0
"""Events that every part of the day is given before the customer's own are counted."""
LEAST_SHARE = 0.05
NO_LEANS = (0.0,) * DAYPARTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The customer and the occasion.

    subject: who learns and is held out as one. segment: who shares learning. activity: 24 counts of the customer's own
    events by local hour. cart_value × margin (a fraction then), else margin alone, is what a conversion brings.
    abandoned_at: since when the cart was left; recent_sends: other messages lately. features are kept in the log; this
    version's model does not use them.
    """

    subject: str
    segment: str | None = None
    features: Mapping[str, float | str | bool | None] = field(default_factory=dict)
    activity: Sequence[float] | None = None
    abandoned_at: datetime | None = None
    cart_value: float | None = None
    margin: float | None = None
    recent_sends: Sequence[datetime] = ()

    def __post_init__(self) -> None:
        require_text("subject", self.subject)
        for name, value in self.features.items():
            if not isinstance(value, FREE_FEATURES):
                require_number(f"feature {name}", value)
        for name in ("cart_value", "margin"):
            if getattr(self, name) is not None:
                require_number(name, getattr(self, name), low=0.0)
        self._freeze()

    def _freeze(self) -> None:
        if self.activity is not None:
            object.__setattr__(self, "activity", _hours(self.activity))
        if self.abandoned_at is not None:
            object.__setattr__(self, "abandoned_at", utc("abandoned_at", self.abandoned_at))
        object.__setattr__(self, "recent_sends", tuple(utc("recent send", at) for at in self.recent_sends))

    def gain(self, default_margin: float) -> float:
        """Give what one conversion brings, in the currency of the cart."""
        margin = default_margin if self.margin is None else self.margin
        return margin if self.cart_value is None else margin * self.cart_value

    def to_json(self) -> dict[str, Any]:
        """Give the record as JSON holds it; instants are microseconds since 1970 UTC."""
        return {
            "subject": self.subject,
            "segment": self.segment,
            "features": dict(self.features),
            "activity": None if self.activity is None else list(self.activity),
            "abandoned_at": None if self.abandoned_at is None else to_microseconds(self.abandoned_at),
            "cart_value": self.cart_value,
            "margin": self.margin,
            "recent_sends": [to_microseconds(at) for at in self.recent_sends],
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Context":
        """Give the record `to_json` wrote."""
        abandoned = data["abandoned_at"]
        instants = {
            "abandoned_at": None if abandoned is None else from_microseconds(abandoned),
            "recent_sends": tuple(from_microseconds(at) for at in data["recent_sends"]),
        }
        return cls(**{**data, **instants})


def leans(activity: Sequence[float] | None) -> tuple[float, ...]:
    """Give how far each of the eight parts of the day is a customer's own: log-share of their events, about its mean.

    Two events are added to each part, so that few events say little, and 0.05 to each share, so that an hour never
    seen is not out of the question; zeros where nothing is known. How far reactions follow it is learned
    (`reactions.HOURS`). It is a prior only: what came of messages overrules it.
    """
    if activity is None:
        return NO_LEANS
    parts = [sum(activity[start : start + HOURS_OF_DAYPART]) for start in range(0, HOURS_OF_DAY, HOURS_OF_DAYPART)]
    whole = sum(parts) + DAYPARTS * ACTIVITY_PSEUDO_COUNT
    logs = [log((events + ACTIVITY_PSEUDO_COUNT) / whole + LEAST_SHARE) for events in parts]
    mean = sum(logs) / DAYPARTS
    return tuple(each - mean for each in logs)


def _hours(activity: Sequence[float]) -> tuple[float, ...]:
    if len(activity) != HOURS_OF_DAY:
        raise ValueError("activity must be 24 counts, one for each local hour")
    counts = tuple(activity)
    if set(map(type, counts)) == {int} and 0 <= min(counts) <= max(counts) <= LARGEST:
        return counts  # as nearly all are: there is no need to look at each
    for count in counts:
        require_number("activity", count, low=0.0)
    return counts
