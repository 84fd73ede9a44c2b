"""The body and the answer of `/v1/recommendations`."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, model_validator

from channel_selector.eligibility.endpoints import MARKETING
from service.decisions.asks import Ask
from service.schemas.consents import NAME, PRINTABLE, IdentifierGiven, Moment

NAMES_IN_RECIPIENT = 20
VARIANTS = 20
FEATURES = 100
FEATURE_LENGTH = 1_024
AMOUNT_LIMIT = 1e15

Amount = Annotated[float, Field(ge=0, le=AMOUNT_LIMIT, allow_inf_nan=False)]
Name = Annotated[str, Field(pattern=NAME)]
Text = Annotated[str, Field(min_length=1, max_length=255, pattern=PRINTABLE)]
Feature = (
    Annotated[float, Field(allow_inf_nan=False, ge=-AMOUNT_LIMIT, le=AMOUNT_LIMIT)]
    | bool
    | Annotated[str, Field(max_length=FEATURE_LENGTH)]
    | None
)


class ProfileGiven(BaseModel):
    """A recipient by the id of its profile, one that redirects included."""

    model_config = ConfigDict(extra="forbid")

    profile_id: str = Field(min_length=1, max_length=64, pattern=PRINTABLE)


def _as_list(value: object) -> object:
    """Let a single identifier stand for a list of one."""
    return [value] if isinstance(value, dict) and "profile_id" not in value else value


def _shape(value: object) -> str:
    """Tell a profile's id from identifiers, so that a fault is told of the one that was meant."""
    return "profile" if isinstance(value, (dict, ProfileGiven)) else "identifiers"


Recipient = Annotated[
    Annotated[ProfileGiven, Tag("profile")]
    | Annotated[list[IdentifierGiven], Field(min_length=1, max_length=NAMES_IN_RECIPIENT), Tag("identifiers")],
    Discriminator(_shape),
    BeforeValidator(_as_list, json_schema_input_type=ProfileGiven | IdentifierGiven | list[IdentifierGiven]),
]


class MessageGiven(BaseModel):
    """The message to be sent. Its id has one decision for each profile."""

    model_config = ConfigDict(extra="forbid")

    id: Text = Field(repr=False, examples=["cart-881-1"])
    kind: Name = "cart_abandonment"
    purpose: Name = Field(default=MARKETING, examples=["marketing", "transactional"])
    cart_id: Text | None = None
    cart_value: Amount | None = None
    currency: str | None = Field(default=None, pattern=r"^[A-Za-z]{3}$", examples=["KRW"])
    margin: Amount | None = Field(default=None, description="Share of the cart's value that a purchase brings")


class RecommendationAsked(BaseModel):
    """Who is to get which message, within which time, by which of the caller's channels and contents."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    recipient: Recipient = Field(examples=[{"namespace": "anonymous_id", "value": "tablet-7c1"}])
    message: MessageGiven
    abandoned_at: Moment | None = None
    not_before: Moment | None = None
    deadline: Moment | None = Field(default=None, description="Not given: 48 hours from the earliest time to send")
    channels: list[Name] | None = Field(default=None, max_length=50, description="Not given: all that are known")
    variants: tuple[Text, ...] = Field(default=(), max_length=VARIANTS)
    features: dict[Name, Feature] = Field(default={}, max_length=FEATURES, repr=False)
    returned: tuple[Name, ...] = Field(
        default=(),
        alias="return",
        max_length=NAMES_IN_RECIPIENT,
        description="Namespaces to give as recipient_ids; those of addresses need the scope address",
    )
    explore: bool = Field(default=True, description="false: the best option, not drawn and never learned from")

    @model_validator(mode="after")
    def _times_in_order(self) -> "RecommendationAsked":
        if self.not_before is not None and self.deadline is not None and self.deadline <= self.not_before:
            raise ValueError("deadline must be later than not_before")
        return self

    def ask(self) -> Ask:
        """Give it as the domain takes it."""
        message, recipient = self.message, self.recipient
        named = () if isinstance(recipient, ProfileGiven) else recipient
        return Ask(
            recipient=tuple((each.namespace, each.value) for each in named),
            profile_id=recipient.profile_id if isinstance(recipient, ProfileGiven) else None,
            message_id=message.id,
            kind=message.kind,
            purpose=message.purpose,
            cart_id=message.cart_id,
            cart_value=message.cart_value,
            currency=message.currency,
            margin=message.margin,
            abandoned_at=self.abandoned_at,
            not_before=self.not_before,
            deadline=self.deadline,
            channels=None if self.channels is None else tuple(dict.fromkeys(self.channels)),
            variants=tuple(dict.fromkeys(self.variants)),
            features=self.features,
            explore=self.explore,
        )


class Alternative(BaseModel):
    """Another way the message could have gone."""

    channel: str
    device_id: str | None = Field(repr=False)
    send_at: datetime
    conversion_probability: float | None
    propensity: float | None


class Excluded(BaseModel):
    """A way that the message may not go, and why."""

    channel: str
    reason_code: str


class Recommendation(BaseModel):
    """Where and when a message goes.

    `action`: send, hold (not now; `reason_code` says why) or suppress (never). Probabilities are for the option chosen;
    `propensity` is null where it was not drawn.
    """

    decision_id: str
    profile_id: str | None
    user_id: str | None = Field(repr=False)
    recipient_ids: dict[str, list[str]] = Field(repr=False)
    action: str
    channel: str | None
    device_id: str | None = Field(repr=False)
    endpoint_id: str | None
    address: str | None = Field(repr=False)
    variant: str | None
    send_at: datetime | None
    send_at_unix: int | None
    send_in_seconds: int | None
    timezone: str
    expires_at: datetime
    fallback: bool
    holdout: bool
    conversion_probability: float | None
    expected_value: float | None
    interval: tuple[float, float] | None
    propensity: float | None
    policy_version: str
    model_version: str
    identity_confidence: float | None
    reason_code: str
    reason: str
    alternatives: list[Alternative]
    excluded: list[Excluded]


BatchList = Annotated[list[Any], Field(min_length=1, max_length=1_000)]


class BatchAsked(BaseModel):
    """Several questions, judged in order: caps see the earlier ones."""

    model_config = ConfigDict(extra="forbid")

    requests: BatchList = Field(repr=False)


class BatchAnswer(BaseModel):
    """What each would have been answered alone, in order."""

    status: int
    body: dict[str, Any] = Field(repr=False)


class BatchAnswers(BaseModel):
    """All answers, in the order of the questions."""

    results: list[BatchAnswer]
