"""The shop's former policy and what came of it: each option equally likely, so that every propensity is exact.

A cart's options are the owner's consented addresses × the whole hours, 08–20 local, that begin within twelve hours of
its abandonment. At most one reminder a person in twelve hours. Who clicks follows rates.RATES, more often at the
person's daypart and on the person's kind of device: that is what a learner can find.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from service.sample_shop import rates
from service.sample_shop.people import Address, Person, addresses
from service.sample_shop.visits import ABANDONED, CartPlan, Visit
from service.sample_shop.weeks import FIRST_HOUR, HOUR, LAST_HOUR, MINUTE, SECOND, Calendar

WAIT = HOUR
"""A cart untouched for this long is abandoned."""
REACH_HOURS = 12
REST = 12 * HOUR
DRAWS = 9


class Happening(NamedTuple):
    """A dated outcome of a reminder."""

    kind: str
    at: int
    value: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminder:
    """One message of the former policy, drawn from `reach` × `hours`, with all that will ever come of it."""

    visit: Visit
    cart: CartPlan
    address: Address
    sent_at: int
    local_hour: int
    reach: tuple[Address, ...]
    hours: tuple[int, ...]
    happenings: tuple[Happening, ...] = field(default=())

    @property
    def abandoned_at(self) -> int:
        """When the cart became abandoned."""
        return self.cart.left_at + WAIT

    def first(self, kind: str) -> Happening | None:
        """Give the first happening of a kind, if there is any."""
        return next((happening for happening in self.happenings if happening.kind == kind), None)


Response = Callable[[Reminder, Iterator[float]], Iterator[Happening]]
"""What comes of a reminder, given numbers between 0 and 1."""


def remind(visits: Sequence[Visit], calendar: Calendar, rng: np.random.Generator, respond: Response) -> list[Reminder]:
    """Send reminders for the carts left behind, in order of time; nobody who opted out or bounced is tried again."""
    left = [(visit, visit.cart) for visit in visits if visit.cart is not None and _deserves(visit, visit.cart)]
    hours = _legal_hours(left, calendar)
    draws = rng.random((len(left), DRAWS)).tolist()
    manners = _Manners()
    sent: list[Reminder] = []
    for (visit, cart), legal, row in zip(left, hours, draws, strict=True):
        chance = iter(row)
        reach = manners.reach(visit.person, cart.left_at + WAIT)
        if reach and legal:  # a night in which clocks go back leaves none of the twelve hours
            reminder = _drawn(visit, cart, reach, legal, next(chance))
            sent.append(replace(reminder, happenings=tuple(respond(reminder, chance))))
            manners.note(sent[-1])
    return sent


class _Manners:
    """What the former policy remembers of people: whom it wrote to lately, and where it must not write again."""

    def __init__(self) -> None:
        self._rest: dict[str | None, int] = {}
        self._lost: dict[str | None, list[tuple[int, str]]] = {}

    def reach(self, person: Person, at: int) -> list[Address]:
        """List where a person can be written to, knowing what has happened by `at`; nowhere right after a message."""
        if self._rest.get(person.user_id, at) > at:
            return []
        gone = {what for since, what in self._lost.get(person.user_id, ()) if since < at}
        return [address for address in addresses(person) if gone.isdisjoint((address.channel, address.value))]

    def note(self, reminder: Reminder) -> None:
        """Remember a message: an opt-out closes the channel, a bounce the address."""
        user = reminder.visit.person.user_id
        self._rest[user] = reminder.sent_at + REST
        for kind, what in (("unsubscribed", reminder.address.channel), ("bounced", reminder.address.value)):
            happening = reminder.first(kind)
            if happening is not None:
                self._lost.setdefault(user, []).append((happening.at, what))


def _deserves(visit: Visit, cart: CartPlan) -> bool:
    return cart.fate == ABANDONED and visit.reachable


def _legal_hours(left: Sequence[tuple[Visit, CartPlan]], calendar: Calendar) -> list[list[tuple[int, int]]]:
    """List for each cart the moments at which a message may begin, with their local hours."""
    abandoned = np.array([cart.left_at + WAIT for _, cart in left], dtype=np.int64).reshape(-1, 1)
    zones = np.array([visit.person.zone for visit, _ in left], dtype=np.int64).reshape(-1, 1)
    starts = -(-abandoned // HOUR) * HOUR + np.arange(REACH_HOURS, dtype=np.int64) * HOUR
    local = calendar.local_hour(np.broadcast_to(zones, starts.shape), starts)
    rows = zip(starts.tolist(), local.tolist(), strict=True)
    return [[(at, h) for at, h in zip(*row, strict=True) if FIRST_HOUR <= h <= LAST_HOUR] for row in rows]


def _drawn(
    visit: Visit, cart: CartPlan, reach: Sequence[Address], legal: Sequence[tuple[int, int]], u: float
) -> Reminder:
    """Draw one of the options, all of them equally likely."""
    address, hour = divmod(int(u * len(reach) * len(legal)), len(legal))
    sent_at, local_hour = legal[hour]
    return Reminder(
        visit=visit,
        cart=cart,
        address=reach[address],
        sent_at=sent_at,
        local_hour=local_hour,
        reach=tuple(reach),
        hours=tuple(at for at, _ in legal),
    )


def habitual(reminder: Reminder, chance: Iterator[float]) -> Iterator[Happening]:
    """Respond as people do: rates of the channel × what suits this person."""
    channel = rates.RATES[reminder.address.channel]
    if next(chance) < channel.bounced:
        yield Happening("bounced", reminder.sent_at + 2 * SECOND)
        return
    delivered = reminder.sent_at + 3 * SECOND
    yield Happening("delivered", delivered)
    seen = delivered + int(25 * MINUTE * math.exp(2.4 * (next(chance) - 0.5)))
    opened = 1.0 if channel.opened is None else channel.opened
    tapped = opened == channel.clicked
    suits = suitability(reminder.visit.person, reminder.address, reminder.local_hour)
    if next(chance) < (min(1.0, opened * suits) if tapped else opened):
        if channel.opened is not None:
            yield Happening("opened", seen)
        if next(chance) < (1.0 if tapped else channel.clicked / opened * suits):
            yield Happening("clicked", seen + 5 * SECOND)
            yield from _bought(reminder, seen, chance)
    if next(chance) < channel.unsubscribed:
        yield Happening("unsubscribed", seen + MINUTE)


def suitability(person: Person, address: Address, local_hour: int) -> float:
    """Give how much more readily than on average this person clicks there and then: the truth to be learned."""
    daypart = rates.DAYPART_MATCH if daypart_of(local_hour) == person.daypart else rates.DAYPART_MISS
    if address.device is None:
        return person.keenness * daypart
    return person.keenness * daypart * (rates.KIND_MATCH if address.device.kind == person.kind else rates.KIND_MISS)


def daypart_of(local_hour: int) -> str:
    """Name the part of the day: morning until 12, afternoon until 18, evening."""
    return "morning" if local_hour < 12 else "afternoon" if local_hour < 18 else "evening"


def _bought(reminder: Reminder, clicked: int, chance: Iterator[float]) -> Iterator[Happening]:
    """Orders that the message caused: those that would have come anyway are drawn elsewhere."""
    channel = rates.RATES[reminder.address.channel]
    caused = channel.converted / channel.clicked * (1 - rates.WOULD_BUY_ANYWAY)
    hours = max(1.0, (reminder.sent_at - reminder.abandoned_at) / HOUR)
    if next(chance) < caused * hours**-rates.DECAY * EVEN_DECAY:
        delay = 4 * MINUTE + int(rates.delay_hours(next(chance)) * HOUR)
        yield Happening("converted", clicked + delay, reminder.cart.value)


EVEN_DECAY = 1 / float(np.mean(np.arange(1, REACH_HOURS + 1) ** -rates.DECAY))
"""Keeps the mean over the hours of the reach at the published rate."""
