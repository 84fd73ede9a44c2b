"""Wonjun browses on his tablet and pays on his phone in the evening: the story that Homing is to find out.

His habits are written here; which reminders he got was drawn by the same uniform policy as everybody's, from a stream
of its own, so that his evidence is the same for every seed and at every hour. He has been here for ten weeks, four more
than are told of the others. He fills a cart every day but for the last week, not logged in (one login, on the first
day, ties the tablet to him). Of the reminders, he takes up nearly all of those that reach his phone's app in the
evening, and now and then an e-mail that he finds on the phone then; nothing else. In the last week he only looks; on
the Sunday he fills the cart in question.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from service.sample_shop.people import Device, Person
from service.sample_shop.reminders import Happening, Reminder, daypart_of
from service.sample_shop.visits import ABANDONED, CATALOGUE, ORDERED, CartPlan, Visit, filled_cart
from service.sample_shop.weeks import HISTORY_DAYS, MINUTE, SECOND, Calendar

STREAM = 0
"""Seeds his carts, the draws of the policy that reminded him, and what he takes up."""

FIRST_DAY, LAST_BUSY_DAY = -28, 33
QUESTION_CART = 881
"""His carts are numbered day by day, up to this one."""
LATE_CARTS = 0.1
TAKES_UP = {"app_push": 0.9, "email": 1 / 8}
"""How often he buys after a message of the channel, found on his phone in the evening."""

PHONE = Device(
    anonymous_id="app-phone-19f",
    device_id="phone-19f",
    kind="phone",
    system="ios",
    token="token-ios-phone-19f",  # noqa: S106 - an invented push address
    ip="2001:db8:ffff:19f::1",
)
TABLET = Device(
    anonymous_id="tablet-7c1",
    device_id="tablet-7c1",
    kind="tablet",
    system="web",
    token="token-web-tablet-7c1",  # noqa: S106 - an invented push address
    ip="2001:db8:ffff:19f::1",
)
WONJUN = Person(
    user_id="wonjun",
    email="wonjun@example.com",
    phone="+821055599999",
    devices=(PHONE, TABLET),
    consents=frozenset({"app_push", "web_push", "email"}),
)
"""He never agreed to text messages."""

QUESTION_STEPS = ((-88, 0), (-76, 1), (-60, None))
QUESTION_ITEMS = (("sku-coat", 89_000.0, 1), ("sku-scarf", 40_000.0, 1))
"""What he put into the cart, and when, in minutes before it counted as abandoned at 15:00."""


def wonjuns_visits(calendar: Calendar, rng: np.random.Generator) -> list[Visit]:
    """Lay out his weeks, in order of time, without the cart in question."""
    begun = [_visit(calendar, TABLET, FIRST_DAY, 15 * 60 + 30, logs_in=True), _first_purchase(calendar)]
    filled = [_tablet_visit(calendar, day, rng) for day in range(FIRST_DAY + 1, LAST_BUSY_DAY + 1)]
    days = range(FIRST_DAY + 1, HISTORY_DAYS)
    looks = rng.integers(18 * 60, 20 * 60, len(days)).tolist()
    looked = [_visit(calendar, PHONE, day, minute, known=True) for day, minute in zip(days, looks, strict=True)]
    return sorted([*begun, *filled, *looked], key=lambda visit: visit.at)


def question_cart(anchor: int) -> CartPlan:
    """Lay out the cart in question: left at 14:00 on the Sunday, abandoned at 15:00."""
    steps = tuple(
        (anchor + minutes * MINUTE, "Cart Viewed" if item is None else "Product Added", _item(item))
        for minutes, item in QUESTION_STEPS
    )
    return CartPlan(cart_id=f"cart-{QUESTION_CART}", items=QUESTION_ITEMS, steps=steps, fate=ABANDONED)


def question_visit(anchor: int) -> Visit:
    """Lay out the Sunday visit on the tablet, not logged in."""
    cart = question_cart(anchor)
    return Visit(person=WONJUN, device=TABLET, at=cart.steps[0][0] - 2 * MINUTE, cart=cart, reachable=True)


def responds(reminder: Reminder, chance: Iterator[float]) -> Iterator[Happening]:
    """Take up what is found on the phone in the evening, as often as TAKES_UP says, and nothing else."""
    yield Happening("delivered", reminder.sent_at + 3 * SECOND)
    taken = next(chance) < TAKES_UP.get(reminder.address.channel, 0.0)
    if taken and daypart_of(reminder.local_hour) == "evening":
        opened = reminder.sent_at + MINUTE + int(5 * next(chance) * MINUTE)
        yield Happening("opened", opened)
        yield Happening("clicked", opened + 5 * SECOND)
        yield Happening("converted", opened + int((6 + 20 * next(chance)) * MINUTE), reminder.cart.value)


def _item(place: int | None) -> tuple[str, float, int] | None:
    return None if place is None else QUESTION_ITEMS[place]


def _visit(
    calendar: Calendar, device: Device, day: int, minute: int, *, logs_in: bool = False, known: bool = False
) -> Visit:
    local = np.array([WONJUN.zone]), np.array([day]), np.array([minute * MINUTE])
    at = int(calendar.utc(*local)[0])
    return Visit(person=WONJUN, device=device, at=at, logs_in=logs_in, known=known, reachable=True)


def _first_purchase(calendar: Calendar) -> Visit:
    visit = _visit(calendar, PHONE, FIRST_DAY, 19 * 60 + 10, logs_in=True)
    items = ((*CATALOGUE[3], 1),)
    cart = filled_cart(_cart_of(FIRST_DAY), visit.at + 2 * MINUTE, items, ORDERED, checkout=True)
    return replace(visit, cart=cart)


def _cart_of(day: int) -> str:
    return f"cart-{QUESTION_CART - LAST_BUSY_DAY - 1 + day}"


def _tablet_visit(calendar: Calendar, day: int, rng: np.random.Generator) -> Visit:
    """Fill a cart on the tablet, mostly in the afternoon, and leave it."""
    late = rng.random() < LATE_CARTS
    minute = int(rng.integers(20 * 60, 20 * 60 + 40) if late else rng.integers(14 * 60, 18 * 60))
    visit = _visit(calendar, TABLET, day, minute)
    chosen = rng.choice(len(CATALOGUE), int(rng.integers(1, 4)), replace=False).tolist()
    items = tuple((*CATALOGUE[place], 1) for place in chosen)
    cart = filled_cart(_cart_of(day), visit.at + MINUTE, items, ABANDONED, checkout=bool(rng.random() < 0.5))
    return replace(visit, cart=cart)
