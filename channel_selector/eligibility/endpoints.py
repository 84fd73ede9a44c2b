"""Where a message can be sent: a channel and an address, its state, and who may be written to for what."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

APP_PUSH = "app_push"
WEB_PUSH = "web_push"
EMAIL = "email"
SMS = "sms"
MESSENGER = "messenger"
IN_APP = "in_app"
CHANNELS = (APP_PUSH, WEB_PUSH, EMAIL, SMS, MESSENGER, IN_APP)
"""The channels known by name; any other text is a channel too, learned from scratch."""

PUSHES = frozenset({APP_PUSH, WEB_PUSH})
"""Channels that die with their token: a live token is itself a permission given on the device."""

MARKETING = "marketing"
TRANSACTIONAL = "transactional"


class EndpointStatus(StrEnum):
    """Whether messages to an endpoint still arrive."""

    ACTIVE = "active"
    BOUNCED = "bounced"
    EXPIRED = "expired"


class ConsentState(StrEnum):
    """What a person last said about a channel and a purpose."""

    GRANTED = "granted"
    DENIED = "denied"


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """A person's last word on one channel and purpose; `channel` None: on every channel."""

    channel: str | None
    purpose: str
    state: ConsentState
    at: datetime
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A place a message can be sent to.

    `endpoint_id` is stable for (channel, address) and reveals neither. `device_kind` is phone, tablet, desktop or any
    other text; for addresses that are on no one device (e-mail, SMS to a number) it is the empty text. `deliverable`
    is false with its `reason` when nobody trusted has tied the address to the person.
    """

    endpoint_id: str
    channel: str
    address: str = field(repr=False)
    device_id: str | None = field(default=None, repr=False)
    device_kind: str = ""
    status: EndpointStatus = EndpointStatus.ACTIVE
    deliverable: bool = True
    reason: str | None = None
    last_seen: datetime | None = None
