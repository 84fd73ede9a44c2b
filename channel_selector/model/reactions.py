"""How likely a typical customer is to react: log-odds that add up, one coefficient for each thing that matters.

Coefficients are of the average over customers; `Tastes.stretch` turns their sum into a typical customer's log-odds. A
key that was never seen has its prior's mean, so a channel of tomorrow is rated as the average one, unsurely.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import log, log1p
from typing import Any

from channel_selector.eligibility.arms import Arm
from channel_selector.model.tastes import Tastes

Key = tuple[str, ...]
"""What a coefficient is of: its family, then the names that tell it apart in the family."""

BASE, CHANNEL, KIND, PART, CHANNEL_PART, SEGMENT_CHANNEL = "", "channel", "kind", "part", "channel part", "segment"
HOURS, WAITED, WEEKEND, VARIANT, RECENT = "hours", "waited", "weekend", "variant", "recent"

ARM_FAMILIES = BASE, CHANNEL, KIND, PART, CHANNEL_PART, SEGMENT_CHANNEL
"""The families of `arm_keys`, in their order."""
USUAL_LOG_ODDS = log(0.07 / 0.93)
"""Before anything is known: e-mail clicks 5.3–9.5 %, pushes 4.2–14.4 % (CALIBRATION)."""
SPREADS: Mapping[str, float] = {
    BASE: 1.5,
    CHANNEL: 0.7,
    KIND: 0.4,
    PART: 0.4,
    CHANNEL_PART: 0.3,
    SEGMENT_CHANNEL: 0.3,
    HOURS: 0.5,
    WAITED: 0.4,
    WEEKEND: 0.3,
    VARIANT: 0.3,
    RECENT: 0.2,
}
"""Standard deviations of the coefficients before anything is known, by family, in log-odds."""
PRIOR_TASTES = Tastes(person=0.16, channel=0.25, endpoint=0.09, kind=0.09, part=0.2, arm=0.16)
"""Variances of customers' tastes before anything is known."""
WAITS = (1.0, 3.0, 12.0, 24.0, 48.0)
"""Hours since the cart was left, where one bin of `waited` ends and the next begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """What of a message is not its arm: how active the customer is at that hour, how late it is, which text it has.

    lean: `context.leans` of the part of the day. waited: hours since the cart was left, None where none was. recent:
    messages to the customer lately.
    """

    lean: float = 0.0
    waited: float | None = None
    weekday: int | None = None
    variant: str | None = None
    recent: int = 0

    def terms(self) -> Iterator[tuple[Key, float]]:
        """Give the keys that bear on the occasion, each with what its coefficient is multiplied by; without `lean`."""
        if self.waited is not None:
            yield (WAITED, str(wait_of(self.waited))), 1.0
        if self.weekday is not None and self.weekday >= 5:
            yield (WEEKEND,), 1.0
        if self.variant is not None:
            yield (VARIANT, self.variant), 1.0
        if self.recent:
            yield (RECENT,), log1p(self.recent)


def wait_of(hours: float) -> int:
    """Give the bin (0–5) of `WAITS` that a time since the cart was left lies in."""
    return sum(hours >= end for end in WAITS)


def arm_keys(segment: str | None, arm: Arm) -> tuple[Key, ...]:
    """Give the keys that bear on an arm in a segment; always as many, the segment's last."""
    channel, kind, part = arm
    return (
        (BASE,),
        (CHANNEL, channel),
        (KIND, kind),
        (PART, str(part)),
        (CHANNEL_PART, channel, str(part)),
        (SEGMENT_CHANNEL, "" if segment is None else f"={segment}", channel),
    )


def prior_mean(key: Key, activity_weight: float) -> float:
    """Give a coefficient's mean before anything is known."""
    if key[0] == BASE:
        return USUAL_LOG_ODDS
    return activity_weight if key[0] == HOURS else 0.0


@dataclass(frozen=True, slots=True)
class Reactions:
    """The coefficients, and how far customers differ from them; made by `fitting.fit_reactions`."""

    coefficients: Mapping[Key, float] = field(default_factory=dict)
    tastes: Tastes = PRIOR_TASTES

    def of(self, key: Key) -> float:
        """Give a coefficient; that of a key never seen is its prior's mean (0 but for the base)."""
        found = self.coefficients.get(key)
        return prior_mean(key, 0.0) if found is None else found

    def log_odds(self, segment: str | None, arm: Arm) -> float:
        """Give the average customer's log-odds of a reaction on the most ordinary occasion."""
        return sum(self.of(key) for key in arm_keys(segment, arm))

    def hours(self, activity_weight: float) -> float:
        """Give how far the log-odds follow a customer's own hours; 0 where settings turn that off."""
        return self.coefficients.get((HOURS,), activity_weight) if activity_weight > 0.0 else 0.0

    @property
    def varies(self) -> bool:
        """Tell whether the weekday or a variant has ever mattered, so that occasions need to be looked at."""
        return any(key[0] in {WEEKEND, VARIANT} for key in self.coefficients)

    def occasion(self, occasion: Occasion) -> float:
        """Give what an occasion adds to the log-odds; without the customer's hours."""
        return sum(self.of(key) * times for key, times in occasion.terms())

    def to_json(self) -> dict[str, Any]:
        """Give the record as JSON holds it, coefficients in order."""
        return {
            "coefficients": [[*key, self.coefficients[key]] for key in sorted(self.coefficients)],
            "tastes": list(self.tastes),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Reactions":
        """Give the record `to_json` wrote."""
        return cls(_read(data["coefficients"]), Tastes(*data["tastes"]))


def _read(rows: Iterable[list[Any]]) -> dict[Key, float]:
    return {tuple(row[:-1]): row[-1] for row in rows}
