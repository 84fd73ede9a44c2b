"""One life of a cart: what it is, and what an event, an order or time makes of it.

A cart goes empty → open → checkout, is *abandoned* once nothing touched it for `wait`, and then *recovered* by an order
or *expired* when it has been abandoned for `keep`. An order before any abandonment leaves it *bought*. Every event on
an abandoned cart re-opens it, for its owner is back; idle again, it is abandoned again, and expires later. It stays a
cart that was abandoned: an order recovers it.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from service.carts.commerce import CommerceEvent, CommerceKind, Line
from service.events.event_identifiers import RawIdentifier

CHECKOUT_KINDS = frozenset(
    {
        CommerceKind.CHECKOUT_STARTED,
        CommerceKind.CHECKOUT_STEP_VIEWED,
        CommerceKind.CHECKOUT_STEP_COMPLETED,
        CommerceKind.PAYMENT_INFO_ENTERED,
    }
)
ITEM_KINDS = frozenset({CommerceKind.PRODUCT_ADDED, CommerceKind.PRODUCT_REMOVED})
CART_KINDS = CHECKOUT_KINDS | ITEM_KINDS | {CommerceKind.CART_VIEWED}

QUANTITY_DIGITS = 6
"""Quantities are sold by weight too: 0.3 less three times 0.1 is nothing left."""


class CartState(StrEnum):
    """Where a cart stands."""

    EMPTY = "empty"
    OPEN = "open"
    CHECKOUT = "checkout"
    ABANDONED = "abandoned"
    RECOVERED = "recovered"
    EXPIRED = "expired"
    BOUGHT = "bought"


@dataclass(frozen=True, slots=True, kw_only=True)
class CartSettings:
    """When a cart counts as abandoned (`wait` idle) and for how long after that it can be recovered (`keep`)."""

    wait: timedelta = timedelta(hours=1)
    keep: timedelta = timedelta(days=7)

    def __post_init__(self) -> None:
        """Refuse spans that are not longer than nothing."""
        for name in ("wait", "keep"):
            if getattr(self, name) <= timedelta():
                raise ValueError(f"{name}: {getattr(self, name)} is not allowed; use a span longer than 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class CartItem:
    """A product in a cart: how many, and the price of one as last told (None: never told)."""

    product: str | None
    quantity: float
    price: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cart:
    """One life of a cart, from its first item until it is emptied, ordered or expired.

    `abandoned_at` is the instant it last became abandoned, its last event + `wait` (None: never so far; a re-opened
    cart keeps it). `closed_at` is None while it can still change. `value`, in `currency`, is the amount last told for
    the whole, else the sum of its items (None: some price was never told). `identifiers` are the raw ones of
    its last event. `cart_id` None: the shop does not name its carts.
    """

    cart_id: str | None
    state: CartState
    opened_at: datetime
    last_event_at: datetime
    abandoned_at: datetime | None = None
    closed_at: datetime | None = None
    items: tuple[CartItem, ...] = ()
    value: float | None = None
    currency: str | None = None
    identifiers: tuple[RawIdentifier, ...] = field(default=(), repr=False)
    order_id: str | None = None


def begins(event: CommerceEvent) -> bool:
    """Tell whether an event begins a cart where none that it may be about is open."""
    if event.kind in (CommerceKind.CART_VIEWED, CommerceKind.CHECKOUT_STARTED):
        return bool(event.lines) or (event.amount is not None and event.amount > 0)
    return event.kind is CommerceKind.PRODUCT_ADDED


def begun(event: CommerceEvent) -> Cart:
    """Give the cart that an event begins, as yet empty."""
    return Cart(cart_id=event.cart_id, state=CartState.OPEN, opened_at=event.at, last_event_at=event.at)


def aged(cart: Cart, now: datetime, settings: CartSettings) -> Cart:
    """Give a cart as it stands at a moment; both spans are half-open: at their very end it is in its next state."""
    if cart.state is not CartState.ABANDONED and now >= cart.last_event_at + settings.wait:
        cart = replace(cart, state=CartState.ABANDONED, abandoned_at=cart.last_event_at + settings.wait)
    if cart.state is CartState.ABANDONED and cart.abandoned_at is not None and now >= cart.abandoned_at + settings.keep:
        cart = replace(cart, state=CartState.EXPIRED, closed_at=cart.abandoned_at + settings.keep)
    return cart


def bought(cart: Cart, order: CommerceEvent) -> Cart:
    """Close a cart by an order."""
    state = CartState.BOUGHT if cart.abandoned_at is None else CartState.RECOVERED
    return replace(cart, state=state, closed_at=order.at, order_id=order.order_id)


def touched(cart: Cart, event: CommerceEvent) -> Cart:
    """Give a cart after an event about it."""
    items = _items(cart.items, event)
    emptied = event.kind is CommerceKind.PRODUCT_REMOVED and not items
    return replace(
        cart,
        state=CartState.EMPTY if emptied else _state(cart, event),
        last_event_at=event.at,
        closed_at=event.at if emptied else None,
        items=items,
        value=_value(cart, items, event),
        currency=cart.currency if event.currency is None else event.currency,
        identifiers=event.identifiers,
    )


def _state(cart: Cart, event: CommerceEvent) -> CartState:
    in_checkout = event.kind in CHECKOUT_KINDS or cart.state is CartState.CHECKOUT
    return CartState.CHECKOUT if in_checkout else CartState.OPEN


def _items(items: tuple[CartItem, ...], event: CommerceEvent) -> tuple[CartItem, ...]:
    """Add, remove, or, for an event that lists the whole cart, take the list."""
    if event.kind not in ITEM_KINDS:
        return _summed({}, event.lines) if event.lines else items
    held = {item.product: item for item in items}
    if event.kind is CommerceKind.PRODUCT_ADDED:
        return _summed(held, event.lines)
    for line in event.lines:
        if line.product in held:
            held[line.product] = _less(held[line.product], line)
    return tuple(item for item in held.values() if item.quantity > 0)


def _summed(held: Mapping[str | None, CartItem], lines: Iterable[Line]) -> tuple[CartItem, ...]:
    """Put lines on top of what is held; a line without quantity is one piece."""
    items = dict(held)
    for product, quantity, price in lines:
        before = items.get(product)
        pieces = 1.0 if quantity is None else quantity
        items[product] = CartItem(
            product=product,
            quantity=pieces if before is None else before.quantity + pieces,
            price=before.price if price is None and before is not None else price,
        )
    return tuple(items.values())


def _less(item: CartItem, line: Line) -> CartItem:
    """Take a line away from an item; without quantity all of it goes, for that is how shops tell of a deleted line."""
    return replace(
        item, quantity=0.0 if line.quantity is None else round(item.quantity - line.quantity, QUANTITY_DIGITS)
    )


def _value(cart: Cart, items: tuple[CartItem, ...], event: CommerceEvent) -> float | None:
    if event.kind not in ITEM_KINDS and event.amount is not None:
        return event.amount
    if items == cart.items:
        return cart.value
    prices = [item.price * item.quantity for item in items if item.price is not None]
    return math.fsum(prices) if len(prices) == len(items) else None
