"""Carts and orders are a pure fold of one profile's events in order of (time, message id): late ones and merges replay.

A cart goes empty → open → checkout, is *abandoned* once nothing touched it for `wait`, and then *recovered* by an order
or *expired* when it has been abandoned for `keep`. An order before any abandonment leaves it *bought*. What the design
leaves open is decided so:

- A cart begins with a Product Added, or a Cart Viewed or Checkout Started that tells what is in it. Checkout steps
  never begin one: the last of them often arrive after the order, and would look like a cart left behind by a buyer.
- Every event on an abandoned cart re-opens it, for its owner is back; idle again, it is abandoned again, and expires
  later. It stays a cart that was abandoned: an order recovers it.
- Emptied, ordered and expired carts are closed; the same cart_id seen again begins a new cart.
- An event without cart_id is about the open cart touched last. An order whose cart_id the profile knows closes that
  cart and the nameless ones; any other order closes all of them. An order seen again (the shop's page and its server
  both tell of it) closes nothing more.
- Refunds and cancellations say nothing of carts: the buyer is done with it all the same.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from operator import is_

from identity.observations import Trust
from service.commerce import CommerceEvent, CommerceKind, Line
from service.event_identifiers import RawIdentifier

CHECKOUT_KINDS = frozenset(
    {
        CommerceKind.CHECKOUT_STARTED,
        CommerceKind.CHECKOUT_STEP_VIEWED,
        CommerceKind.CHECKOUT_STEP_COMPLETED,
        CommerceKind.PAYMENT_INFO_ENTERED,
    }
)
ITEM_KINDS = frozenset({CommerceKind.PRODUCT_ADDED, CommerceKind.PRODUCT_REMOVED})
REFUND_KINDS = frozenset({CommerceKind.ORDER_REFUNDED, CommerceKind.ORDER_CANCELLED})
ORDER_KINDS = REFUND_KINDS | {CommerceKind.ORDER_COMPLETED}
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A purchase, once per order_id (an order without one goes by its message id).

    It is told by its most trusted sighting, the first of equals; what that leaves out is taken from the next. `value`
    is net of partial refunds; `refunded`: given back in full or cancelled, so that it rewards nothing any more.
    """

    order_id: str
    at: datetime
    trust: Trust
    value: float | None = None
    currency: str | None = None
    refunded: bool = False
    decision_id: str | None = None
    cart_id: str | None = None


def carts(events: Iterable[CommerceEvent], now: datetime, settings: CartSettings | None = None) -> tuple[Cart, ...]:
    """Fold one profile's events, in any order and however often repeated, into its carts as they stand at `now`.

    Events after `now` have not happened yet. Carts come in the order in which they closed, then the open ones by
    when they opened. O(n log n + n · carts open at once).
    """
    book = _Book(CartSettings() if settings is None else settings)
    for event in _replayed(event for event in events if event.at <= now):
        book.apply(event)
    book.pass_time(now)
    return (*book.closed, *book.open)


class CartLine:
    """One profile's carts kept at hand while its events come in: the same as `carts`, but only new events cost.

    Not for two threads. What is asked is compared with what was taken in, event by event from the last one on; another
    line of events, other settings or a moment before the last event are folded from the first.
    """

    def __init__(self) -> None:
        self._book: _Book | None = None
        self._taken: Sequence[CommerceEvent] = ()

    def stand(self, events: Sequence[CommerceEvent], now: datetime, settings: CartSettings) -> tuple[Cart, ...]:
        """Give the carts of these events, which begin with those given before."""
        book = self._told(events, now, settings)
        if book is None:
            return carts(events, now, settings)
        return _as_of(now, settings, book.closed, book.open)

    def named(
        self, cart_id: str, events: Sequence[CommerceEvent], now: datetime, settings: CartSettings
    ) -> Cart | None:
        """Give `cart_named` of these carts, without looking at the others."""
        book = self._told(events, now, settings)
        if book is None:
            return cart_named(carts(events, now, settings), cart_id)
        fitting = ([cart for cart in found if cart.cart_id == cart_id] for found in (book.closed, book.open))
        return cart_named(_as_of(now, settings, *fitting), cart_id)

    def _told(self, events: Sequence[CommerceEvent], now: datetime, settings: CartSettings) -> "_Book | None":
        """Give the carts as the last of these events left them; None where they are to be folded from the first."""
        book, known = self._book, len(self._taken)
        if book is None or book.settings != settings or known > len(events) or self._strays(events):
            book, known = _Book(settings), 0
        if (events and events[-1].at > now) or not _in_order(events[max(known - 1, 0) :]):
            return None
        for event in events[known:]:
            book.apply(event)
        self._book, self._taken = book, events
        return book

    def _strays(self, events: Sequence[CommerceEvent]) -> bool:
        return not all(map(is_, self._taken, events))


def _as_of(now: datetime, settings: CartSettings, closed: Iterable[Cart], opened: Iterable[Cart]) -> tuple[Cart, ...]:
    """Give carts that were closed or open at the last event as they stand now."""
    standing = [_aged(cart, now, settings) for cart in opened]
    since = [cart for cart in standing if cart.closed_at is not None]
    return (*closed, *since, *(cart for cart in standing if cart.closed_at is None))


def _in_order(events: Sequence[CommerceEvent]) -> bool:
    return all(before.key < after.key for before, after in pairwise(events))


def cart_named(found: Sequence[Cart], cart_id: str | None) -> Cart | None:
    """Give the cart of that id as it last lived, or the open cart touched last (None: there is none)."""
    if cart_id is None:
        fitting = [cart for cart in found if cart.closed_at is None]
    else:
        fitting = [cart for cart in found if cart.cart_id == cart_id]
    return max(fitting, key=lambda cart: cart.last_event_at, default=None)


def orders(events: Iterable[CommerceEvent]) -> tuple[Order, ...]:
    """Fold one profile's events, in any order and however often repeated, into its orders, by time.

    A refund or cancellation names its order by order_id and counts when it is trusted no less than the order, also
    if it came first. A refund of less than the order's value only lowers the value. O(n log n).
    """
    told = _replayed(event for event in events if event.kind in ORDER_KINDS)
    sightings: dict[tuple[bool, str], list[CommerceEvent]] = {}
    refunds: dict[str, list[CommerceEvent]] = {}
    for event in told:
        if event.kind is CommerceKind.ORDER_COMPLETED:
            sightings.setdefault(_order_key(event), []).append(event)
        elif event.order_id is not None:
            refunds.setdefault(event.order_id, []).append(event)
    found = [_order(seen, refunds) for seen in sightings.values()]
    return tuple(sorted(found, key=lambda order: (order.at, order.order_id)))


class OrderLine:
    """One profile's orders kept at hand while its events come in: the same as `orders`, folded anew for a new one."""

    def __init__(self) -> None:
        self._told: list[CommerceEvent] = []
        self._orders: tuple[Order, ...] = ()

    def stand(self, events: Iterable[CommerceEvent]) -> tuple[Order, ...]:
        """Give the orders of these events."""
        told = [event for event in events if event.kind in ORDER_KINDS]
        if len(told) != len(self._told) or not all(map(is_, told, self._told)):
            self._told, self._orders = told, orders(told)
        return self._orders


def already_purchased(cart: Cart | None, bought: Iterable[Order], since: datetime | None) -> bool:
    """Tell whether the person has bought, on any device, since the cart was left behind: then the message is held.

    The cart counts as left behind at its last event or at `since`, whichever is earlier; with neither known, nothing
    was. Orders given back count: whoever has bought and returned it needs no reminder either.
    """
    if cart is not None and cart.state in (CartState.BOUGHT, CartState.RECOVERED):
        return True
    left = [moment for moment in (since, None if cart is None else cart.last_event_at) if moment is not None]
    return bool(left) and any(order.at >= min(left) for order in bought)


def _replayed(events: Iterable[CommerceEvent]) -> list[CommerceEvent]:
    return sorted(set(events), key=lambda event: event.key)


def _order_key(event: CommerceEvent) -> tuple[bool, str]:
    return (False, event.message_id) if event.order_id is None else (True, event.order_id)


class _Book:
    """The carts of one profile at one moment of the replay; `open` ones can still change, `closed` ones never."""

    def __init__(self, settings: CartSettings) -> None:
        self.settings = settings
        self.open: list[Cart] = []
        self.closed: list[Cart] = []
        self.known: set[str] = set()
        self.ordered: set[tuple[bool, str]] = set()

    def apply(self, event: CommerceEvent) -> None:
        """Let time pass until the event, then let it happen."""
        self.pass_time(event.at)
        if event.kind in CART_KINDS:
            self._touch(event)
        elif event.kind is CommerceKind.ORDER_COMPLETED and _order_key(event) not in self.ordered:
            self.ordered.add(_order_key(event))
            self._keep([_bought(cart, event) if self._covers(event, cart) else cart for cart in self.open])

    def pass_time(self, now: datetime) -> None:
        """Abandon what has been idle for long enough, expire what nobody came back to."""
        self._keep([_aged(cart, now, self.settings) for cart in self.open])

    def _touch(self, event: CommerceEvent) -> None:
        place = self._place(event)
        if place is None and _begins(event):
            self.open.append(_touched(_begun(event), event))
            if event.cart_id is not None:
                self.known.add(event.cart_id)
        elif place is not None:
            self.open[place] = _touched(self.open[place], event)
        self._keep(self.open)

    def _place(self, event: CommerceEvent) -> int | None:
        """Find which open cart the event is about."""
        fitting = [i for i, cart in enumerate(self.open) if event.cart_id in (None, cart.cart_id)]
        return max(fitting, key=lambda i: self.open[i].last_event_at, default=None)

    def _covers(self, order: CommerceEvent, cart: Cart) -> bool:
        return order.cart_id not in self.known or cart.cart_id in (None, order.cart_id)

    def _keep(self, found: list[Cart]) -> None:
        self.closed += [cart for cart in found if cart.closed_at is not None]
        self.open = [cart for cart in found if cart.closed_at is None]


def _begins(event: CommerceEvent) -> bool:
    if event.kind in (CommerceKind.CART_VIEWED, CommerceKind.CHECKOUT_STARTED):
        return bool(event.lines) or (event.amount is not None and event.amount > 0)
    return event.kind is CommerceKind.PRODUCT_ADDED


def _begun(event: CommerceEvent) -> Cart:
    return Cart(cart_id=event.cart_id, state=CartState.OPEN, opened_at=event.at, last_event_at=event.at)


def _aged(cart: Cart, now: datetime, settings: CartSettings) -> Cart:
    """Both spans are half-open: at their very end the cart is already in its next state."""
    if cart.state is not CartState.ABANDONED and now >= cart.last_event_at + settings.wait:
        cart = replace(cart, state=CartState.ABANDONED, abandoned_at=cart.last_event_at + settings.wait)
    if cart.state is CartState.ABANDONED and cart.abandoned_at is not None and now >= cart.abandoned_at + settings.keep:
        cart = replace(cart, state=CartState.EXPIRED, closed_at=cart.abandoned_at + settings.keep)
    return cart


def _bought(cart: Cart, order: CommerceEvent) -> Cart:
    state = CartState.BOUGHT if cart.abandoned_at is None else CartState.RECOVERED
    return replace(cart, state=state, closed_at=order.at, order_id=order.order_id)


def _touched(cart: Cart, event: CommerceEvent) -> Cart:
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


def _order(seen: Sequence[CommerceEvent], refunds: Mapping[str, Sequence[CommerceEvent]]) -> Order:
    ranked = sorted(seen, key=lambda event: -event.trust)
    best = ranked[0]
    paid = next((event.amount for event in ranked if event.amount is not None), None)
    given_back = () if best.order_id is None else refunds.get(best.order_id, ())
    returned = math.fsum(_returned(event) for event in given_back if event.trust >= best.trust)
    refunded = returned > 0 and (paid is None or returned >= paid)
    return Order(
        order_id=best.message_id if best.order_id is None else best.order_id,
        at=best.at,
        trust=best.trust,
        value=paid if paid is None or refunded else paid - returned,
        currency=next((event.currency for event in ranked if event.currency is not None), None),
        refunded=refunded,
        decision_id=next((event.decision_id for event in ranked if event.decision_id is not None), None),
        cart_id=next((event.cart_id for event in ranked if event.cart_id is not None), None),
    )


def _returned(refund: CommerceEvent) -> float:
    """Read how much is given back: all of it when cancelled, or when no amount is told."""
    if refund.kind is CommerceKind.ORDER_CANCELLED or refund.amount is None:
        return math.inf
    return refund.amount
