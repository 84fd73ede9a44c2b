"""The sample shop, made anew for every `now`, so that it never ages; the same arguments give the same shop.

All week, from one Sunday 15:00 in Seoul to the next, one seed tells one story: a later `now` only adds to it.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import numpy as np

from service.sample_shop.feed import Feed
from service.sample_shop.people import Address, Person, population
from service.sample_shop.records import PastAddress, PastMessage, PastOutcome, Question, SampleShop, ShopMessage
from service.sample_shop.reminders import Reminder, habitual, remind
from service.sample_shop.traffic import (
    tell_junk,
    tell_kiosks,
    tell_refunds,
    tell_reminders,
    tell_returns,
    tell_visits,
)
from service.sample_shop.visits import CURRENCY, Visit, plan_visits
from service.sample_shop.weeks import Calendar, anchor_of, calendar_of, milliseconds, moment
from service.sample_shop.wonjun import STREAM, TABLET, question_visit, responds, wonjuns_visits

Named = list[tuple[str, Reminder]]
Told = list[tuple[int, ShopMessage]]


def generate(now: datetime, seed: int = 7, people: int = 240) -> SampleShop:
    """Make six to seven weeks of a shop with `people` customers, and four more of Wonjun, up to `now` (aware).

    `people` may be 0 (Wonjun alone) to 99,999; about 45 messages each. ValueError for other numbers and for a `now`
    without a time zone. O(people); 240 take some tenths of a second.
    """
    if now.tzinfo is None:
        raise ValueError("now: a moment without a time zone is not allowed; use an aware datetime")
    anchor = anchor_of(now)
    calendar = calendar_of(anchor)
    until = milliseconds(now)
    day = f"{anchor:%Y%m%d}"
    told, sent = _crowd(calendar, np.random.default_rng(seed), people, f"{seed}-{people}-{day}")
    his_told, his_sent, question = _wonjun(calendar, anchor, day)
    messages = sorted([*told.messages(until), *his_told.messages(until)], key=lambda message: message[0])
    past = [
        _past(name, reminder, calendar, until) for name, reminder in (*sent, *his_sent) if reminder.sent_at <= until
    ]
    return SampleShop(
        messages=[message for _, message in messages],
        past=sorted(past, key=lambda message: message.sent_at),
        question=question,
    )


def _crowd(calendar: Calendar, rng: np.random.Generator, count: int, tag: str) -> tuple[Feed, Named]:
    people = population(rng, count)
    visits = plan_visits(people, calendar, rng, tag)
    reminders = remind(visits, calendar, rng, habitual)
    feed, named = _told(visits, reminders, tag)
    tell_returns(feed, visits, reminders, rng)
    tell_refunds(feed, visits, rng)
    tell_kiosks(feed, people, calendar, rng)
    tell_junk(feed, visits, rng)
    return feed, named


def _wonjun(calendar: Calendar, anchor: datetime, day: str) -> tuple[Feed, Named, Question]:
    rng = np.random.default_rng(STREAM)
    visits = wonjuns_visits(calendar, rng)
    reminders = remind(visits, calendar, rng, responds)
    last = question_visit(milliseconds(anchor))
    feed, named = _told([*visits, last], reminders, f"wonjun-{day}")
    return feed, named, _question(last, anchor)


def _question(visit: Visit, anchor: datetime) -> Question:
    if visit.cart is None:
        raise ValueError("the Sunday visit has no cart")
    return Question(
        recipient=("anonymous_id", TABLET.anonymous_id),
        message_id=f"{visit.cart.cart_id}-1",
        cart_id=visit.cart.cart_id,
        cart_value=visit.cart.value,
        currency=CURRENCY,
        abandoned_at=anchor.astimezone(UTC),
    )


def _told(visits: Sequence[Visit], reminders: Iterable[Reminder], tag: str) -> tuple[Feed, Named]:
    named = [(f"past-{tag}-{number:06d}", reminder) for number, reminder in enumerate(reminders)]
    feed = Feed(f"shop-{tag}", _opted_out(reminder for _, reminder in named))
    tell_visits(feed, visits)
    tell_reminders(feed, named)
    return feed, named


def _opted_out(reminders: Iterable[Reminder]) -> dict[tuple[str, str], int]:
    refusals = ((reminder, reminder.first("unsubscribed")) for reminder in reminders)
    return {
        (_user(reminder.visit.person), reminder.address.channel): refusal.at
        for reminder, refusal in refusals
        if refusal is not None
    }


def _user(person: Person) -> str:
    """Name the account of somebody who was sent a message: only members are."""
    if person.user_id is None:
        raise ValueError("a message was sent to somebody without an account")
    return person.user_id


def _past(decision_id: str, reminder: Reminder, calendar: Calendar, until: int) -> PastMessage:
    person = reminder.visit.person
    return PastMessage(
        decision_id=decision_id,
        message_id=f"{reminder.cart.cart_id}-1",
        subject=("user_id", _user(person)),
        address=_address(reminder.address),
        abandoned_at=moment(reminder.abandoned_at),
        sent_at=moment(reminder.sent_at),
        timezone=person.timezone,
        local_hour=reminder.local_hour,
        weekday=calendar.weekday(person.zone, reminder.sent_at),
        reach=tuple(_address(address) for address in reminder.reach),
        hours=tuple(moment(at) for at in reminder.hours),
        cart_id=reminder.cart.cart_id,
        cart_value=reminder.cart.value,
        currency=CURRENCY,
        outcomes=tuple(
            PastOutcome(kind=kind, at=moment(at), value=value)
            for kind, at, value in sorted(reminder.happenings, key=lambda happening: happening.at)
            if at <= until
        ),
    )


def _address(address: Address) -> PastAddress:
    return PastAddress(
        channel=address.channel,
        endpoint=(address.namespace, address.value),
        device_id=None if address.device is None else address.device.device_id,
        device_kind="" if address.device is None else address.device.kind,
    )
