"""What `/v1/profiles` answers with; values are masked for keys without the scope read_pii."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field


class IdentifierShown(BaseModel):
    """A namespace and a value."""

    namespace: str
    value: str = Field(repr=False)


class KnownShown(IdentifierShown):
    """An identifier the profile holds: the highest trust it was seen at, and who said so last."""

    kind: str = Field(serialization_alias="class")
    trust: str
    source: str
    first_seen: datetime
    last_seen: datetime
    observations: int


class DeviceShown(BaseModel):
    """A device, or a browser where no device is named; "" where its events do not say."""

    namespace: str
    device_id: str = Field(repr=False)
    kind: str
    type: str
    model: str
    system: str
    app: str
    timezone: str | None
    first_seen: datetime
    last_seen: datetime


class EndpointShown(BaseModel):
    """Where a message can be sent; `reason` tells why not."""

    endpoint_id: str
    channel: str
    status: str
    deliverable: bool
    reason: str | None
    device_id: str | None = Field(repr=False)
    device_kind: str
    last_seen: datetime | None


class ConsentShown(BaseModel):
    """The last word on a channel (null: all) and a purpose."""

    channel: str | None
    purpose: str
    state: str
    at: datetime
    source: str


class TraitSourceShown(BaseModel):
    """Where a trait's value came from: of so many words on it so many agree, and the policy took this one."""

    source: str
    trust: str
    at: datetime
    policy: str
    agreeing: int
    words: int


class WarningShown(BaseModel):
    """What an analyst should know of the profile: a code for programs, a sentence for people."""

    code: str
    message: str


class ProfileShown(BaseModel):
    """A profile as it stands now, or stood; asked for by an id it absorbed, it names that one in `redirected_from`."""

    profile_id: str
    redirected_from: str | None
    as_of: datetime | None = Field(description="The moment asked for: by what was known then; null: today")
    profile_id_today: str | None = Field(description="With `as_of`: the id it answers with today, if it still does")
    is_person: bool
    confidence: float = Field(
        description="(k+1)/(n+2): of n sightings of its contacts, devices and browsers with a person, k named its own"
    )
    first_seen: datetime | None
    last_seen: datetime | None
    state: str
    timezone: str | None
    identifiers: list[KnownShown]
    devices: list[DeviceShown]
    endpoints: list[EndpointShown]
    traits: dict[str, Any] = Field(repr=False)
    trait_sources: dict[str, TraitSourceShown] = Field(description="Where each trait's value came from")
    consents: list[ConsentShown]
    shared: list[IdentifierShown] = Field(description="Identifiers of its events that too many persons share")
    warnings: list[WarningShown]


class EventShown(BaseModel):
    """An event that is the profile's, or names one of its identifiers; `content` only with the scope read_pii."""

    message_id: str = Field(repr=False)
    type: str
    name: str | None
    at: datetime
    received_at: datetime
    source: str
    trust: str
    device: IdentifierShown | None
    identifiers: list[IdentifierShown]
    profile_id: str | None = Field(description="Whose it is, by who held the device then; null: nobody's")
    content: dict[str, Any] | None = Field(repr=False)


class EventsShown(BaseModel):
    """A page of events, the newest first."""

    profile_id: str
    redirected_from: str | None
    events: list[EventShown]
    next_cursor: str | None


class OutcomeShown(BaseModel):
    """What became of a message."""

    type: str
    at: datetime


class DecisionShown(BaseModel):
    """A decision on a message as it was made, and what came of it.

    `held`: why nothing was sent (null: it was). `fallback`: made for somebody not known then. `propensity` is null
    where the best option was asked for instead of a draw.
    """

    decision_id: str
    message_id: str = Field(repr=False)
    profile_id: str = Field(description="The profile it was made for, by the id it has for this decision today")
    at: datetime
    held: str | None
    fallback: bool
    channel: str | None
    device_kind: str | None
    endpoint_id: str | None
    variant: str | None
    send_at: datetime | None
    expires_at: datetime
    propensity: float | None
    conversion_probability: float | None
    expected_value: float
    assignment: str
    policy_version: str
    reason_code: str
    reason: str
    outcomes: list[OutcomeShown]


class DecisionsShown(BaseModel):
    """A page of decisions, the newest first."""

    profile_id: str
    redirected_from: str | None
    decisions: list[DecisionShown]
    next_cursor: str | None
