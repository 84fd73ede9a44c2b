"""Carts are a fold of one profile: the same for any arrival, and as a model minute by minute has it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.carts.cart import CartItem, CartSettings, CartState
from service.carts.carts import CartLine, cart_named, carts
from service.carts.commerce import CommerceEvent, CommerceKind
from service.carts.orders import OrderLine, orders
from tests.service.carts.shop_events import (
    ADDED,
    CHECKOUT,
    QUICK,
    ZERO,
    K,
    at,
    event,
    events_of_a_profile,
    only,
    states,
)


def test_a_cart_goes_from_open_over_checkout_to_abandoned_and_expired() -> None:
    """The whole life of a cart nobody comes back to, each change at its very minute."""
    seen = [ADDED, CHECKOUT]
    week = 65 + 7 * 24 * 60
    assert carts(seen, at(-1)) == ()
    assert only(seen, 4).state is CartState.OPEN
    assert only(seen, 64.9).state is CartState.CHECKOUT
    left = only(seen, 65)
    assert (left.state, left.abandoned_at, left.closed_at) == (CartState.ABANDONED, at(65), None)
    assert only(seen, week - 0.1).state is CartState.ABANDONED
    expired = only(seen, week)
    assert (expired.state, expired.abandoned_at, expired.closed_at) == (CartState.EXPIRED, at(65), at(week))


def test_a_cart_tells_what_is_in_it_and_where_it_was_left() -> None:
    """Items, their worth, and the device of the last event, hidden in the repr."""
    more = event(3, K.PRODUCT_ADDED, "q", cart_id="c", price=5.5, amount=11.0, device="phone")
    cart = only([ADDED, more], 4)
    assert cart.items == (CartItem(product="p", quantity=2, price=10), CartItem(product="q", quantity=1, price=5.5))
    assert (cart.value, cart.currency, cart.identifiers) == (25.5, "KRW", (("anonymous_id", "phone"),))
    assert "phone" not in repr(cart)


def test_the_worth_told_for_the_whole_cart_counts_until_the_cart_changes() -> None:
    """Cart Viewed names a total with discounts; another product makes it stale."""
    seen = [ADDED, event(1, K.CART_VIEWED, cart_id="c", amount=18)]
    assert only(seen, 2).value == 18
    assert only([*seen, event(3, K.PRODUCT_ADDED, "q", cart_id="c", price=1)], 4).value == 21


def test_a_cart_with_an_unknown_price_has_no_worth() -> None:
    """Half a sum would be too low."""
    assert only([ADDED, event(3, K.PRODUCT_ADDED, "q", cart_id="c")], 4).value is None


def test_a_view_that_lists_the_cart_replaces_what_was_known() -> None:
    """The shop's list is right, and adds that got lost are made good."""
    listed = event(1, K.CART_VIEWED, "q", cart_id="c", quantity=3, price=1)
    assert only([ADDED, listed], 2).items == (CartItem(product="q", quantity=3, price=1),)


def test_removing_the_last_item_empties() -> None:
    """An emptied cart is closed and never abandoned; a part of an item, or another one, leaves it open."""
    one = event(1, K.PRODUCT_REMOVED, "p", cart_id="c", quantity=1)
    other = event(1, K.PRODUCT_REMOVED, "q", cart_id="c")
    rest = event(2, K.PRODUCT_REMOVED, "p", cart_id="c")
    assert only([ADDED, one], 2).items == (CartItem(product="p", quantity=1, price=10),)
    assert only([ADDED, other], 2).state is CartState.OPEN
    emptied = only([ADDED, one, rest], 500)
    assert (emptied.state, emptied.closed_at, emptied.items) == (CartState.EMPTY, at(2), ())


def test_quantities_by_weight_empty_too() -> None:
    """Three times 0.1 less 0.3 is nothing left, whatever floating point says."""
    adds = [event(n, K.PRODUCT_ADDED, "p", quantity=0.1) for n in range(3)]
    assert only([*adds, event(4, K.PRODUCT_REMOVED, "p", quantity=0.3)], 5).state is CartState.EMPTY


def test_an_emptied_cart_filled_again_is_a_new_cart() -> None:
    """The same cart_id begins another life, dated from its new first item."""
    removed = event(1, K.PRODUCT_REMOVED, "p", cart_id="c")
    again = event(2, K.PRODUCT_ADDED, "p", cart_id="c")
    first, second = carts([ADDED, removed, again], at(3))
    assert (first.state, second.state, second.opened_at) == (CartState.EMPTY, CartState.OPEN, at(2))
    assert cart_named((first, second), "c") == second


def test_an_order_before_abandonment_is_no_recovery() -> None:
    """Bought in one go: nobody won anything back."""
    cart = only([ADDED, CHECKOUT, event(6, K.ORDER_COMPLETED, cart_id="c", order_id="o")], 500)
    assert (cart.state, cart.closed_at, cart.order_id) == (CartState.BOUGHT, at(6), "o")


def test_an_order_after_abandonment_recovers() -> None:
    """Also when the cart was re-opened in between."""
    back = event(200, K.CART_VIEWED, cart_id="c")
    order = event(210, K.ORDER_COMPLETED, cart_id="c", order_id="o", device="phone")
    for seen in ([ADDED, order], [ADDED, back, order]):
        cart = only(seen, 500)
        assert (cart.state, cart.abandoned_at, cart.closed_at) == (CartState.RECOVERED, at(60), at(210))


def test_a_product_added_after_abandonment_reopens_and_the_week_starts_anew() -> None:
    """Whoever is back needs no reminder until idle again."""
    seen = [ADDED, event(200, K.PRODUCT_ADDED, "q", cart_id="c")]
    assert only(seen, 210).state is CartState.OPEN
    cart = only(seen, 270)
    assert (cart.state, cart.abandoned_at, len(cart.items)) == (CartState.ABANDONED, at(260), 2)


def test_an_order_without_cart_id_closes_all_carts_opened_before_it() -> None:
    """The phone's order closes what was filled on the tablet; what comes later stays."""
    seen = [
        ADDED,
        event(1, K.PRODUCT_ADDED, "q", cart_id="d"),
        event(2, K.PRODUCT_ADDED, "r"),
        event(90, K.ORDER_COMPLETED, order_id="o", device="phone"),
        event(91, K.PRODUCT_ADDED, "p", cart_id="e"),
    ]
    assert states(seen, 92) == {"c": CartState.RECOVERED, "d": CartState.RECOVERED, "e": CartState.OPEN}


def test_an_order_of_a_known_cart_closes_that_one() -> None:
    """Other named carts stay; nameless ones cannot be told apart from it and close."""
    seen = [
        ADDED,
        event(1, K.PRODUCT_ADDED, "q", cart_id="d"),
        event(2, K.PRODUCT_ADDED, "r", cart_id="e"),
        event(3, K.ORDER_COMPLETED, cart_id="d", order_id="o"),
    ]
    assert states(seen, 4) == {"c": CartState.OPEN, "d": CartState.BOUGHT, "e": CartState.OPEN}
    nameless = [event(-1, K.PRODUCT_ADDED, "r"), event(0, K.PRODUCT_ADDED, "q", cart_id="d"), seen[-1]]
    assert states(nameless, 4) == {None: CartState.BOUGHT, "d": CartState.BOUGHT}


def test_an_order_of_an_unknown_cart_closes_all() -> None:
    """Better a reminder too few than one to a buyer."""
    assert states([ADDED, event(3, K.ORDER_COMPLETED, cart_id="other", order_id="o")], 4) == {"c": CartState.BOUGHT}


def test_the_second_telling_of_an_order_closes_nothing_more() -> None:
    """Page and server both tell of it; the cart filled in between is another."""
    seen = [
        ADDED,
        event(5, K.ORDER_COMPLETED, order_id="o"),
        event(6, K.PRODUCT_ADDED, "q", cart_id="d"),
        event(7, K.ORDER_COMPLETED, order_id="o"),
    ]
    assert states(seen, 8) == {"c": CartState.BOUGHT, "d": CartState.OPEN}


@pytest.mark.parametrize("kind", [K.CHECKOUT_STEP_COMPLETED, K.PAYMENT_INFO_ENTERED, K.PRODUCT_REMOVED, K.CART_VIEWED])
def test_what_arrives_after_the_order_begins_no_cart(kind: CommerceKind) -> None:
    """The checkout's last events often come late, and would look like a cart left behind by a buyer."""
    bought = [ADDED, event(5, K.ORDER_COMPLETED, cart_id="c", order_id="o"), event(6, kind, cart_id="c")]
    assert states(bought, 500) == {"c": CartState.BOUGHT}


def test_a_checkout_that_tells_its_worth_begins_a_cart() -> None:
    """Shops that only tell of checkouts have carts too."""
    assert only([event(0, K.CHECKOUT_STARTED, amount=5)], 1).state is CartState.CHECKOUT


def test_an_event_without_cart_id_is_about_the_open_cart_touched_last() -> None:
    """Of two open carts the later touched one takes it."""
    seen = [ADDED, event(1, K.PRODUCT_ADDED, "q", cart_id="d"), event(2, K.CHECKOUT_STARTED)]
    assert states(seen, 3) == {"c": CartState.OPEN, "d": CartState.CHECKOUT}
    assert cart_named(carts(seen, at(3)), None) == cart_named(carts(seen, at(3)), "d")


def test_a_refund_says_nothing_of_the_cart() -> None:
    """The buyer is done with it all the same."""
    bought = [ADDED, event(5, K.ORDER_COMPLETED, cart_id="c", order_id="o")]
    assert carts([*bought, event(9, K.ORDER_CANCELLED, cart_id="c", order_id="o")], at(500)) == carts(bought, at(500))


def test_spans_of_nothing_are_refused() -> None:
    """A wait or keep of zero has no meaning, and the message names the setting."""
    with pytest.raises(ValueError, match="wait"):
        CartSettings(wait=timedelta())
    with pytest.raises(ValueError, match="keep"):
        CartSettings(keep=timedelta(seconds=-1))


@given(seen=events_of_a_profile, now=st.integers(0, 60), data=st.data())
def test_arrival_and_repetition_change_nothing(seen: list[CommerceEvent], now: int, data: st.DataObject) -> None:
    """Any order of arrival, with any event repeated, gives the same carts and orders."""
    shuffled = data.draw(st.permutations([*seen, *seen[: len(seen) // 2]]))
    assert carts(shuffled, at(now), QUICK) == carts(seen, at(now), QUICK)
    assert orders(shuffled) == orders(seen)


@given(
    seen=events_of_a_profile,
    looks=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 60), st.sampled_from([QUICK, CartSettings()]))),
    ordered=st.booleans(),
)
def test_carts_kept_at_hand_are_those_folded_anew(
    seen: list[CommerceEvent], looks: list[tuple[int, int, CartSettings]], *, ordered: bool
) -> None:
    """However many events have come in, whichever were looked at before, at whatever moment and under any settings."""
    events = sorted(seen, key=lambda each: each.key) if ordered else seen
    line, bought = CartLine(), OrderLine()
    for count, now, spans in looks:
        told, expected = tuple(events[:count]), carts(events[:count], at(now), spans)
        named = {each.cart_id for each in expected if each.cart_id is not None} | {"unknown"}
        assert {name: line.named(name, told, at(now), spans) for name in named} == {
            name: cart_named(expected, name) for name in named
        }
        assert line.stand(told, at(now), spans) == expected
        assert bought.stand(told) == orders(told)


@given(seen=events_of_a_profile, now=st.integers(0, 60))
def test_nothing_is_abandoned_before_its_wait_or_kept_beyond_its_end(seen: list[CommerceEvent], now: int) -> None:
    """The spans hold for every cart, and only closed states are closed."""
    for cart in carts(seen, at(now), QUICK):
        idle = at(now) - cart.last_event_at
        live = cart.state in (CartState.OPEN, CartState.CHECKOUT)
        assert not live or idle < QUICK.wait
        assert cart.state is not CartState.ABANDONED or QUICK.wait <= idle < QUICK.wait + QUICK.keep
        assert (cart.closed_at is None) == (live or cart.state is CartState.ABANDONED)
        assert cart.state is not CartState.RECOVERED or cart.abandoned_at is not None
        assert cart.opened_at <= cart.last_event_at <= at(now)


@dataclass
class Lived:
    """A cart of the model."""

    name: str | None
    opened: int
    last: int
    state: str = "open"
    left: int | None = None
    closed: int | None = None
    things: dict[str | None, float] = field(default_factory=dict)


def contents(things: dict[str | None, float]) -> list[tuple[str, float]]:
    """Sort what is in a cart."""
    return sorted((str(product), pieces) for product, pieces in things.items())


def model(seen: Sequence[CommerceEvent], now: int) -> list[tuple[object, ...]]:
    """Live through the minutes one by one with mutable carts; shares no code with the fold."""
    lives: list[Lived] = []
    done: set[str] = set()
    for minute in range(now + 1):
        for cart in lives:
            if cart.state in ("open", "checkout") and minute - cart.last == 3:
                cart.state, cart.left = "abandoned", minute
            elif cart.state == "abandoned" and cart.left is not None and minute - cart.left == 10:
                cart.state, cart.closed = "expired", minute
        for happened in sorted((e for e in seen if e.at == at(minute)), key=lambda e: e.message_id):
            if happened.kind is K.ORDER_COMPLETED:
                settle(lives, happened, minute, done)
            elif happened.kind not in (K.ORDER_REFUNDED, K.ORDER_CANCELLED):
                shop(lives, happened, minute)
    return sorted(((c.name, c.state, c.opened, c.last, c.left, c.closed, contents(c.things)) for c in lives), key=repr)


def settle(lives: list[Lived], order: CommerceEvent, minute: int, done: set[str]) -> None:
    """Let an order close what it covers, the first time it is told."""
    name = f"id {order.order_id}" if order.order_id is not None else f"message {order.message_id}"
    if name in done:
        return
    done.add(name)
    ever_seen = [cart for cart in lives if cart.name is not None and cart.name == order.cart_id]
    for cart in lives:
        spared = ever_seen and cart.name is not None and cart.name != order.cart_id
        if cart.closed is None and not spared:
            cart.state = "bought" if cart.left is None else "recovered"
            cart.closed = minute


def shop(lives: list[Lived], done: CommerceEvent, minute: int) -> None:
    """Let something happen to a cart."""
    said = [(line.product, line.quantity) for line in done.lines]
    live = [cart for cart in lives if cart.closed is None and (done.cart_id is None or cart.name == done.cart_id)]
    newest = [cart for cart in live if cart.last == max(other.last for other in live)]
    begins = done.kind is K.PRODUCT_ADDED or (
        done.kind in (K.CART_VIEWED, K.CHECKOUT_STARTED) and (said or done.amount)
    )
    if not newest and begins:
        newest = [Lived(done.cart_id, minute, minute)]
        lives += newest
    for cart in newest[:1]:
        cart.last = minute
        if "checkout" in done.kind or "payment" in done.kind:
            cart.state = "checkout"
        elif cart.state == "abandoned":
            cart.state = "open"
        if done.kind is K.PRODUCT_REMOVED:
            take_out(cart, said, minute)
        else:
            put_in(cart, said, anew=done.kind is not K.PRODUCT_ADDED)


def take_out(cart: Lived, said: list[tuple[str | None, float | None]], minute: int) -> None:
    """Take things out; the last one closes the cart."""
    for product, quantity in said:
        remaining = 0.0 if quantity is None else cart.things.get(product, 0.0) - quantity
        cart.things.pop(product, None)
        if remaining > 0:
            cart.things[product] = remaining
    if not cart.things:
        cart.state, cart.closed = "empty", minute


def put_in(cart: Lived, said: list[tuple[str | None, float | None]], *, anew: bool) -> None:
    """Put things in, on top of the others or in their place."""
    if said and anew:
        cart.things.clear()
    for product, quantity in said:
        cart.things[product] = cart.things.get(product, 0.0) + (1.0 if quantity is None else quantity)


@settings(max_examples=400)
@given(seen=events_of_a_profile, now=st.integers(0, 60))
def test_the_fold_agrees_with_the_model(seen: list[CommerceEvent], now: int) -> None:
    """Every cart's id, state, dates and items are those of a simulation minute by minute."""

    def minute(moment: datetime | None) -> int | None:
        return None if moment is None else int((moment - ZERO) / timedelta(minutes=1))

    folded = [
        (
            cart.cart_id,
            cart.state.value,
            minute(cart.opened_at),
            minute(cart.last_event_at),
            minute(cart.abandoned_at),
            minute(cart.closed_at),
            contents({item.product: item.quantity for item in cart.items}),
        )
        for cart in carts(seen, at(now), QUICK)
    ]
    assert sorted(folded, key=repr) == model(seen, now)
