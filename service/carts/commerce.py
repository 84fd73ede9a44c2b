"""What an e-commerce event says of carts and orders: a bad field is a missing one, never an error.

Names and properties are Segment's (Spec: V2 Ecommerce Events); the amount is the first readable of value, total and
revenue. A negative, non-finite or absurd amount, a quantity of nothing, a field of another type: as if not sent.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from identity.normalize import JUNK
from identity.observations import Trust
from service.events.event_identifiers import RawIdentifier, identifier_text
from service.events.messages import Message


class CommerceKind(StrEnum):
    """The events of Segment's e-commerce spec that carts and orders depend on."""

    PRODUCT_ADDED = "product added"
    PRODUCT_REMOVED = "product removed"
    CART_VIEWED = "cart viewed"
    CHECKOUT_STARTED = "checkout started"
    CHECKOUT_STEP_VIEWED = "checkout step viewed"
    CHECKOUT_STEP_COMPLETED = "checkout step completed"
    PAYMENT_INFO_ENTERED = "payment info entered"
    ORDER_COMPLETED = "order completed"
    ORDER_REFUNDED = "order refunded"
    ORDER_CANCELLED = "order cancelled"


KINDS = {kind.value: kind for kind in CommerceKind} | {"order canceled": CommerceKind.ORDER_CANCELLED}

AMOUNTS = ("value", "total", "revenue")
AMOUNT_LIMIT = 1e15
QUANTITY_LIMIT = 1e9
PRODUCTS_LIMIT = 1_000
ID_LENGTH = 512


class Line(NamedTuple):
    """A product and how many of it; `product` is its product_id, else its sku. None: not said."""

    product: str | None
    quantity: float | None
    price: float | None


class EventKey(NamedTuple):
    """The place of an event among its profile's: no two distinct events share one."""

    at: datetime
    message_id: str
    source: str
    trust: Trust


@dataclass(frozen=True, slots=True, kw_only=True)
class CommerceEvent:
    """What one message says of a cart or an order.

    `identifiers` are the raw (namespace, value) pairs that it names somebody or something by. `amount` is in units
    of `currency` (ISO 4217, upper case; None: not said), finite and never negative. `lines` of an event about one
    product hold that product alone.
    """

    kind: CommerceKind
    at: datetime
    message_id: str
    source: str = ""
    trust: Trust = Trust.SERVER
    identifiers: tuple[RawIdentifier, ...] = field(default=(), repr=False)
    cart_id: str | None = None
    order_id: str | None = None
    decision_id: str | None = None
    lines: tuple[Line, ...] = ()
    amount: float | None = None
    currency: str | None = None

    @property
    def key(self) -> EventKey:
        """Order events by time; ties by message id, source and trust, so that arrival never matters."""
        return EventKey(self.at, self.message_id, self.source, self.trust)

    @property
    def order_key(self) -> tuple[bool, str]:
        """Tell orders apart: by their id, or where none is told, by the message."""
        return (False, self.message_id) if self.order_id is None else (True, self.order_id)


def replayed(events: Iterable[CommerceEvent]) -> list[CommerceEvent]:
    """Put events in order, each once."""
    return sorted(set(events), key=lambda event: event.key)


def commerce_event(message: Message) -> CommerceEvent | None:
    """Read a message as an e-commerce event; None if it is of another kind. O(size of its properties)."""
    kind = commerce_kind(message)
    if kind is None:
        return None
    properties = message.content.get("properties")
    said: Mapping[str, Any] = properties if isinstance(properties, dict) else {}
    return CommerceEvent(
        kind=kind,
        at=message.at,
        message_id=message.message_id,
        source=message.source,
        trust=message.trust,
        identifiers=message.identifiers,
        cart_id=_id(said.get("cart_id")),
        order_id=_id(said.get("order_id")),
        decision_id=_id(said.get("decision_id")),
        lines=_lines(kind, said),
        amount=next((amount for name in AMOUNTS if (amount := _amount(said.get(name))) is not None), None),
        currency=_currency(said.get("currency")),
    )


def commerce_kind(message: Message) -> CommerceKind | None:
    """Tell a message's kind by its name."""
    return KINDS.get(plain_name(message.name)) if message.type == "track" and message.name is not None else None


def plain_name(name: str) -> str:
    """Write an event's name in lower case with single spaces, however its words were parted (spaces, _ or -)."""
    return " ".join(name.replace("_", " ").replace("-", " ").lower().split())


def _lines(kind: CommerceKind, said: Mapping[str, Any]) -> tuple[Line, ...]:
    """Read the products listed, else the product that the event itself is about."""
    listed = said.get("products")
    if isinstance(listed, list):
        lines = [_line(product) for product in listed[:PRODUCTS_LIMIT] if isinstance(product, dict)]
        named = tuple(line for line in lines if line.product is not None or line.price is not None)
        if named:
            return named
    return (_line(said),) if kind in (CommerceKind.PRODUCT_ADDED, CommerceKind.PRODUCT_REMOVED) else ()


def _line(said: Mapping[str, Any]) -> Line:
    product = _id(said.get("product_id"))
    return Line(
        product=_id(said.get("sku")) if product is None else product,
        quantity=_quantity(said.get("quantity")),
        price=_amount(said.get("price")),
    )


def _number(value: Any) -> float | None:
    """Read a finite number, also one sent as text, as many shops do."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _amount(value: Any) -> float | None:
    number = _number(value)
    return number if number is not None and 0 <= number <= AMOUNT_LIMIT else None


def _quantity(value: Any) -> float | None:
    number = _number(value)
    return number if number is not None and 0 < number <= QUANTITY_LIMIT else None


def _id(value: Any) -> str | None:
    """Read an id sent as text or as a whole number; junk would make one order of many."""
    text = (identifier_text(value) or "").strip()
    return text if 0 < len(text) <= ID_LENGTH and text.lower() not in JUNK else None


def _currency(value: Any) -> str | None:
    text = value.strip().upper() if isinstance(value, str) else ""
    return text if len(text) == 3 and text.isascii() and text.isalpha() else None
