"""Tells what was planned as messages: visits with their carts, what reminders led to, the kiosk, and broken ids."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from identity.observations import Trust
from service.sample_shop import rates
from service.sample_shop.feed import Feed, Visitor
from service.sample_shop.people import Device, Person, home_ip
from service.sample_shop.reminders import WAIT, Reminder
from service.sample_shop.visits import ABANDONED, CURRENCY, ORDERED, CartPlan, Visit
from service.sample_shop.weeks import DAY, HISTORY_DAYS, MINUTE, SECOND, SEOUL, Calendar

LISTING = frozenset({"Cart Viewed", "Checkout Started", "Order Completed"})
"""Events that list the whole cart."""

PEOPLE_A_KIOSK, KIOSK_LOGINS = 400, 40
"""In each store stands a tablet for everybody: so many customers per store, so many of whom log in there."""

JUNK_VISITS = 0.01
JUNK_IDS: tuple[dict[str, Any], ...] = (
    {"userId": "undefined"},
    {"userId": "null", "traits": {"email": "n/a"}},
    {"userId": "guest"},
    {"anonymousId": "00000000-0000-0000-0000-000000000000", "traits": {"email": "unknown"}},
    {"traits": {"email": "not an address", "phone": "000"}},
)
"""What broken pages send for ids; each would join strangers."""


def tell_visits(feed: Feed, visits: Iterable[Visit]) -> None:
    """Tell of each visit: what was looked at, the login, the cart."""
    for visit in visits:
        _tell_visit(feed, visit)


def _tell_visit(feed: Feed, visit: Visit) -> None:
    at, visitor = visit.at, Visitor(person=visit.person, device=visit.device, known=visit.known)
    feed.view(at, visitor, "Home")
    if visit.logs_in:
        visitor = replace(visitor, known=True)
        feed.identify(at + 15 * SECOND, visit.person, visit.device)
    for view in range(visit.views):
        sku = {"product_id": f"sku-{(at // SECOND + view) % 40 + 1:03d}"}
        feed.track(at + (view + 1) * 20 * SECOND, visitor, "Product Viewed", sku)
    if visit.cart is not None:
        _tell_cart(feed, visitor, visit.cart)


def _tell_cart(feed: Feed, visitor: Visitor, cart: CartPlan) -> None:
    for at, event, item in cart.steps:
        if event == "Order Completed":
            tell_order(feed, at, visitor, cart, None)
            continue
        properties = cart_properties(cart) if event in LISTING else {"cart_id": cart.cart_id}
        if item is not None:
            properties |= product(item) | {"currency": CURRENCY}
        feed.track(at, visitor, event, properties)


def product(item: tuple[str, float, int]) -> dict[str, Any]:
    """Describe an item as Segment's e-commerce spec does."""
    sku, price, pieces = item
    return {"product_id": sku, "price": price, "quantity": pieces}


def cart_properties(cart: CartPlan) -> dict[str, Any]:
    """Describe a whole cart."""
    products = [product(item) for item in cart.items]
    return {"cart_id": cart.cart_id, "products": products, "value": cart.value, "currency": CURRENCY}


def tell_order(feed: Feed, at: int, visitor: Visitor, cart: CartPlan, decision_id: str | None) -> None:
    """Tell of a purchase, as the shop's server does; apps check out without naming the website's cart."""
    properties = cart_properties(cart) | {"order_id": order_id(cart)}
    if visitor.device.system != "web":
        del properties["cart_id"]
    if decision_id is not None:
        properties["decision_id"] = decision_id
    buyer = replace(visitor, known=visitor.person.user_id is not None)
    feed.track(at, buyer, "Order Completed", properties, Trust.SERVER)


def order_id(cart: CartPlan) -> str:
    """Name the order that buys a cart."""
    return f"order-{cart.cart_id.removeprefix('cart-')}"


def tell_reminders(feed: Feed, reminders: Iterable[tuple[str, Reminder]]) -> None:
    """Tell what people did because of a message, each given with its decision's id."""
    for decision_id, reminder in reminders:
        person = reminder.visit.person
        visitor = _back(person, reminder.address.device or person.devices[0])
        clicked, bought = reminder.first("clicked"), reminder.first("converted")
        if clicked is not None:
            feed.view(clicked.at + SECOND, visitor, "Cart")
        if bought is not None:
            _tell_return(feed, bought.at, visitor, reminder.cart, decision_id)
        refused = reminder.first("unsubscribed")
        if refused is not None:
            channel = {"channel": reminder.address.channel}
            account = replace(visitor, known=True)
            feed.track(refused.at, account, "Segment Consent Preference Updated", channel, Trust.SERVER)


def tell_returns(feed: Feed, visits: Iterable[Visit], reminders: Iterable[Reminder], rng: np.random.Generator) -> None:
    """Tell of carts bought later though no message led to it."""
    bought = {reminder.cart.cart_id for reminder in reminders if reminder.first("converted") is not None}
    left = [(visit, visit.cart) for visit in visits if visit.cart is not None and visit.cart.fate == ABANDONED]
    for (visit, cart), (u, delay) in zip(left, rng.random((len(left), 2)).tolist(), strict=True):
        if u < rates.ORGANIC_RETURN and cart.cart_id not in bought:
            at = cart.left_at + WAIT + int((0.2 + 6 * delay) * DAY)
            _tell_return(feed, at, _back(visit.person, visit.person.favourite), cart, None)


def _back(person: Person, device: Device) -> Visitor:
    """Let somebody come back: apps keep their owner logged in, websites do not."""
    return Visitor(person=person, device=device, known=person.user_id is not None and device.system != "web")


def _tell_return(feed: Feed, at: int, visitor: Visitor, cart: CartPlan, decision_id: str | None) -> None:
    """Tell of somebody who comes back to a cart and buys it."""
    feed.track(at - 2 * MINUTE, visitor, "Cart Viewed", cart_properties(cart))
    feed.track(at - MINUTE, visitor, "Checkout Started", cart_properties(cart))
    tell_order(feed, at, visitor, cart, decision_id)


def tell_refunds(feed: Feed, visits: Sequence[Visit], rng: np.random.Generator) -> None:
    """Tell of orders given back some days later."""
    ordered = [(visit, visit.cart) for visit in visits if visit.cart is not None and visit.cart.fate == ORDERED]
    for (visit, cart), (u, delay) in zip(ordered, rng.random((len(ordered), 2)).tolist(), strict=True):
        if u < rates.REFUNDED:
            order = {"order_id": order_id(cart), "total": cart.value, "currency": CURRENCY}
            at = cart.left_at + int((2 + 8 * delay) * DAY)
            buyer = Visitor(person=visit.person, device=visit.device, known=visit.person.user_id is not None)
            feed.track(at, buyer, "Order Refunded", order, Trust.SERVER)


def tell_kiosks(feed: Feed, people: Sequence[Person], calendar: Calendar, rng: np.random.Generator) -> None:
    """Tell of logins at the stores' tablets: a device of many people, which must link none of them."""
    for store, first in enumerate(range(0, len(people), PEOPLE_A_KIOSK)):
        members = [person for person in people[first : first + PEOPLE_A_KIOSK] if person.user_id is not None]
        kiosk = Device(
            anonymous_id=f"kiosk-{store + 1}",
            device_id=None,
            kind="tablet",
            system="web",
            token=None,
            ip=home_ip(0xFFFF0000 + store),
        )
        for person, day, minute in _kiosk_logins(members, rng):
            zone = np.zeros(1, dtype=np.int64)
            at = int(calendar.utc(zone, np.array([day]), np.array([minute * MINUTE]))[0])
            feed.identify(at, person, kiosk)
            feed.view(at + 20 * SECOND, Visitor(person=person, device=kiosk, known=True), "Home")


def _kiosk_logins(members: Sequence[Person], rng: np.random.Generator) -> Iterator[tuple[Person, int, int]]:
    """Draw who logs in, on which day and at which minute of the opening hours, 10–20."""
    count = min(KIOSK_LOGINS, len(members))
    chosen = rng.choice(len(members), count, replace=False).tolist() if count else []
    days = rng.integers(0, HISTORY_DAYS, count).tolist()
    minutes = rng.integers(600, 1_200, count).tolist()
    for place, day, minute in zip(chosen, days, minutes, strict=True):
        yield members[place], day, minute


def tell_junk(feed: Feed, visits: Sequence[Visit], rng: np.random.Generator) -> None:
    """Tell what broken pages add to some visits on the web."""
    draws = rng.random((len(visits), 2)).tolist()
    for visit, (u, which) in zip(visits, draws, strict=True):
        if u < JUNK_VISITS and visit.device.system == "web":
            junk = JUNK_IDS[int(which * len(JUNK_IDS))]
            feed.claim(visit.at + 10 * SECOND, visit.device, SEOUL, {"anonymousId": visit.device.anonymous_id} | junk)
