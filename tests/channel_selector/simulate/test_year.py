"""A year of messages under changing clocks breaks no rule: no consent, quiet hour, cap, deadline or dead address.

What is chosen is judged by oracles written apart from the code: wall clocks by `zoneinfo` at the instant of sending,
the last word by going through what was said, caps by looking at every window of every two sends.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from channel_selector import Context, Selector, SelectorSettings
from channel_selector.eligibility.caps import FrequencyCap, PastSend
from channel_selector.eligibility.endpoints import (
    APP_PUSH,
    EMAIL,
    MARKETING,
    MESSENGER,
    PUSHES,
    SMS,
    Consent,
    ConsentState,
    Endpoint,
    EndpointStatus,
)
from channel_selector.eligibility.options import DeliveryOption, EligibilityRules, MessageWindow, Recipient, eligible
from channel_selector.eligibility.slots import DAYPART_SLOTS, KOREAN_NIGHT, SendSlot, send_times

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Seoul", "Africa/Casablanca", "Pacific/Apia")
CHANNELS = (APP_PUSH, EMAIL, SMS, MESSENGER)
CAPS = (
    FrequencyCap(limit=3, window=timedelta(days=7)),
    FrequencyCap(limit=1, window=timedelta(days=1), channel=SMS),
    FrequencyCap(limit=1, window=timedelta(hours=20)),
)
RULES = EligibilityRules(quiet=KOREAN_NIGHT, caps=CAPS)
FIRST = datetime(2026, 1, 1, 0, 30, tzinfo=UTC)


@dataclass
class Person:
    """Somebody, what they have said, and what they were sent."""

    name: str
    zone: ZoneInfo
    endpoints: list[Endpoint]
    consents: list[Consent] = field(default_factory=list)
    sends: list[PastSend] = field(default_factory=list)


def people(count: int) -> list[Person]:
    """Make people of all zones, with an endpoint a channel."""
    return [
        Person(
            f"p{n}",
            ZoneInfo(ZONES[n % len(ZONES)]),
            [Endpoint(endpoint_id=f"{n}-{channel}", channel=channel, address="x") for channel in CHANNELS],
        )
        for n in range(count)
    ]


def something_happens(person: Person, random: np.random.Generator, now: datetime) -> None:
    """Let somebody change their mind, or an address die or come back."""
    if random.random() < 0.15:
        state = ConsentState.GRANTED if random.random() < 0.6 else ConsentState.DENIED
        channel = None if random.random() < 0.2 else CHANNELS[random.integers(len(CHANNELS))]
        person.consents.append(Consent(channel=channel, purpose=MARKETING, state=state, at=now))
    if random.random() < 0.05:
        place = int(random.integers(len(CHANNELS)))
        status = list(EndpointStatus)[random.integers(len(EndpointStatus))]
        old = person.endpoints[place]
        person.endpoints[place] = Endpoint(
            endpoint_id=old.endpoint_id, channel=old.channel, address=old.address, status=status
        )


def may_write(person: Person, channel: str) -> bool:
    """Go through all that was said, in order of time."""
    own, everywhere = None, None
    for word in sorted(person.consents, key=lambda consent: consent.at):
        if word.channel == channel:
            own = word
        elif word.channel is None:
            everywhere = word
    if own is not None and own.state is ConsentState.DENIED:
        return False
    words = [word for word in (own, everywhere) if word is not None]
    if not words:
        return channel in PUSHES
    newest = max(word.at for word in words)
    return all(word.state is ConsentState.GRANTED for word in words if word.at == newest)


def breaks_a_cap(sends: Sequence[PastSend]) -> bool:
    """Look at every window that begins just after one send and ends at another."""
    for cap in CAPS:
        times = sorted(send.at for send in sends if cap.channel in (None, send.channel))
        if any(sum(end - cap.window < at <= end for at in times) > cap.limit for end in times):
            return True
    return False


def judge(person: Person, option: DeliveryOption, window: MessageWindow) -> None:
    """Hold an option against every rule."""
    wall = option.send_at.astimezone(person.zone)
    endpoint = next(each for each in person.endpoints if each.endpoint_id == option.endpoint_id)
    assert window.not_before <= option.send_at < window.deadline
    assert 8 * 60 <= wall.hour * 60 + wall.minute < 21 * 60, wall
    assert (option.local_hour, option.weekday) == (wall.hour, wall.weekday())
    assert may_write(person, option.channel)
    assert endpoint.status is EndpointStatus.ACTIVE
    assert not breaks_a_cap([*person.sends, PastSend(at=option.send_at, channel=option.channel)])


def live(count: int, every: timedelta, days: int, seed: int) -> tuple[int, int]:
    """Let people be written to for so many days; give how many messages were sent, and how many held."""
    random, selector = np.random.default_rng(seed), Selector(SelectorSettings(floor=0.3), seed=seed)
    everybody, sent, held, now = people(count), 0, 0, FIRST
    while now < FIRST + timedelta(days=days):
        for person in everybody:
            something_happens(person, random, now)
            window = MessageWindow(not_before=now, deadline=now + timedelta(hours=float(random.uniform(1.0, 60.0))))
            recent = [send for send in person.sends if send.at > now - timedelta(days=8)]
            recipient = Recipient(
                endpoints=tuple(person.endpoints),
                consents=tuple(person.consents),
                sends=tuple(recent),
                timezone=person.zone,
            )
            options = eligible(recipient, window, RULES).options
            for option in options:
                judge(person, option, window)
            decision = selector.choose(Context(subject=person.name), options, now=now)
            if decision.option is None:
                held += 1
            else:
                judge(person, decision.option, window)
                person.sends = [*recent, PastSend(at=decision.option.send_at, channel=decision.option.channel)]
                sent += 1
        now += every
    return sent, held


def test_a_year_breaks_no_rule() -> None:
    """Six people in six zones, asked for every three days and seven hours: all of the year's changes of clocks."""
    sent, held = live(6, timedelta(days=3, hours=7), 366, seed=1)
    assert sent > 200
    assert held > 25


@pytest.mark.long
def test_a_year_of_hundreds_breaks_no_rule() -> None:
    """Three hundred people, asked for every seven hours."""
    sent, _ = live(300, timedelta(hours=7), 366, seed=2)
    assert sent > 30_000


@pytest.mark.parametrize("zone", ZONES)
def test_every_slot_of_a_year_is_there_once(zone: str) -> None:
    """Each part of each local day has one instant, the first that its wall clock shows, or none where a gap ate it.

    The oracle walks the year in steps of ten minutes of real time, and looks at the clock.
    """
    tz = ZoneInfo(zone)
    slots = (*DAYPART_SLOTS, SendSlot(start=120, end=150))
    expected: dict[tuple[object, SendSlot], datetime] = {}
    at = datetime(2026, 1, 1, tzinfo=UTC)
    end = at + timedelta(days=365)
    instant = at
    while instant < end:
        wall = instant.astimezone(tz)
        for slot in slots:
            if slot.start <= wall.hour * 60 + wall.minute < slot.end:
                expected.setdefault((wall.date(), slot), instant)
        instant += timedelta(minutes=10)
    found: dict[tuple[object, SendSlot], datetime] = {}
    day = at
    while day < end:
        for when in send_times(slots, not_before=day, deadline=min(day + timedelta(days=30), end), tz=tz):
            found.setdefault((when.send_at.astimezone(tz).date(), when.slot), when.send_at)
        day += timedelta(days=30)
    assert found == expected
