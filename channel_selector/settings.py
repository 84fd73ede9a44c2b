"""A deployment's choices for the policy; equal settings have equal versions, and every number in them is in range."""

import json
from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import StrEnum
from hashlib import blake2b
from typing import Any

from channel_selector.eligibility.endpoints import CHANNELS
from channel_selector.validation import MICROSECOND, require_integer, require_number

LONGEST_WINDOW = timedelta(days=90)
SHORTEST_HALF_LIFE, LONGEST_HALF_LIFE = timedelta(days=1), timedelta(days=36_500)
MOST_FOR_NEW = 0.5
"""The share of choices that minimum shares of new channels may take together at most."""


class Activation(StrEnum):
    """Which decisions count as sent: all but those reported `not_sent`, or only those reported sent or delivered."""

    ASSUMED = "assumed"
    REPORTED = "reported"


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectorSettings:
    """What the policy is told.

    floor: ε, 0–1, the share of choices spread evenly over the options. attribution_window: how long after `send_at` an
    outcome counts, up to 90 days. holdout, bau: shares of subjects (0–1 together) sent nothing / sent as `bau_channels`
    says (first channel available, earliest time). do_not_send: sending nothing competes with value 0. margin: what one
    conversion brings (a fraction where contexts give cart values), 0 to 1e15. customer_exploration,
    population_exploration: 0–1, how much of the uncertainty about the customer and about everybody, in standard
    deviations, is explored; 1 and 1 is plain Thompson sampling, too curious where a customer gets few messages.
    activity_weight: 0–1, how far log-odds are taken to follow a customer's own hours before that is learned; 0 leaves
    the hours out. half_life: after so long a message counts for half of what is learned, a day at least; None: for ever
    in full. new_channel_share: 0–0.5, the least share of choices that a channel has until `new_channel_messages` have
    gone out by it, where others are open too; new channels together never have more than half for it. lifetime_value:
    what somebody who unsubscribes would have brought. salt: changes who is held out.
    """

    floor: float = 0.05
    attribution_window: timedelta = timedelta(days=7)
    holdout: float = 0.0
    bau: float = 0.0
    bau_channels: tuple[str, ...] = CHANNELS
    do_not_send: bool = False
    margin: float = 1.0
    activation: Activation = Activation.ASSUMED
    customer_exploration: float = 0.15
    population_exploration: float = 0.5
    activity_weight: float = 0.5
    half_life: timedelta | None = None
    new_channel_share: float = 0.0
    new_channel_messages: int = 1_000
    lifetime_value: float = 0.0
    salt: str = ""

    def __post_init__(self) -> None:
        for name in ("floor", "holdout", "bau", "customer_exploration", "population_exploration", "activity_weight"):
            require_number(name, getattr(self, name), low=0.0, high=1.0)
        require_number("holdout and bau together", self.holdout + self.bau, low=0.0, high=1.0)
        require_number("margin", self.margin, low=0.0)
        require_number("lifetime_value", self.lifetime_value, low=0.0)
        require_number("new_channel_share", self.new_channel_share, low=0.0, high=MOST_FOR_NEW)
        require_integer("new_channel_messages", self.new_channel_messages, low=1, high=10**9)
        if self.half_life is not None and not SHORTEST_HALF_LIFE <= self.half_life <= LONGEST_HALF_LIFE:
            raise ValueError("half_life must be from a day to a hundred years, or None")
        if not timedelta(0) < self.attribution_window <= LONGEST_WINDOW:
            raise ValueError("attribution_window must be longer than nothing and at most 90 days")
        object.__setattr__(self, "activation", Activation(self.activation))
        object.__setattr__(self, "bau_channels", tuple(self.bau_channels))

    @property
    def version(self) -> str:
        """Sixteen hex digits, equal for equal settings only."""
        return blake2b(json.dumps(self.to_json(), sort_keys=True).encode(), digest_size=8).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Give the settings as JSON holds them; the window and the half-life in microseconds."""
        return {
            **asdict(self),
            "half_life": None if self.half_life is None else self.half_life // MICROSECOND,
            "attribution_window": self.attribution_window // MICROSECOND,
            "bau_channels": list(self.bau_channels),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "SelectorSettings":
        """Give the settings `to_json` wrote."""
        half_life = data.get("half_life")
        spans = {
            "attribution_window": timedelta(microseconds=data["attribution_window"]),
            "half_life": None if half_life is None else timedelta(microseconds=half_life),
        }
        return cls(**{**data, **spans, "bau_channels": tuple(data["bau_channels"])})
