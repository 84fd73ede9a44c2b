"""A decision holds all that its probabilities were computed from, so that the log alone can compute them again."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from channel_selector.eligibility.arms import Arm, daypart
from channel_selector.eligibility.context import Context, leans
from channel_selector.eligibility.options import DeliveryOption
from channel_selector.holdout import Assignment
from channel_selector.model.reactions import Occasion
from channel_selector.model.tallies import NO_TALLY, CustomerEffects, Tally
from channel_selector.reasons import Evidence, ReasonCode, sentence
from channel_selector.validation import from_microseconds, to_microseconds

HOUR, LATELY = timedelta(hours=1), timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """What learning needs of a decision to send: whose, where, when, on which occasion; nothing else is read again.

    `lean`, `waited`, `weekday`, `variant`, `recent`: see `reactions.Occasion`.
    """

    decision_id: str
    subject: str
    segment: str | None
    channel: str
    device_kind: str
    local_hour: int
    endpoint_id: str
    send_at: datetime
    lean: float = 0.0
    waited: float | None = None
    weekday: int | None = None
    variant: str | None = None
    recent: int = 0

    @property
    def occasion(self) -> Occasion:
        """What of the message is not its arm."""
        return Occasion(
            lean=self.lean, waited=self.waited, weekday=self.weekday, variant=self.variant, recent=self.recent
        )

    @property
    def arm(self) -> Arm:
        """The arm that the send teaches about."""
        return Arm(self.channel, self.device_kind, daypart(self.local_hour))

    def to_json(self) -> dict[str, Any]:
        """Give the record as JSON holds it; the instant in microseconds since 1970 UTC."""
        return {
            "decision_id": self.decision_id,
            "subject": self.subject,
            "segment": self.segment,
            "channel": self.channel,
            "device_kind": self.device_kind,
            "local_hour": self.local_hour,
            "endpoint_id": self.endpoint_id,
            "send_at": to_microseconds(self.send_at),
            "lean": self.lean,
            "waited": self.waited,
            "weekday": self.weekday,
            "variant": self.variant,
            "recent": self.recent,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Send":
        """Give the record `to_json` wrote."""
        return cls(**{**data, "send_at": from_microseconds(data["send_at"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was chosen for one message, with which probability, and on what evidence.

    `chosen`: index into `options` (the eligible set as given), None: do not send. `probabilities`: π of each option in
    that order; with `no_send_probability` they sum to 1. `propensity`: π of what was chosen, > 0; None where the best
    option was asked for instead of a draw (then `probabilities` is 1 for it), and nothing is ever learned from it.
    `conversion_probabilities`: the estimate for each option; empty where nothing was estimated (holdout, no options).
    `interval`: 95 % credible, of the chosen option's. `expected_value`: conversion probability × what a conversion
    brings − `losses`, 0 where nothing is sent. `effects`: the customer's tallies then. `evidence`, `channel_evidence`:
    the population's of the chosen arm, and of its channel. `seed` and `decision_id` drove the draw, nothing else.
    """

    decision_id: str
    subject: str
    option_id: str | None
    propensity: float | None
    probabilities: tuple[float, ...]
    no_send_probability: float
    expected_value: float
    assignment: Assignment
    policy_version: str
    model_version: str
    seed: int
    at: datetime
    chosen: int | None
    conversion_probability: float | None
    conversion_probabilities: tuple[float, ...]
    interval: tuple[float, float] | None
    reason_code: ReasonCode
    evidence: Tally
    effects: CustomerEffects
    context: Context = field(repr=False)
    options: tuple[DeliveryOption, ...] = field(repr=False)
    channel_evidence: Tally = NO_TALLY

    @property
    def option(self) -> DeliveryOption | None:
        """The option chosen; None: do not send."""
        return None if self.chosen is None else self.options[self.chosen]

    @property
    def arm(self) -> Arm | None:
        """The arm of the option chosen."""
        option = self.option
        return None if option is None else option.arm

    @property
    def reason(self) -> str:
        """One plain sentence with the counts that it rests on."""
        return sentence(self.reason_code, self.arm, self.effects, Evidence(self.evidence, self.channel_evidence))

    @property
    def send(self) -> Send | None:
        """What learning needs; None where nothing is sent or the option was not drawn."""
        option = self.option
        if option is None or self.propensity is None:
            return None
        return _send(self.decision_id, self.subject, self.context, option)

    def to_json(self) -> dict[str, Any]:
        """Give the record as JSON holds it; instants are microseconds since 1970 UTC."""
        plain = {name: getattr(self, name) for name in PLAIN_FIELDS}
        return {
            **plain,
            "probabilities": list(self.probabilities),
            "conversion_probabilities": list(self.conversion_probabilities),
            "interval": None if self.interval is None else list(self.interval),
            "assignment": self.assignment.value,
            "reason_code": self.reason_code.value,
            "at": to_microseconds(self.at),
            "evidence": list(self.evidence),
            "channel_evidence": list(self.channel_evidence),
            "effects": self.effects.to_json(),
            "context": self.context.to_json(),
            "options": [option.to_json() for option in self.options],
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Decision":
        """Give the record `to_json` wrote."""
        interval = data["interval"]
        return cls(
            **{name: data[name] for name in PLAIN_FIELDS},
            probabilities=tuple(data["probabilities"]),
            conversion_probabilities=tuple(data["conversion_probabilities"]),
            interval=None if interval is None else (interval[0], interval[1]),
            assignment=Assignment(data["assignment"]),
            reason_code=ReasonCode(data["reason_code"]),
            at=from_microseconds(data["at"]),
            evidence=Tally(*data["evidence"]),
            channel_evidence=Tally(*data["channel_evidence"]),
            effects=CustomerEffects.from_json(data["effects"]),
            context=Context.from_json(data["context"]),
            options=tuple(DeliveryOption.from_json(option) for option in data["options"]),
        )


def send_of_json(data: dict[str, Any]) -> Send | None:
    """Give the `send` of a decision as `Decision.to_json` wrote it, without reading the options not chosen.

    For folding a long log: it costs a fraction of making the decision whole.
    """
    if data["chosen"] is None or data["propensity"] is None:
        return None
    option = DeliveryOption.from_json(data["options"][data["chosen"]])
    return _send(data["decision_id"], data["subject"], Context.from_json(data["context"]), option)


def _send(decision_id: str, subject: str, context: Context, option: DeliveryOption) -> Send:
    occasion = occasion_of(context, option)
    return Send(
        decision_id=decision_id,
        subject=subject,
        segment=context.segment,
        channel=option.channel,
        device_kind=option.device_kind,
        local_hour=option.local_hour,
        endpoint_id=option.endpoint_id,
        send_at=option.send_at,
        lean=leans(context.activity)[daypart(option.local_hour)],
        waited=occasion.waited,
        weekday=occasion.weekday,
        variant=occasion.variant,
        recent=occasion.recent,
    )


def occasion_of(context: Context, option: DeliveryOption) -> Occasion:
    """Give the occasion of an option, without the customer's hours; recent messages are those of the week before."""
    waited = None if context.abandoned_at is None else (option.send_at - context.abandoned_at) / HOUR
    recent = sum(option.send_at - LATELY < at <= option.send_at for at in context.recent_sends)
    return Occasion(waited=waited, weekday=option.weekday, variant=option.variant, recent=recent)


PLAIN_FIELDS = (
    "decision_id",
    "subject",
    "option_id",
    "propensity",
    "no_send_probability",
    "expected_value",
    "policy_version",
    "model_version",
    "seed",
    "chosen",
    "conversion_probability",
)
