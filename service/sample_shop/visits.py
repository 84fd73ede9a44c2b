"""Who comes when, on which device, and what becomes of the carts: planned first, told later.

Every draw is made before it is used, so that a visit never depends on how many came before it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from service.sample_shop import rates
from service.sample_shop.people import DAYPARTS, Device, Person
from service.sample_shop.weeks import DAYS, HOUR, MINUTE, SECOND, Calendar

CURRENCY = "KRW"
CATALOGUE = tuple((f"sku-{number:03d}", 9_000.0 + number * 3_700.0) for number in range(1, 41))
"""Forty products and what they cost."""

ABANDONED, EMPTIED, ORDERED = "abandoned", "emptied", "ordered"

_DAY_CURVE = (1, 1, 0.5, 0.5, 0.5, 1, 2, 4, 5, 5, 5, 5, 6, 5, 5, 5, 5, 6, 7, 8, 9, 9, 7, 3)
"""How visits spread over a day's hours: no source."""
_HABIT_HOURS = {"morning": range(7, 12), "afternoon": range(12, 18), "evening": range(18, 22)}
_HABIT_WEIGHT = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CartPlan:
    """A cart, what is in it, and how its visit ends for it.

    `steps` are (moment, event, product and its pieces or None); the cart counts as left at the last of them.
    """

    cart_id: str
    items: tuple[tuple[str, float, int], ...]
    steps: tuple[tuple[int, str, tuple[str, float, int] | None], ...]
    fate: str

    @property
    def value(self) -> float:
        """What the items cost together."""
        return sum(price * pieces for _, price, pieces in self.items)

    @property
    def left_at(self) -> int:
        """When the cart was last touched in its visit."""
        return self.steps[-1][0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A person on a device at `at`; `logs_in`: during this visit, `known`: logged in from its beginning.

    `reachable`: the shop could tell whose visit it was, for the device's last login was this person's.
    """

    person: Person
    device: Device
    at: int
    views: int = 1
    logs_in: bool = False
    known: bool = False
    reachable: bool = False
    cart: CartPlan | None = field(default=None)


def plan_visits(people: Sequence[Person], calendar: Calendar, rng: np.random.Generator, tag: str) -> list[Visit]:
    """Plan everybody's visits, in order of time; carts are named by `tag` and a number."""
    if not people:
        return []
    who, at = _arrivals(people, calendar, rng)
    chances = rng.random((len(who), 16)).tolist()
    logins: dict[str, str | None] = {}
    plans = zip(who.tolist(), at.tolist(), chances, strict=True)
    return [
        _visit(people[person], moment, iter(chance), logins, f"cart-{tag}-{number:06d}")
        for number, (person, moment, chance) in enumerate(plans)
    ]


def _arrivals(
    people: Sequence[Person], calendar: Calendar, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draw who comes and when, sorted by time: some people come far more often than others."""
    rate = rng.gamma(2.0, rates.VISITS_A_WEEK / 2.0, len(people)) * DAYS / 7
    who = np.repeat(np.arange(len(people)), rng.poisson(rate))
    hours = np.zeros(len(who), dtype=np.int64)
    habit = np.array([DAYPARTS.index(person.daypart) for person in people])[who]
    for place, daypart in enumerate(DAYPARTS):
        weights = np.array(_DAY_CURVE) * [_HABIT_WEIGHT if hour in _HABIT_HOURS[daypart] else 1 for hour in range(24)]
        hours[habit == place] = rng.choice(24, int((habit == place).sum()), p=weights / weights.sum())
    zone = np.array([person.zone for person in people])[who]
    at = calendar.utc(zone, rng.integers(0, DAYS, len(who)), hours * HOUR + rng.integers(0, HOUR, len(who)))
    order = np.argsort(at, kind="stable")
    return who[order], at[order]


def _visit(person: Person, at: int, chance: Iterator[float], logins: dict[str, str | None], cart_id: str) -> Visit:
    """Plan one visit; `logins` remembers who logged in last on each device."""
    device = _device(person, next(chance))
    known = person.user_id is not None and device.system != "web"
    first_in_app = known and logins.get(device.anonymous_id) != person.user_id
    logs_in = person.user_id is not None and (first_in_app or (not known and next(chance) < rates.WEB_LOGIN))
    if logs_in:
        logins[device.anonymous_id] = person.user_id
    return Visit(
        person=person,
        device=device,
        at=at,
        views=1 + int(2 * next(chance)),
        logs_in=logs_in,
        known=known and not first_in_app,
        reachable=person.user_id is not None and logins.get(device.anonymous_id) == person.user_id,
        cart=_cart(cart_id, at, chance) if next(chance) < rates.CART_A_VISIT else None,
    )


def _device(person: Person, chance: float) -> Device:
    """Pick the favourite device half of the time, else any."""
    devices = (*person.devices, *(person.favourite,) * len(person.devices))
    return devices[int(chance * len(devices))]


def _cart(cart_id: str, at: int, chance: Iterator[float]) -> CartPlan:
    fate_drawn = next(chance)
    emptied = fate_drawn < rates.EMPTIED
    abandoned = fate_drawn < rates.EMPTIED + rates.ABANDONED
    fate = EMPTIED if emptied else ABANDONED if abandoned else ORDERED
    items = tuple(
        (*CATALOGUE[int(next(chance) * len(CATALOGUE))], 1 + int(next(chance) ** 4 * 3))
        for _ in range(1 + int(3 * next(chance) ** 2))
    )
    return filled_cart(cart_id, at + MINUTE, items, fate, checkout=fate == ORDERED or next(chance) < 0.4)


def filled_cart(
    cart_id: str, begin: int, items: tuple[tuple[str, float, int], ...], fate: str, *, checkout: bool
) -> CartPlan:
    """Lay out how a cart is filled: a product every two minutes, a look at it, perhaps the checkout, its fate."""
    merged: dict[str, tuple[str, float, int]] = {}
    for sku, price, pieces in items:
        merged[sku] = (sku, price, pieces + (merged[sku][2] if sku in merged else 0))
    steps: list[tuple[int, str, tuple[str, float, int] | None]] = []
    for item in merged.values():
        steps.append((begin + len(steps) * 2 * MINUTE, "Product Added", item))
    end = steps[-1][0] + MINUTE
    steps.append((end, "Cart Viewed", None))
    if fate == EMPTIED:
        steps += [(end + (n + 1) * 10 * SECOND, "Product Removed", item) for n, item in enumerate(merged.values())]
    elif checkout:
        steps.append((end + MINUTE, "Checkout Started", None))
    if fate == ORDERED:
        steps += [(end + 3 * MINUTE, "Payment Info Entered", None), (end + 4 * MINUTE, "Order Completed", None)]
    return CartPlan(cart_id=cart_id, items=tuple(merged.values()), steps=tuple(steps), fate=fate)
