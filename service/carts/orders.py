"""Orders are a pure fold of one profile's events, once each, told by their most trusted sighting."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import is_

from identity.observations import Trust
from service.carts.cart import Cart, CartState
from service.carts.commerce import CommerceEvent, CommerceKind, replayed

REFUND_KINDS = frozenset({CommerceKind.ORDER_REFUNDED, CommerceKind.ORDER_CANCELLED})
ORDER_KINDS = REFUND_KINDS | {CommerceKind.ORDER_COMPLETED}


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


def orders(events: Iterable[CommerceEvent]) -> tuple[Order, ...]:
    """Fold one profile's events, in any order and however often repeated, into its orders, by time.

    A refund or cancellation names its order by order_id and counts when it is trusted no less than the order, also
    if it came first. A refund of less than the order's value only lowers the value. O(n log n).
    """
    told = replayed(event for event in events if event.kind in ORDER_KINDS)
    sightings: dict[tuple[bool, str], list[CommerceEvent]] = {}
    refunds: dict[str, list[CommerceEvent]] = {}
    for event in told:
        if event.kind is CommerceKind.ORDER_COMPLETED:
            sightings.setdefault(event.order_key, []).append(event)
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
