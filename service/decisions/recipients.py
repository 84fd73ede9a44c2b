"""Whom a message is for, as the choice of ways and the model ask: of a standing, or of somebody who is not known."""

from datetime import datetime

from channel_selector.eligibility.context import Context
from channel_selector.eligibility.endpoints import APP_PUSH, EMAIL, MESSENGER, SMS, WEB_PUSH, Endpoint
from channel_selector.eligibility.options import Recipient
from service.carts.cart import Cart
from service.carts.carts import cart_named
from service.carts.orders import already_purchased
from service.customers import Customer
from service.customers.standing import Standing
from service.decisions.asks import Ask
from service.decisions.rulings import FALLBACK_ENDPOINT
from service.settings.settings import Settings

REACHED_BY_CALLER = (APP_PUSH, WEB_PUSH, MESSENGER, EMAIL, SMS)
"""The channels offered for people who are not known, unless the caller names those it can reach."""
USUAL_KIND = {APP_PUSH: "phone", WEB_PUSH: "desktop"}
"""What a push reaches most often: what is known of everybody's pushes there speaks for a device that nobody knows."""
MEMBER, GUEST = "member", "guest"
"""The segments: profiles with a person-class identifier, and those without."""


class Recipients:
    """Reads standings for eligibility, under one deployment's settings."""

    def __init__(self, settings: Settings) -> None:
        self._timezone = settings.timezone
        self._carts = settings.abandonment.carts()

    def recipient(
        self, ask: Ask, known: Standing | None, now: datetime, *, left: datetime | None, fallback: bool, erased: bool
    ) -> Recipient:
        """Read a standing, or that of a stranger, for eligibility; `left`: since when the cart was left, if known.

        `fallback`: the channels that the caller can reach it by are offered; `erased`: nothing is sent.
        """
        offered = _fallbacks(ask) if fallback else ()
        if known is None:
            return Recipient(endpoints=offered, timezone=self._timezone, suppressed=erased)
        who, reached = known.reach.customer, known.reach
        return Recipient(
            endpoints=offered if fallback else reached.endpoints,
            consents=who.consents,
            sends=known.planned,
            timezone=who.timezone or self._timezone,
            suppressed=erased,
            suppressed_endpoints=reached.feedback.suppressed,
            already_purchased=ask.reminds and already_purchased(self._cart(ask, who, now), who.orders, left),
        )

    def _cart(self, ask: Ask, who: Customer, now: datetime) -> Cart | None:
        """Give the cart a message is about: the one it names, else the one left last, bought since or not."""
        if ask.cart_id is not None:
            return who.cart(ask.cart_id, now, self._carts)
        found = who.carts(now, self._carts)
        cart = cart_named(found, None)
        if cart is not None or ask.abandoned_at is not None:
            return cart
        lately = [each for each in found if each.closed_at is not None and each.closed_at > now - self._carts.keep]
        return max(lately, key=lambda each: each.last_event_at, default=None)


def context_of(ask: Ask, known: Standing | None, subject: str) -> Context:
    """Say what is known of the customer and the occasion."""
    who = None if known is None else known.reach.customer
    return Context(
        subject=subject,
        segment=None if who is None else (MEMBER if who.is_person else GUEST),
        features=ask.features,
        activity=None if who is None else who.activity,
        abandoned_at=ask.abandoned_at,
        cart_value=ask.cart_value,
        margin=ask.margin,
        recent_sends=() if known is None else known.lately,
    )


def _fallbacks(ask: Ask) -> tuple[Endpoint, ...]:
    """Offer the channels that the caller can reach somebody by whose endpoints are not known."""
    return tuple(
        Endpoint(
            endpoint_id=f"{FALLBACK_ENDPOINT}{channel}",
            channel=channel,
            address="",
            device_kind=USUAL_KIND.get(channel, ""),
        )
        for channel in (REACHED_BY_CALLER if ask.channels is None else ask.channels)
    )
