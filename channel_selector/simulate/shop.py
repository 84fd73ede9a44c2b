"""A shop whose truth is known: the same settings and seed give the same customers, tastes and luck, to the last bit."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from channel_selector.eligibility.arms import DAYPARTS, HOURS_OF_DAYPART
from channel_selector.simulate import figures
from channel_selector.simulate.figures import PLACES

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CHANNELS = tuple(dict.fromkeys(place.channel for place in PLACES))
KINDS = tuple(dict.fromkeys(place.device_kind for place in PLACES))
START = datetime(2026, 3, 2, tzinfo=UTC)
"""A Monday; Europe's and America's clocks change within the month after it."""
ZONES = ("Asia/Seoul", "Europe/Berlin", "America/New_York")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopSettings:
    """How large the shop is and what is hard about it.

    customers, rounds: every customer gets one message a round, rounds are `gap` apart. flat: every click buys as
    often, whatever the channel. delay: mean time until what comes of a message comes (exponential). drift: standard
    deviation of what tastes move by in a round. fatigue: log-odds that each recent message costs. sleeping: share of
    everybody's endpoints that cannot be reached in a round, others in each. new_channel: the round from which on the
    messenger can be reached, counted from 0; by nobody before.
    """

    customers: int = 1_000
    rounds: int = 8
    gap: timedelta = timedelta(days=8)
    flat: bool = False
    delay: timedelta = timedelta(0)
    drift: float = 0.0
    fatigue: float = 0.0
    sleeping: float = 0.0
    new_channel: int | None = None
    seed: int = 1


class Shop:
    """Customers, what they can be reached by, and how likely each option is to be clicked and to sell.

    Arrays are customers × options; option k is place k // 8 at part of the day k % 8; `reached` says which exist.
    """

    def __init__(self, settings: ShopSettings) -> None:
        self.settings = settings
        random = np.random.default_rng([settings.seed, 1])
        count, places = settings.customers, len(PLACES)
        self.channel = np.repeat([CHANNELS.index(place.channel) for place in PLACES], DAYPARTS)
        self.kind = np.repeat([KINDS.index(place.device_kind) for place in PLACES], DAYPARTS)
        self.place = np.repeat(np.arange(places), DAYPARTS)
        self.part = np.tile(np.arange(DAYPARTS), places)
        self.segment = random.choice(len(figures.SEGMENTS), count, p=figures.SEGMENT_SHARES)
        self.zone = random.choice(len(ZONES), count, p=(0.6, 0.2, 0.2))
        reach = random.random((count, places)) < [place.reach for place in PLACES]
        reach[~reach.any(axis=1), _index_of("email")] = True
        self.endpoints = reach
        share, self.activity = _habits(random, count)
        self._draw_tastes(random, share)

    @property
    def customers(self) -> int:
        """How many there are."""
        return self.settings.customers

    def reached(self, turn: int) -> NDArray[np.bool_]:
        """Give which options each customer has in a round."""
        there = self.endpoints.copy()
        if self.settings.new_channel is not None and turn < self.settings.new_channel:
            there[:, _index_of("messenger")] = False
        if self.settings.sleeping > 0.0:
            awake = np.random.default_rng([self.settings.seed, 5, turn]).random(there.shape) >= self.settings.sleeping
            there &= awake
        there[~there.any(axis=1), _index_of("email")] = True
        return np.repeat(there, DAYPARTS, axis=1)

    def click(self, turn: int, recent: Floats | float = 0.0) -> Floats:
        """Give the true probability of a click of every option in a round; `recent`: messages lately, by customer."""
        tired = self.settings.fatigue * np.broadcast_to(np.asarray(recent, dtype=np.float64), (self.customers,))
        result: Floats = 1.0 / (1.0 + np.exp(-(self._logit + self._moved(turn) - tired[:, None])))
        return result

    @property
    def buys(self) -> Floats:
        """Give the true probability that a click of every option buys."""
        return self._buys[self.segment][:, self.channel]

    def value(self, turn: int, recent: Floats | float = 0.0) -> Floats:
        """Give the true probability that a message sells, of every option."""
        return self.click(turn, recent) * self.buys

    def luck(self, turn: int) -> Floats:
        """Give a round's luck, the same whoever decides: customers × options × (click, purchase, unsubscription)."""
        return np.random.default_rng([self.settings.seed, 2, turn]).random((self.customers, len(self.place), 3))

    def delays(self, turn: int) -> Floats:
        """Give how long after sending a click of each option would come, in hours."""
        random = np.random.default_rng([self.settings.seed, 3, turn])
        mean = self.settings.delay.total_seconds() / 3600
        drawn: Floats = random.standard_exponential((self.customers, len(self.place))) * mean
        return np.maximum(drawn, 1 / 60)

    def _draw_tastes(self, random: np.random.Generator, share: Floats) -> None:
        count, channels = self.customers, len(CHANNELS)
        base = np.array([place.click for place in PLACES])
        by_segment = random.normal(0.0, figures.PLACE_BY_SEGMENT, (len(figures.SEGMENTS), channels))
        by_hour = random.normal(0.0, figures.PLACE_BY_HOUR, (channels, DAYPARTS))
        hour = random.normal(0.0, figures.HOUR, DAYPARTS)
        person = random.normal(0.0, figures.PERSON, (count, 1))
        channel = random.normal(0.0, figures.CHANNEL_TASTE, (count, channels))
        endpoint = random.normal(0.0, figures.ENDPOINT_TASTE, (count, len(PLACES)))
        kind = random.normal(0.0, figures.DEVICE_TASTE, (count, len(KINDS)))
        own_hour = random.normal(0.0, figures.HOUR_TASTE, (count, DAYPARTS))
        pull = np.log(share + 0.01)
        own_hour += figures.ACTIVITY_PULL * (pull - pull.mean(axis=1, keepdims=True))
        self._logit = (
            np.log(base / (1.0 - base))[self.place]
            + by_segment[self.segment][:, self.channel]
            + by_hour[self.channel, self.part]
            + hour[self.part]
            + person
            + channel[:, self.channel]
            + endpoint[:, self.place]
            + kind[:, self.kind]
            + own_hour[:, self.part]
        )
        # People differ, so the mean of all would lie above the published one; bring each place back to it.
        for place, figure in enumerate(base):
            mine = self.place == place
            for _ in range(8):
                mean = (1.0 / (1.0 + np.exp(-self._logit[:, mine]))).mean()
                self._logit[:, mine] -= np.log(mean / figure)
        self._buys = _buying(random, flat=self.settings.flat)

    def _moved(self, turn: int) -> Floats:
        """Give what drift has moved the log-odds by: the customer's channels and hours walk at random."""
        total: Floats = np.zeros((self.customers, len(self.place)))
        if self.settings.drift == 0.0:
            return total
        for past in range(1, turn + 1):
            random = np.random.default_rng([self.settings.seed, 4, past])
            total += random.normal(0.0, self.settings.drift, (self.customers, len(CHANNELS)))[:, self.channel]
            total += random.normal(0.0, self.settings.drift, (self.customers, DAYPARTS))[:, self.part]
        return total


def _index_of(channel: str) -> int:
    return next(index for index, place in enumerate(PLACES) if place.channel == channel)


def _buying(random: np.random.Generator, *, flat: bool) -> Floats:
    """Give P(buys | clicked) by segment and channel."""
    if flat:
        return np.full((len(figures.SEGMENTS), len(CHANNELS)), figures.FLAT_BUYS)
    means = {place.channel: place.buys_after_click for place in PLACES}
    logit = np.array([np.log(means[channel] / (1.0 - means[channel])) for channel in CHANNELS])
    spread = random.normal(0.0, figures.BUYS_BY_SEGMENT, (len(figures.SEGMENTS), len(CHANNELS)))
    result: Floats = 1.0 / (1.0 + np.exp(-(logit + spread)))
    return result


def _habits(random: np.random.Generator, count: int) -> tuple[Floats, Ints]:
    """Give each customer's true share of activity by part of the day, and the 24 counts that were seen of it."""
    habit = np.array(figures.HABITS)[random.choice(len(figures.HABITS), count, p=figures.HABIT_SHARES)]
    weights = random.standard_gamma(figures.HABIT_STRENGTH * habit / habit.sum(axis=1, keepdims=True))
    share = weights / weights.sum(axis=1, keepdims=True)
    seen = random.geometric(1.0 / figures.ACTIVITY_EVENTS, count)
    hourly = np.repeat(share / HOURS_OF_DAYPART, HOURS_OF_DAYPART, axis=1)
    return share, random.multinomial(seen, hourly)
