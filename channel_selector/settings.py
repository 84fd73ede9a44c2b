"""A deployment's choices for the policy; equal settings have equal versions, and every number in them is in range."""

import json
from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import StrEnum
from hashlib import blake2b
from typing import Any

from channel_selector.endpoints import CHANNELS
from channel_selector.validation import MICROSECOND, require_number

LONGEST_WINDOW = timedelta(days=90)


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
    the hours out. salt: changes who is held out.
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
    salt: str = ""

    def __post_init__(self) -> None:
        for name in ("floor", "holdout", "bau", "customer_exploration", "population_exploration", "activity_weight"):
            require_number(name, getattr(self, name), low=0.0, high=1.0)
        require_number("holdout and bau together", self.holdout + self.bau, low=0.0, high=1.0)
        require_number("margin", self.margin, low=0.0)
        if not timedelta(0) < self.attribution_window <= LONGEST_WINDOW:
            raise ValueError("attribution_window must be longer than nothing and at most 90 days")
        object.__setattr__(self, "activation", Activation(self.activation))
        object.__setattr__(self, "bau_channels", tuple(self.bau_channels))

    @property
    def version(self) -> str:
        """Sixteen hex digits, equal for equal settings only."""
        return blake2b(json.dumps(self.to_json(), sort_keys=True).encode(), digest_size=8).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Give the settings as JSON holds them; the window in microseconds."""
        return {
            **asdict(self),
            "attribution_window": self.attribution_window // MICROSECOND,
            "bau_channels": list(self.bau_channels),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "SelectorSettings":
        """Give the settings `to_json` wrote."""
        window = timedelta(microseconds=data["attribution_window"])
        return cls(**{**data, "attribution_window": window, "bau_channels": tuple(data["bau_channels"])})
