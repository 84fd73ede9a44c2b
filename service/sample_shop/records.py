"""What the sample shop hands over: its traffic, its past messages with exact propensities, and one question.

Everybody in it is invented: addresses are of example.com, numbers from one made-up block, names from a list.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from identity.observations import Trust


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopMessage:
    """A Segment message as an SDK sends it (timestamp and messageId set, no sentAt), and the trust of the key it uses.

    Messages of a device share one `context` object: read it, never change it.
    """

    trust: Trust
    raw: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PastOutcome:
    """What came of a past message: delivered, opened, clicked, converted, unsubscribed or bounced, when, worth what."""

    kind: str
    at: datetime
    value: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PastAddress:
    """Where the former policy could send: `device_kind` is empty and `device_id` None where it is on no one device."""

    channel: str
    endpoint: tuple[str, str] = field(repr=False)
    device_id: str | None = field(repr=False)
    device_kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PastMessage:
    """A cart reminder sent by the shop's former policy, a uniform draw over its options.

    The options were each address of `reach` (the person's consented ones) at each of `hours` (those from 08 to 20
    local that began within twelve hours of the abandonment); `propensity` is therefore exactly 1 / `option_count`.
    `weekday` counts from Monday 0, and is local like `local_hour`.
    """

    decision_id: str
    message_id: str
    subject: tuple[str, str] = field(repr=False)
    address: PastAddress
    abandoned_at: datetime
    sent_at: datetime
    timezone: str
    local_hour: int
    weekday: int
    reach: tuple[PastAddress, ...]
    hours: tuple[datetime, ...]
    cart_id: str
    cart_value: float
    currency: str
    outcomes: tuple[PastOutcome, ...]

    @property
    def channel(self) -> str:
        """The channel it was sent by."""
        return self.address.channel

    @property
    def endpoint(self) -> tuple[str, str]:
        """The namespace and value it was sent to."""
        return self.address.endpoint

    @property
    def device_id(self) -> str | None:
        """The device it was sent to, if to one."""
        return self.address.device_id

    @property
    def device_kind(self) -> str:
        """The kind of that device, or empty."""
        return self.address.device_kind

    @property
    def option_count(self) -> int:
        """How many options there were."""
        return len(self.reach) * len(self.hours)

    @property
    def propensity(self) -> float:
        """The probability with which this option was drawn."""
        return 1 / self.option_count


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The cart of the Sunday tablet: whom to remind of what, and since when."""

    recipient: tuple[str, str] = field(repr=False)
    message_id: str
    cart_id: str
    cart_value: float
    currency: str
    abandoned_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleShop:
    """Some weeks of a shop: `messages` and `past` in order of time, nothing later than the `now` they were made for."""

    messages: list[ShopMessage] = field(repr=False)
    past: list[PastMessage] = field(repr=False)
    question: Question
