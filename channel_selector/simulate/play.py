"""Policies play the same shop: the same customers, options and luck, whoever decides; only the choices differ.

Gap closed is the share of the way from random to the oracle, in true probability to sell under each policy's own
probabilities, round by round; luck moves what is learned and not the measure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from channel_selector.decisions import LATELY
from channel_selector.eligibility.arms import DAYPARTS, daypart
from channel_selector.eligibility.context import Context
from channel_selector.eligibility.options import DeliveryOption
from channel_selector.eligibility.slots import DAYPART_SLOTS, SendTime, send_times
from channel_selector.simulate import figures
from channel_selector.simulate.shop import START, ZONES, Floats, Ints, Shop

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BUYS_AFTER_HOURS = 0.75
"""How long after the click somebody buys: an assumption."""


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A round's question: for each customer the options they can be reached by, as arrays and as records.

    `tired`: how tired of messages each customer is; `lately`: when each was sent one in the week before, in order.
    """

    shop: Shop
    turn: int
    now: datetime
    reached: NDArray[np.bool_]
    tired: Floats
    lately: Sequence[Sequence[datetime]]

    @cached_property
    def value(self) -> Floats:
        """The true probability that a message sells, customers × options: what is measured."""
        return self.shop.value(self.turn, self.tired)

    @cached_property
    def contexts(self) -> list[Context]:
        """What is known of the customers."""
        segments = self.shop.segment.tolist()
        return [
            Context(
                subject=f"customer-{number}",
                segment=figures.SEGMENTS[segments[number]],
                activity=activity,
                recent_sends=self.lately[number],
            )
            for number, activity in enumerate(self.shop.activity.tolist())
        ]

    @cached_property
    def options(self) -> list[list[DeliveryOption]]:
        """Each customer's options, in the order of the arrays."""
        zones = self.shop.zone.tolist()
        return [
            [self._option(customer, k, self._times[zones[customer]]) for k in np.flatnonzero(reached).tolist()]
            for customer, reached in enumerate(self.reached)
        ]

    @cached_property
    def waits(self) -> Floats:
        """Hours from the round's start to sending, customers × options."""
        hours = np.array([[(when.send_at - self.now) / HOUR for when in times] for times in self._times])
        result: Floats = hours[self.shop.zone][:, self.shop.part]
        return result

    @cached_property
    def _times(self) -> list[list[SendTime]]:
        return [_times(self.now, zone) for zone in ZONES]

    def _option(self, customer: int, k: int, times: Sequence[SendTime]) -> DeliveryOption:
        place, when = figures.PLACES[k // DAYPARTS], times[k % DAYPARTS]
        return DeliveryOption(
            option_id=str(k),
            channel=place.channel,
            device_kind=place.device_kind,
            endpoint_id=f"{customer}-{k // DAYPARTS}",
            send_at=when.send_at,
            local_hour=when.local_hour,
            weekday=when.weekday,
        )


class Choice(NamedTuple):
    """What a policy chose: an option for each customer, and its probabilities, customers × options."""

    chosen: Ints
    probabilities: Floats


class Told(NamedTuple):
    """An outcome that has become known: of the message of a round to a customer, how many hours after sending."""

    turn: int
    customer: int
    kind: str
    hours: float


class Player(Protocol):
    """A policy in the simulation; `random` is for its draw alone and the same for all."""

    @property
    def name(self) -> str:
        """What the table calls it."""
        ...

    def choose(self, offer: Offer, random: Floats) -> Choice:
        """Choose an option for each customer; `random`: a number in [0, 1) for each."""
        ...

    def hear(self, told: Sequence[Told], now: datetime) -> None:
        """Hear what has become known since the last time, all of it from before `now`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What a policy came to: gap closed by round, messages sent, purchases that followed a click, unsubscriptions."""

    name: str
    gaps: tuple[float, ...]
    sends: int
    conversions: int
    unsubscribes: int

    @property
    def gap(self) -> float:
        """The mean over rounds; NaN where there was none."""
        return sum(self.gaps) / len(self.gaps) if self.gaps else float("nan")


def draw(probabilities: Floats, random: Floats) -> Ints:
    """Draw an option of each customer."""
    steps = probabilities.cumsum(axis=1)
    chosen: Ints = (random[:, None] * steps[:, -1:] >= steps).sum(axis=1)
    return chosen


def play(shop: Shop, player: Player) -> Score:
    """Let a policy decide for a whole shop, round by round."""
    settings = shop.settings
    state = _State(shop)
    for turn in range(settings.rounds):
        now = START + turn * settings.gap
        player.hear(state.known(turn), now)
        offer = state.offer(turn, now)
        uniform = np.random.default_rng([settings.seed, 9, turn]).random(shop.customers)
        state.send(offer, player.choose(offer, uniform))
    return Score(
        name=player.name,
        gaps=tuple(state.gaps),
        sends=settings.rounds * shop.customers,
        conversions=state.conversions,
        unsubscribes=state.unsubscribes,
    )


class _State:
    """What has happened in one policy's shop."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._gone = np.zeros_like(shop.endpoints)
        self._tired = np.zeros(shop.customers)
        self._lately: list[list[datetime]] = [[] for _ in range(shop.customers)]
        self._due: dict[int, list[Told]] = {}
        self.gaps: list[float] = []
        self.conversions = 0
        self.unsubscribes = 0

    def offer(self, turn: int, now: datetime) -> Offer:
        """Give a round's question."""
        self._lately = [[at for at in sent if at > now - LATELY] for sent in self._lately]
        lately = [tuple(sent) for sent in self._lately]
        reached = self.reached(turn)
        return Offer(shop=self._shop, turn=turn, now=now, reached=reached, tired=self._tired, lately=lately)

    def reached(self, turn: int) -> NDArray[np.bool_]:
        """Give who can still be reached by what; somebody's last endpoint stays."""
        there = self._shop.reached(turn)
        left = there & ~np.repeat(self._gone, DAYPARTS, axis=1)
        result: NDArray[np.bool_] = np.where(left.any(axis=1, keepdims=True), left, there)
        return result

    def known(self, turn: int) -> list[Told]:
        """Give what has become known by the start of a round and was not before."""
        return self._due.pop(turn, [])

    def send(self, offer: Offer, choice: Choice) -> None:
        """Send, and let happen what happens."""
        shop, turn = self._shop, offer.turn
        click = shop.click(turn, offer.tired)
        self._measure(offer.value, offer.reached, choice.probabilities)
        everybody = np.arange(shop.customers)
        luck, delays = shop.luck(turn)[everybody, choice.chosen], shop.delays(turn)[everybody, choice.chosen]
        wait = offer.waits[everybody, choice.chosen]
        clicked = luck[:, 0] < click[everybody, choice.chosen]
        bought = clicked & (luck[:, 1] < shop.buys[everybody, choice.chosen])
        organic = ~bought & (luck[:, 1] > 1.0 - figures.ORGANIC)
        rate = np.array([place.unsubscribes for place in figures.PLACES])[choice.chosen // DAYPARTS]
        gone = luck[:, 2] < rate * (1.0 + self._tired)
        self.conversions += int(bought.sum())
        self.unsubscribes += int(gone.sum())
        self._gone[everybody[gone], choice.chosen[gone] // DAYPARTS] = True
        self._tired = 0.5 * self._tired + 0.5
        for sent, hours in zip(self._lately, wait.tolist(), strict=True):
            sent.append(offer.now + hours * HOUR)
        for kind, which, after in (
            ("clicked", clicked, 0.0),
            ("converted", bought, BUYS_AFTER_HOURS),
            ("converted", organic, 0.0),
            ("unsubscribed", gone, 0.0),
        ):
            for customer in np.flatnonzero(which).tolist():
                told = Told(turn, customer, kind, float(delays[customer]) + after)
                self._tell(told, float(wait[customer]))

    def _measure(self, value: Floats, reached: NDArray[np.bool_], probabilities: Floats) -> None:
        value = np.where(reached, value, 0.0)
        chance = (value.sum(axis=1) / reached.sum(axis=1)).mean()
        best = value.max(axis=1).mean()
        self.gaps.append(float(((probabilities * value).sum(axis=1).mean() - chance) / (best - chance)))

    def _tell(self, told: Told, wait: float) -> None:
        """Keep an outcome until the first round that starts after it."""
        turn = told.turn + max(1, int(np.ceil((wait + told.hours) / (self._shop.settings.gap / HOUR))))
        self._due.setdefault(turn, []).append(told)


def _times(now: datetime, zone: str) -> list[SendTime]:
    """Give the next send time of each part of the local day."""
    found = send_times(DAYPART_SLOTS, not_before=now, deadline=now + 2 * DAY, tz=ZoneInfo(zone))
    first: dict[int, SendTime] = {}
    for when in found:
        first.setdefault(daypart(when.local_hour), when)
    return [first[part] for part in range(DAYPARTS)]
