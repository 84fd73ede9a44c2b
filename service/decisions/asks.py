"""What a messaging system asks of a message, and what of that is kept to judge its decision by again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from channel_selector.eligibility.endpoints import MARKETING, TRANSACTIONAL
from channel_selector.eligibility.options import MessageWindow

CART_ABANDONMENT = "cart_abandonment"
DEADLINE = timedelta(hours=48)
"""How long a message may wait where its sender names no deadline."""
_LATEST = datetime.max.replace(tzinfo=UTC) - DEADLINE


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What a messaging system asks: to whom, which message, within which time, by which channels.

    `recipient` holds raw (namespace, value) pairs, or `profile_id` is given. `explore` false: the best option, not
    drawn, never learned from.
    """

    recipient: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    profile_id: str | None = None
    message_id: str = field(repr=False)
    kind: str = CART_ABANDONMENT
    purpose: str = MARKETING
    cart_id: str | None = None
    cart_value: float | None = None
    currency: str | None = None
    margin: float | None = None
    abandoned_at: datetime | None = None
    not_before: datetime | None = None
    deadline: datetime | None = None
    channels: tuple[str, ...] | None = None
    variants: tuple[str, ...] = ()
    features: Mapping[str, float | str | bool | None] = field(default_factory=dict, repr=False)
    explore: bool = True

    @property
    def reminds(self) -> bool:
        """Whether it is about a cart left behind, so that it is held once the person has bought.

        Transactional messages never are: a receipt must not wait because its order was made.
        """
        about_cart = self.kind == CART_ABANDONMENT or self.cart_id is not None or self.abandoned_at is not None
        return about_cart and self.purpose != TRANSACTIONAL

    def window(self, now: datetime) -> MessageWindow:
        """Give the time that the message may go out in: never before now."""
        not_before = now if self.not_before is None else max(now, self.not_before)
        return MessageWindow(
            not_before=not_before,
            deadline=min(not_before, _LATEST) + DEADLINE if self.deadline is None else self.deadline,
            purpose=self.purpose,
            channels=self.channels,
            variants=self.variants,
        )

    def kept(self) -> dict[str, Any]:
        """Give what a decision is judged by again later, as JSON; never who the recipient was called."""
        return {
            "message_id": self.message_id,
            "kind": self.kind,
            "purpose": self.purpose,
            "cart_id": self.cart_id,
            "currency": self.currency,
            "abandoned_at": None if self.abandoned_at is None else self.abandoned_at.isoformat(),
            "channels": None if self.channels is None else list(self.channels),
        }

    @classmethod
    def recalled(cls, kept: Mapping[str, Any]) -> "Ask":
        """Give back what `kept` kept."""
        abandoned_at, channels = kept["abandoned_at"], kept["channels"]
        return cls(
            message_id=kept["message_id"],
            kind=kept["kind"],
            purpose=kept["purpose"],
            cart_id=kept["cart_id"],
            currency=kept["currency"],
            abandoned_at=None if abandoned_at is None else datetime.fromisoformat(abandoned_at),
            channels=None if channels is None else tuple(channels),
        )
