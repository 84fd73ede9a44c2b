"""Every endpoint of a person is either among the options of a message or left out with its reason.

Eligibility comes before the policy and is none of its business: consent, suppression, endpoint state, quiet hours and
frequency caps.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import NamedTuple

from channel_selector.eligibility.arms import Arm, daypart
from channel_selector.eligibility.caps import Caps, FrequencyCap, PastSend
from channel_selector.eligibility.endpoints import MARKETING, PUSHES, TRANSACTIONAL, Consent, Endpoint, EndpointStatus
from channel_selector.eligibility.permissions import permitted
from channel_selector.eligibility.slots import DAYPART_SLOTS, QuietHours, SendSlot, SendTime, send_times
from channel_selector.records import maker
from channel_selector.validation import (
    LARGEST,
    from_microseconds,
    require_integer,
    require_number,
    require_text,
    to_microseconds,
    utc,
)

ALREADY_PURCHASED = "already_purchased"
SUPPRESSED = "suppressed"
NO_ENDPOINT = "no_endpoint"
CHANNEL_NOT_REQUESTED = "channel_not_requested"
UNVERIFIED_ENDPOINT = "unverified_endpoint"
ENDPOINT_STATUS = {EndpointStatus.BOUNCED: "endpoint_bounced", EndpointStatus.EXPIRED: "endpoint_expired"}
LONG_UNSEEN = "endpoint_long_unseen"
UNSEEN: Mapping[str, timedelta] = dict.fromkeys(PUSHES, timedelta(days=270))
"""How long an endpoint may go unseen where rules say nothing: push services let tokens go after 270 idle days (FCM)."""
NO_CONSENT = "no_consent"
DEADLINE_PASSED = "deadline_passed"
QUIET_HOURS = "quiet_hours"
QUIET_HOURS_PAST_DEADLINE = "quiet_hours_past_deadline"
FREQUENCY_CAP = "frequency_cap"
NO_ELIGIBLE_OPTION = "no_eligible_option"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryOption:
    """One way to send a message: an endpoint at an instant, perhaps in a variant; taken as eligible.

    `local_hour` (0–23) and `weekday` (0 Monday – 6) are the customer's at `send_at`; `cost` is one send's, in the
    currency of the cart, 0 to 1e15; `channel` and `device_kind` are open texts, `device_kind` "" where an address is on
    no one device. ValueError on anything else.
    """

    option_id: str
    channel: str
    device_kind: str
    endpoint_id: str
    send_at: datetime
    local_hour: int
    weekday: int
    cost: float = 0.0
    variant: str | None = None

    def __post_init__(self) -> None:
        if not self._plain():
            require_text("option_id", self.option_id)
            require_text("channel", self.channel)
            require_integer("local_hour", self.local_hour, low=0, high=23)
            require_integer("weekday", self.weekday, low=0, high=6)
            require_number("cost", self.cost, low=0.0)
            object.__setattr__(self, "send_at", utc("send_at", self.send_at))

    def _plain(self) -> bool:
        """Tell at one look that nothing is wrong, as with nearly all: thirty options are made for a decision."""
        return (
            type(self.option_id) is str
            and type(self.channel) is str
            and self.option_id != ""
            and self.channel != ""
            and type(self.local_hour) is int
            and 0 <= self.local_hour <= 23
            and type(self.weekday) is int
            and 0 <= self.weekday <= 6
            and type(self.cost) is float
            and 0.0 <= self.cost <= LARGEST
            and type(self.send_at) is datetime
            and self.send_at.tzinfo is UTC
        )

    @property
    def arm(self) -> Arm:
        """The arm that the option shares learning with."""
        return Arm(self.channel, self.device_kind, daypart(self.local_hour))

    def to_json(self) -> dict[str, object]:
        """Give the record as JSON holds it; instants are microseconds since 1970 UTC."""
        return {
            "option_id": self.option_id,
            "channel": self.channel,
            "device_kind": self.device_kind,
            "endpoint_id": self.endpoint_id,
            "send_at": to_microseconds(self.send_at),
            "local_hour": self.local_hour,
            "weekday": self.weekday,
            "cost": self.cost,
            "variant": self.variant,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> "DeliveryOption":
        """Give the record `to_json` wrote."""
        return cls(**{**data, "send_at": from_microseconds(data["send_at"])})  # type: ignore[arg-type]  # own fields


@dataclass(frozen=True, slots=True, kw_only=True)
class EligibilityRules:
    """What a deployment allows, the same for everybody.

    `unknown_consent`: for a channel, whether silence allows marketing (unset: only pushes). `costs`: one send's, by
    channel (unset: 0). `slots`: the parts of the day offered. `unseen`: for a channel, how long after it was last seen
    an endpoint is used (unset: `UNSEEN`, for other channels for ever).
    """

    slots: tuple[SendSlot, ...] = DAYPART_SLOTS
    quiet: QuietHours | None = None
    caps: tuple[FrequencyCap, ...] = ()
    unknown_consent: Mapping[str, bool] = field(default_factory=dict)
    costs: Mapping[str, float] = field(default_factory=dict)
    unseen: Mapping[str, timedelta] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for channel, cost in self.costs.items():
            require_number(f"cost of {channel}", cost, low=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """What eligibility needs to know of a person.

    `sends` are past and planned ones, for the caps; `suppressed` holds back everything; so does
    `suppressed_endpoints` for single addresses (a complaint, an opt-out at the provider).
    """

    endpoints: tuple[Endpoint, ...]
    consents: tuple[Consent, ...] = ()
    sends: tuple[PastSend, ...] = ()
    timezone: tzinfo
    suppressed: bool = False
    suppressed_endpoints: frozenset[str] = frozenset()
    already_purchased: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageWindow:
    """When and how one message may go out: [not_before, deadline), by these channels (None: any), in these variants."""

    not_before: datetime
    deadline: datetime
    purpose: str = MARKETING
    channels: tuple[str, ...] | None = None
    variants: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "not_before", utc("not_before", self.not_before))
        object.__setattr__(self, "deadline", utc("deadline", self.deadline))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ineligible:
    """An endpoint left out, and why."""

    channel: str
    endpoint_id: str
    reason_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Eligibility:
    """What may be sent and what may not; `hold_reason` is None where anything may, else the one reason to hold."""

    options: tuple[DeliveryOption, ...]
    excluded: tuple[Ineligible, ...]
    hold_reason: str | None


def eligible(recipient: Recipient, message: MessageWindow, rules: EligibilityRules) -> Eligibility:
    """Sort a person's endpoints into options (endpoint × send time × variant) and those left out, each with its reason.

    Already bought and suppressed hold everything back. Endpoints are judged in this order: suppressed, channel not
    asked for, unverified, bounced, expired, long unseen, no consent, no time (deadline, quiet hours), frequency cap.
    Transactional messages need no marketing consent and know neither caps nor quiet hours. Options keep the order of
    the endpoints (the first of equals is preferred later on), then time, then variant.
    """
    if recipient.already_purchased:
        return _hold(recipient.endpoints, ALREADY_PURCHASED)
    if recipient.suppressed:
        return _hold(recipient.endpoints, SUPPRESSED)
    times, no_time = _times(recipient, message, rules)
    caps = Caps(() if message.purpose == TRANSACTIONAL else rules.caps, recipient.sends)
    options: list[DeliveryOption] = []
    excluded: list[Ineligible] = []
    for endpoint in recipient.endpoints:
        reason = _refusal(endpoint, recipient, message, rules) or no_time
        fitting = [] if reason else [each for each in times if caps.allow(endpoint.channel, each.when.send_at)]
        if fitting:
            options.extend(_options(endpoint, fitting, rules.costs.get(endpoint.channel, 0.0)))
        else:
            excluded.append(_left_out(endpoint, reason or FREQUENCY_CAP))
    return Eligibility(
        options=tuple(options), excluded=tuple(excluded), hold_reason=None if options else _common_reason(excluded)
    )


def _refusal(endpoint: Endpoint, recipient: Recipient, message: MessageWindow, rules: EligibilityRules) -> str | None:
    if endpoint.endpoint_id in recipient.suppressed_endpoints:
        return SUPPRESSED
    if message.channels is not None and endpoint.channel not in message.channels:
        return CHANNEL_NOT_REQUESTED
    unfit = _unfit(endpoint, message.not_before, rules)
    if unfit is not None:
        return unfit
    if not permitted(endpoint.channel, message.purpose, recipient.consents, rules.unknown_consent):
        return NO_CONSENT
    return None


def _unfit(endpoint: Endpoint, at: datetime, rules: EligibilityRules) -> str | None:
    """Give the reason why nothing would arrive at an endpoint, or not at the person; None where it would."""
    if not endpoint.deliverable:
        return UNVERIFIED_ENDPOINT
    if endpoint.status in ENDPOINT_STATUS:
        return ENDPOINT_STATUS[endpoint.status]
    longest = rules.unseen.get(endpoint.channel, UNSEEN.get(endpoint.channel))
    unseen = longest is not None and endpoint.last_seen is not None and at - endpoint.last_seen > longest
    return LONG_UNSEEN if unseen else None


def _times(
    recipient: Recipient, message: MessageWindow, rules: EligibilityRules
) -> tuple[tuple["_Named", ...], str | None]:
    """Give the message's send times in each variant, or the reason why there are none."""
    quiet = None if message.purpose == TRANSACTIONAL else rules.quiet
    start, end, tz = message.not_before, message.deadline, recipient.timezone
    times = _named(tuple(rules.slots), quiet, start, end, tz, tuple(message.variants))
    if times:
        return times, None
    if quiet is not None and send_times(rules.slots, not_before=start, deadline=end, tz=tz):
        return (), QUIET_HOURS
    return (), DEADLINE_PASSED


def option_id(endpoint_id: str, send_at: datetime, variant: str | None = None) -> str:
    """Name an option of a message: where, when to the second, and with which content, if there are several."""
    name = f"{endpoint_id}@{int(send_at.timestamp())}"
    return name if variant is None else f"{name}#{variant}"


class _Named(NamedTuple):
    """A send time with a variant, and how the names of options at it end."""

    when: SendTime
    variant: str | None
    ending: str


@lru_cache(maxsize=256)
def _named(  # noqa: PLR0917 - what it is kept by
    slots: tuple[SendSlot, ...],
    quiet: QuietHours | None,
    start: datetime,
    end: datetime,
    tz: tzinfo,
    variants: tuple[str, ...],
) -> tuple[_Named, ...]:
    """Give the send times in each variant; messages decided on together, for customers of one zone, share them."""
    times = send_times(slots, not_before=start, deadline=end, tz=tz, quiet=quiet)
    return tuple(
        _Named(when, each, option_id("", when.send_at, each)) for when in times for each in variants or (None,)
    )


def _options(endpoint: Endpoint, fitting: Iterable[_Named], cost: float) -> Iterator[DeliveryOption]:
    name, channel, kind = endpoint.endpoint_id, endpoint.channel, endpoint.device_kind
    require_text("channel", channel)
    for when, variant, ending in fitting:
        yield _right(name + ending, channel, kind, name, when.send_at, when.local_hour, when.weekday, cost, variant)


_right = maker(DeliveryOption)


def _left_out(endpoint: Endpoint, reason: str) -> Ineligible:
    return Ineligible(channel=endpoint.channel, endpoint_id=endpoint.endpoint_id, reason_code=reason)


def _hold(endpoints: Iterable[Endpoint], reason: str) -> Eligibility:
    return Eligibility(options=(), excluded=tuple(_left_out(each, reason) for each in endpoints), hold_reason=reason)


def _common_reason(excluded: Sequence[Ineligible]) -> str:
    """Give the reason all share; channels nobody asked for count only where there is nothing else."""
    reasons = {each.reason_code for each in excluded}
    told = reasons - {CHANNEL_NOT_REQUESTED} or reasons
    if not told:
        return NO_ENDPOINT
    if len(told) > 1:
        return NO_ELIGIBLE_OPTION
    return QUIET_HOURS_PAST_DEADLINE if told == {QUIET_HOURS} else told.pop()
