"""Orders count once, by their most trusted sighting; what was bought since a cart was left holds its reminder."""

import pytest

from identity.observations import Trust
from service.carts.commerce import CommerceKind
from service.carts.orders import Order, already_purchased, orders
from tests.service.carts.shop_events import ADDED, K, at, event, only


def test_an_order_counts_once_and_is_told_by_its_most_trusted_sighting() -> None:
    """The server's word beats the page's; what it leaves out is taken from the page."""
    page = event(5, K.ORDER_COMPLETED, order_id="o", amount=99, decision_id="d", trust=Trust.ASSERTED)
    server = event(6, K.ORDER_COMPLETED, order_id="o", amount=90, cart_id="c")
    (order,) = orders([page, server])
    assert order == Order(
        order_id="o", at=at(6), trust=Trust.SERVER, value=90, currency="KRW", decision_id="d", cart_id="c"
    )


def test_orders_without_order_id_go_by_their_messages() -> None:
    """Two of them are two orders."""
    first = event(5, K.ORDER_COMPLETED, name="a", amount=1)
    second = event(6, K.ORDER_COMPLETED, name="b", amount=2)
    assert [order.order_id for order in orders([second, first, first])] == [first.message_id, second.message_id]


@pytest.mark.parametrize(
    ("kind", "amount", "trust", "value", "refunded"),
    [
        (K.ORDER_CANCELLED, None, Trust.SERVER, 100.0, True),
        (K.ORDER_CANCELLED, 1.0, Trust.SERVER, 100.0, True),
        (K.ORDER_REFUNDED, None, Trust.SERVER, 100.0, True),
        (K.ORDER_REFUNDED, 100.0, Trust.VERIFIED, 100.0, True),
        (K.ORDER_REFUNDED, 30.0, Trust.SERVER, 70.0, False),
        (K.ORDER_REFUNDED, None, Trust.ASSERTED, 100.0, False),
    ],
)
def test_refunds(kind: CommerceKind, amount: float | None, trust: Trust, value: float, refunded: bool) -> None:
    """All of it, or a part; a page's word does not undo what the server says; coming first changes nothing."""
    order = event(5, K.ORDER_COMPLETED, order_id="o", amount=100)
    for minute in (1, 9):
        (found,) = orders([order, event(minute, kind, order_id="o", amount=amount, trust=trust)])
        assert (found.value, found.refunded) == (value, refunded)


def test_partial_refunds_add_up() -> None:
    """Two halves are the whole; a refund of another order is nothing to this one."""
    order = event(5, K.ORDER_COMPLETED, order_id="o", amount=100)
    halves = [event(minute, K.ORDER_REFUNDED, order_id="o", amount=50) for minute in (7, 8)]
    assert [found.refunded for found in orders([order, *halves])] == [True]
    assert [found.refunded for found in orders([order, event(7, K.ORDER_REFUNDED, order_id="x")])] == [False]
    assert orders(halves) == ()


def test_already_purchased_looks_at_every_device_since_the_cart_was_left() -> None:
    """Bought later under another cart's name: hold. Bought before: send. Closed by an order: hold."""
    cart = only([ADDED], 61)
    early = orders([event(-5, K.ORDER_COMPLETED, cart_id="x", order_id="o")])
    later = orders([event(30, K.ORDER_COMPLETED, cart_id="x", order_id="o", device="phone")])
    assert not already_purchased(cart, early, at(60))
    assert already_purchased(cart, later, at(60))
    assert already_purchased(cart, later, None)
    assert already_purchased(None, later, at(20))
    assert not already_purchased(None, later, at(60))
    assert not already_purchased(None, later, None)
    bought = only([ADDED, event(5, K.ORDER_COMPLETED, cart_id="c")], 61)
    assert already_purchased(bought, (), at(60))


def test_an_order_given_back_still_holds_the_reminder() -> None:
    """Who has bought and returned it needs no reminder either."""
    returned = orders([event(30, K.ORDER_COMPLETED, order_id="o"), event(40, K.ORDER_CANCELLED, order_id="o")])
    assert already_purchased(only([ADDED], 61), returned, at(60))
