"""Who would have bought anyway: purchases of people in the holdout, who were sent nothing, are no message's doing.

What a message adds is P(buys | sent) − P(buys | not sent). Where clicks are tracked, purchases without one are not
counted among a message's own, so they are taken off the baseline too: the same people would be subtracted twice.
Without a holdout nothing is known of it, and the baseline is 0.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import fsum
from typing import Any, NamedTuple

from channel_selector.decisions import Decision
from channel_selector.holdout import Assignment
from channel_selector.model.forgetting import remembered
from channel_selector.outcomes import Outcome, OutcomeKind
from channel_selector.settings import SelectorSettings
from channel_selector.validation import from_microseconds

DOUBT = 175.0
"""Messages without a purchase that every rate is given: 0.573 % bought without any (Hillstrom), one in 175."""
SEGMENT_WORTH = 8.0
"""Purchases that the rate of all segments is worth beside a segment's own."""


class Bought(NamedTuple):
    """So many messages, sent or withheld, and after how many of them somebody bought; less what is forgotten."""

    messages: float
    bought: float


NOTHING_BOUGHT = Bought(0.0, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """A message that could have been sent and was not, since its recipient is in the holdout."""

    decision_id: str
    subject: str
    segment: str | None
    at: datetime

    @property
    def send_at(self) -> datetime:
        """When it could have gone out: purchases count from then on."""
        return self.at


def withheld(decision: Decision) -> Withheld | None:
    """Give what a decision of the holdout tells of; None for every other, and where nothing could have been sent."""
    if decision.assignment is not Assignment.HOLDOUT or not decision.options:
        return None
    name, subject, segment = decision.decision_id, decision.subject, decision.context.segment
    return Withheld(decision_id=name, subject=subject, segment=segment, at=decision.at)


def withheld_of_json(data: Mapping[str, Any]) -> Withheld | None:
    """Give the `withheld` of a decision as `Decision.to_json` wrote it, without making it whole."""
    if data["assignment"] != Assignment.HOLDOUT or not data["options"]:
        return None
    segment, at = data["context"]["segment"], from_microseconds(data["at"])
    return Withheld(decision_id=data["decision_id"], subject=data["subject"], segment=segment, at=at)


@dataclass(frozen=True, slots=True)
class Organic:
    """Purchases after messages withheld, by segment, and after messages sent that nobody clicked, by channel.

    Only messages whose attribution window is over are counted.
    """

    withheld: Mapping[str | None, Bought] = field(default_factory=dict)
    unclicked: Mapping[str, Bought] = field(default_factory=dict)

    def rate(self, segment: str | None) -> float:
        """Give the share of a segment that buys within the window without a message; 0 where nobody is held out."""
        everybody = total(self.withheld.values())
        mean = everybody.bought / (everybody.messages + DOUBT)
        if mean == 0.0:
            return 0.0
        own = self.withheld.get(segment, NOTHING_BOUGHT)
        return (own.bought + SEGMENT_WORTH) / (own.messages + SEGMENT_WORTH / mean)

    def baseline(self, segment: str | None, channel: str) -> float:
        """Give what is taken off the conversion probability of a message by this channel, 0–1."""
        unclicked = self.unclicked.get(channel, NOTHING_BOUGHT)
        return max(0.0, self.rate(segment) - unclicked.bought / (unclicked.messages + DOUBT))

    def to_json(self) -> dict[str, Any]:
        """Give the record as JSON holds it, in order."""
        segments = sorted(self.withheld, key=lambda segment: (segment is not None, segment or ""))
        return {
            "withheld": [[segment, *self.withheld[segment]] for segment in segments],
            "unclicked": [[channel, *self.unclicked[channel]] for channel in sorted(self.unclicked)],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Organic":
        """Give the record `to_json` wrote."""
        return cls(
            {row[0]: Bought(*row[1:]) for row in data["withheld"]},
            {row[0]: Bought(*row[1:]) for row in data["unclicked"]},
        )


def total(each: Iterable[Bought]) -> Bought:
    """Add up; nothing gives zeros."""
    parts = list(each)
    return Bought(fsum(part.messages for part in parts), fsum(part.bought for part in parts))


def bought_anyway(
    messages: Iterable[Withheld],
    outcomes: Mapping[str, Sequence[Outcome]],
    *,
    settings: SelectorSettings,
    now: datetime,
) -> dict[str | None, Bought]:
    """Count what was bought after messages withheld, by segment; `outcomes` by decision id, in any order.

    Each message counts once, and a purchase in [at, at + window] makes it one that was followed by a purchase.
    """
    window = settings.attribution_window
    unique = {message.decision_id: message for message in messages if message.at + window <= now}
    groups: dict[str | None, list[Bought]] = {}
    for name in sorted(unique):
        message = unique[name]
        weight = remembered(now - message.at, settings.half_life)
        bought = any(_counts(each, message.at, window) for each in outcomes.get(name, ()))
        groups.setdefault(message.segment, []).append(Bought(weight, weight if bought else 0.0))
    return {segment: total(parts) for segment, parts in groups.items()}


def _counts(outcome: Outcome, since: datetime, window: timedelta) -> bool:
    return outcome.kind is OutcomeKind.CONVERTED and since <= outcome.at <= since + window
