"""The sample shop is whole at every hour of a week, honest about its propensities, and near the published figures."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from math import log, sqrt
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from identity.identifiers import Identifier
from identity.normalize import normalize
from identity.observations import Trust
from identity.rules import LinkingRules
from service.carts.cart import Cart, CartState
from service.carts.carts import cart_named, carts
from service.carts.commerce import CommerceEvent, commerce_event
from service.carts.orders import already_purchased, orders
from service.customers.consents import DEFAULT_CATEGORIES
from service.events.devices import device_kind
from service.events.messages import Message, parse
from service.sample_shop import PastMessage, SampleShop, ShopMessage, generate
from service.sample_shop.people import KINDS, USER_AGENTS, Address, Person, addresses, home_ip, population
from service.sample_shop.rates import DAYPART_MATCH, DAYPART_MISS, PUSH_OPT_IN, RATES, delay_hours
from service.sample_shop.reminders import daypart_of
from service.sample_shop.weeks import SEOUL
from service.sample_shop.wonjun import TAKES_UP

NOW = datetime(2026, 11, 21, 21, 0, tzinfo=UTC)
SUNDAY = datetime(2026, 11, 15, 15, 0, tzinfo=ZoneInfo(SEOUL))
LARGE_SEED, LARGE = 11, 2_500
HIS = frozenset({"wonjun", "tablet-7c1", "phone-19f", "app-phone-19f"})


@pytest.fixture(scope="module")
def shop() -> SampleShop:
    """Make the default shop once."""
    return generate(NOW)


@pytest.fixture(scope="module")
def large() -> SampleShop:
    """Make a shop of many, whose averages mean something."""
    return generate(NOW, seed=LARGE_SEED, people=LARGE)


def parsed(message: ShopMessage, now: datetime = NOW) -> Message:
    """Read a message as the collector does; it must be taken."""
    read = parse(message.raw, route_type=None, source="shop", trust=message.trust, received_at=now, sent_at=None)
    assert isinstance(read, Message)
    return read


def wonjuns_events(shop: SampleShop, now: datetime) -> list[CommerceEvent]:
    """Give the e-commerce events of Wonjun's account and devices."""
    his = [m for m in shop.messages if {m.raw.get("userId"), m.raw.get("anonymousId")} & HIS]
    return [event for m in his if (event := commerce_event(parsed(m, now))) is not None]


def wonjuns_past(shop: SampleShop) -> list[PastMessage]:
    """Give the messages he was sent."""
    return [past for past in shop.past if past.subject == ("user_id", "wonjun")]


def kinds(past: PastMessage) -> set[str]:
    """Name what came of a message."""
    return {outcome.kind for outcome in past.outcomes}


def test_every_message_is_taken_by_the_collector(shop: SampleShop) -> None:
    """Each parses, is dated by its own timestamp not later than now, has its own id, and they come in order of time."""
    messages = [parsed(message) for message in shop.messages]
    assert len({message.message_id for message in messages}) == len(messages)
    assert [m.at for m in messages] == sorted(m.at for m in messages)
    assert messages[-1].at <= NOW
    assert all("sentAt" not in message.raw for message in shop.messages)
    assert all(m.raw["context"]["timezone"] and m.raw["context"]["userAgent"] for m in shop.messages)


def test_the_same_arguments_give_the_same_shop(shop: SampleShop) -> None:
    """Nothing hangs on the clock or on global randomness; another seed is another shop with the same Wonjun."""
    again, other = generate(NOW), generate(NOW, seed=8)
    assert again == shop
    assert [m.raw for m in again.messages] == [m.raw for m in shop.messages]
    assert again.past == shop.past
    assert other.past != shop.past
    assert wonjuns_past(other) == wonjuns_past(shop)


@pytest.mark.parametrize("later", [timedelta(hours=1), timedelta(days=3, minutes=7)])
def test_a_later_now_of_the_same_week_only_adds(later: timedelta) -> None:
    """Loading again into the same store finds duplicates and new messages, never a conflict."""
    early, late = (
        generate(SUNDAY + timedelta(days=2), people=40),
        generate(SUNDAY + timedelta(days=2) + later, people=40),
    )
    told = [m.raw for m in late.messages]
    assert told[: len(early.messages)] == [m.raw for m in early.messages]
    assert {p.decision_id for p in early.past} <= {p.decision_id for p in late.past}
    assert late.question == early.question


def test_another_week_names_its_messages_anew() -> None:
    """Next Sunday's story never takes the ids of this one's."""
    this, following = (generate(NOW + timedelta(days=days), people=20) for days in (0, 7))
    assert not {m.raw["messageId"] for m in this.messages} & {m.raw["messageId"] for m in following.messages}
    assert not {p.decision_id for p in this.past} & {p.decision_id for p in following.past}


@pytest.mark.slow
def test_it_never_ages() -> None:
    """At every hour of a week the question stands and Wonjun's evidence is the same, told from its Sunday."""
    told = set()
    for hour in range(7 * 24):
        now = SUNDAY + timedelta(hours=hour)
        shop = generate(now, people=0)
        question = shop.question
        assert question.abandoned_at == SUNDAY
        assert now - timedelta(days=7) < question.abandoned_at <= now
        past = wonjuns_past(shop)
        told.add(tuple((p.sent_at - SUNDAY, p.channel, p.outcomes) for p in past))
        events = wonjuns_events(shop, now)
        cart = cart_named(carts(events, now), question.cart_id)
        check_question(cart, shop)
        assert not already_purchased(cart, orders(events), question.abandoned_at)
    assert len(told) == 1


def check_question(cart: Cart | None, shop: SampleShop) -> None:
    """Check that the cart in question is his only live one, abandoned when the question says, and worth as much."""
    assert cart is not None
    question = shop.question
    assert question.recipient == ("anonymous_id", "tablet-7c1")
    assert cart.state is CartState.ABANDONED
    assert (cart.abandoned_at, cart.value, cart.currency) == (
        question.abandoned_at,
        question.cart_value,
        question.currency,
    )
    assert {value for _, value in cart.identifiers} >= {"tablet-7c1"}


def test_the_question_changes_on_sunday_at_fifteen() -> None:
    """A second before, it is last week's cart; on the hour it is today's."""
    before, after = generate(SUNDAY - timedelta(seconds=1), people=0), generate(SUNDAY, people=0)
    assert after.question.abandoned_at - before.question.abandoned_at == timedelta(days=7)
    live = [cart for cart in carts(wonjuns_events(after, SUNDAY), SUNDAY) if cart.closed_at is None]
    assert [cart.cart_id for cart in live] == [after.question.cart_id]


def test_wonjun_takes_up_most_of_what_reaches_his_phone_in_the_evening(shop: SampleShop) -> None:
    """Of the pushes and e-mails of 18:00–21:00 as many as his habit says, nothing else; and everything was tried."""
    past = wonjuns_past(shop)
    pushes, mails = ([p for p in past if p.channel == by and p.local_hour >= 18] for by in ("app_push", "email"))
    pushed, mailed = ([p for p in sent if "converted" in kinds(p)] for sent in (pushes, mails))
    assert all(p.device_id == "phone-19f" for p in pushes)
    for by, sent, taken in (("app_push", pushes, pushed), ("email", mails, mailed)):
        expected = len(sent) * TAKES_UP[by]
        assert abs(len(taken) - expected) <= 3 * sqrt(expected * (1 - TAKES_UP[by]))
    assert len(pushes) > len(pushed) > 2 * len(mailed) > 0
    assert all(kinds(p) == {"delivered"} for p in past if p not in pushed + mailed)
    tried = {(p.channel, p.local_hour >= 18) for p in past}
    assert tried == {(channel, evening) for channel in ("app_push", "web_push", "email") for evening in (True, False)}
    assert max(p.sent_at for p in past) < SUNDAY - timedelta(days=7)


def test_wonjun_pays_on_the_phone_in_the_evening(shop: SampleShop) -> None:
    """Every order of his comes from the phone between 18:00 and 21:00 in Seoul, none since the Sunday cart."""
    paid = orders(wonjuns_events(shop, NOW))
    assert len(paid) == 1 + sum("converted" in kinds(p) for p in wonjuns_past(shop))
    assert all(18 <= order.at.astimezone(ZoneInfo(SEOUL)).hour < 21 for order in paid)
    assert all(order.at < SUNDAY and order.trust is Trust.SERVER for order in paid)
    bought = [m for m in shop.messages if m.raw.get("event") == "Order Completed" and m.raw.get("userId") == "wonjun"]
    assert {m.raw["context"]["device"]["id"] for m in bought} == {"phone-19f"}


def test_wonjun_logged_in_on_the_tablet_once_and_not_that_sunday(shop: SampleShop) -> None:
    """One server-side login ties the tablet to him; the Sunday's events name the tablet alone."""
    tablet = [m for m in shop.messages if m.raw.get("anonymousId") == "tablet-7c1"]
    logins = [m for m in tablet if m.raw.get("userId") == "wonjun"]
    assert [m.raw["type"] for m in logins if m.trust is Trust.SERVER] == ["identify"]
    assert all(parsed(login).at < SUNDAY - timedelta(days=41) for login in logins)


def test_converted_messages_have_their_order(shop: SampleShop) -> None:
    """Each converted outcome is told as an Order Completed with its decision, moment and worth."""
    told = {
        event.decision_id: event
        for message in shop.messages
        if "decision_id" in message.raw.get("properties", {}) and (event := commerce_event(parsed(message)))
    }
    converted = {p.decision_id: o for p in shop.past for o in p.outcomes if o.kind == "converted"}
    assert converted.keys() == told.keys()
    assert all((told[d].at, told[d].amount, told[d].trust) == (o.at, o.value, 2) for d, o in converted.items())


def test_past_messages_keep_the_law(shop: SampleShop) -> None:
    """Local hours are right, the night is quiet, and consent had been given."""
    consents = logged_consents(shop)
    category = {each.channel: name for name, each in DEFAULT_CATEGORIES.items()}
    for past in shop.past:
        local = past.sent_at.astimezone(ZoneInfo(past.timezone))
        assert (local.hour, local.minute, local.weekday()) == (past.local_hour, 0, past.weekday)
        assert 8 <= past.local_hour <= 20
        assert timedelta() <= past.sent_at - past.abandoned_at < timedelta(hours=12)
        assert past.sent_at <= NOW
        assert all(past.sent_at < outcome.at <= NOW for outcome in past.outcomes)
        assert (past.device_kind in KINDS) == (past.channel in ("app_push", "web_push"))
        assert any(at <= past.sent_at and said[category[past.channel]] for at, said in consents[past.subject[1]])


def logged_consents(shop: SampleShop) -> dict[str, list[tuple[datetime, dict[str, bool]]]]:
    """Collect what the messages say of each account's consents."""
    found = defaultdict(list)
    for message in shop.messages:
        consent = message.raw["context"].get("consent")
        if consent is not None and message.raw.get("userId"):
            found[message.raw["userId"]].append(
                (datetime.fromisoformat(message.raw["timestamp"]), consent["categoryPreferences"])
            )
    return found


def test_nobody_who_opted_out_is_written_to_again(large: SampleShop) -> None:
    """An unsubscription ends the channel for the person, a bounce the address, and later consents say so."""
    ended = [(p, o) for p in large.past for o in p.outcomes if o.kind in ("unsubscribed", "bounced")]
    assert {outcome.kind for _, outcome in ended} == {"unsubscribed", "bounced"}
    by_subject = defaultdict(list)
    for past in large.past:
        by_subject[past.subject].append(past)
    for past, outcome in ended:
        after = [p for p in by_subject[past.subject] if p.abandoned_at > outcome.at]
        assert past.endpoint not in [p.endpoint for p in after]
        assert outcome.kind == "bounced" or past.channel not in [p.channel for p in after]
    consents = logged_consents(large)
    for past, outcome in ended:
        said = [choice[f"marketing_{past.channel}"] for at, choice in consents[past.subject[1]] if at >= outcome.at]
        assert outcome.kind == "bounced" or (said and not any(said))


def test_options_are_drawn_evenly(large: SampleShop) -> None:
    """Every address × legal hour is an option, and each is drawn as often as its propensity says."""
    people = {person.user_id: addresses(person) for person in shop_people(LARGE_SEED, LARGE)}
    ended = {p.subject for p in large.past if kinds(p) & {"unsubscribed", "bounced"}}
    settled = [p for p in large.past if p.subject not in ended and p.subject[1] in people]
    assert len(settled) > 1_000
    assert all([address.endpoint for address in p.reach] == endpoints(people[p.subject[1]]) for p in settled)
    ranks = [(p.hours.index(p.sent_at) + 0.5) / len(p.hours) for p in settled]
    assert abs(np.mean(ranks) - 0.5) < 4 * sqrt(1 / 12 / len(ranks))
    for channel in RATES:
        could = [(p.channel == channel, share(people[p.subject[1]], channel)) for p in settled]
        surplus = sum(drawn - chance for drawn, chance in could)
        assert abs(surplus) < 4 * sqrt(sum(chance * (1 - chance) for _, chance in could))


def test_options_are_whole(shop: SampleShop) -> None:
    """All legal hours were options, each address once, and what was sent is one of them."""
    for past in shop.past:
        assert list(past.hours) == legal_hours(past)
        assert past.sent_at in past.hours
        assert past.address in past.reach
        assert len({address.endpoint for address in past.reach}) == len(past.reach)
        assert past.propensity * len(past.reach) * len(past.hours) == pytest.approx(1)


def endpoints(reach: tuple[Address, ...]) -> list[tuple[str, str]]:
    """Give the namespaces and values of addresses."""
    return [(address.namespace, address.value) for address in reach]


def share(reach: tuple[Address, ...], channel: str) -> float:
    """Give the share of a person's addresses that are of a channel."""
    return sum(address.channel == channel for address in reach) / len(reach)


def legal_hours(past: PastMessage) -> list[datetime]:
    """List the hours that begin within twelve hours of the abandonment and are not in the night."""
    first = past.abandoned_at.replace(minute=0, second=0, microsecond=0)
    starts = (first + timedelta(hours=hour) for hour in range(13))
    zone = ZoneInfo(past.timezone)
    reach = (start for start in starts if timedelta() <= start - past.abandoned_at < timedelta(hours=12))
    return [start for start in reach if 8 <= start.astimezone(zone).hour <= 20]


@pytest.mark.parametrize("channel", sorted(RATES))
def test_rates_are_near_the_published_ones(large: SampleShop, channel: str) -> None:
    """Opens and clicks of old messages lie within sampling error and a fifth of their source's figure."""
    old = [p for p in large.past if p.channel == channel and NOW - p.sent_at > timedelta(days=2)]
    reached = [p for p in old if "bounced" not in kinds(p)]
    assert len(reached) > 150
    for kind, rate in (("opened", RATES[channel].opened), ("clicked", RATES[channel].clicked)):
        found = sum(kind in kinds(p) for p in reached) / len(reached)
        expected = 0.0 if rate is None else rate
        assert abs(found - expected) <= 0.2 * expected + 3 * sqrt(expected * (1 - expected) / len(reached))


def test_conversions_are_near_the_published_ones(large: SampleShop) -> None:
    """Orders that messages caused, all channels together: the published rate less those who would buy anyway."""
    old = [p for p in large.past if p.subject[1] != "wonjun" and NOW - p.sent_at > timedelta(days=8)]
    expected = sum(RATES[p.channel].converted * 0.45 for p in old)
    assert abs(sum("converted" in kinds(p) for p in old) - expected) <= 0.2 * expected + 3 * sqrt(expected)


def test_a_learner_finds_structure(large: SampleShop) -> None:
    """People click more often at their part of the day, by the odds written down, within four standard errors."""
    people = {person.user_id: person for person in shop_people(LARGE_SEED, LARGE)}
    past = [p for p in large.past if p.subject[1] in people]
    fits = [p for p in past if daypart_of(p.local_hour) == people[p.subject[1]].daypart]
    rest = [p for p in past if daypart_of(p.local_hour) != people[p.subject[1]].daypart]
    clicks = [sum("clicked" in kinds(p) for p in group) for group in (fits, rest)]
    found = log(clicks[0] / len(fits)) - log(clicks[1] / len(rest))
    assert abs(found - log(DAYPART_MATCH / DAYPART_MISS)) < 4 * sqrt(1 / clicks[0] + 1 / clicks[1])


def test_most_carts_are_left_behind(large: SampleShop) -> None:
    """About three in four, by events alone."""
    ordered = sum(m.raw.get("event") == "Payment Info Entered" for m in large.messages)
    ids = {m.raw["properties"]["cart_id"] for m in large.messages if m.raw.get("event") == "Product Added"}
    assert 1 - ordered / len(ids) == pytest.approx(0.756 + 0.04, abs=0.02)


def test_identifiers_are_invented_and_valid(shop: SampleShop) -> None:
    """E-mails are of example.com, numbers of one block, addresses of documentation; all but the junk normalise."""
    rules = LinkingRules()
    found = {pair for message in shop.messages for pair in parsed(message).identifiers if pair[0] != "ip"}
    rejected = {pair for pair in found if not isinstance(normalize(*pair, rules), Identifier)}
    junk = {"undefined", "null", "n/a", "guest", "unknown", "not an address", "000"}
    assert {value for _, value in rejected} == junk | {"00000000-0000-0000-0000-000000000000"}
    good = found - rejected
    assert all(value.endswith("@example.com") for namespace, value in good if namespace == "email")
    assert all(value.startswith("+8210555") for namespace, value in good if namespace == "phone")
    assert all(message.raw["context"]["ip"].startswith("2001:db8:") for message in shop.messages)
    assert {n for n, _ in good} >= {"user_id", "anonymous_id", "device_id", "push_token", "email", "phone", "kakao_id"}


def test_a_kiosk_is_shared_by_more_people_than_a_hub_may_link(shop: SampleShop) -> None:
    """In the store stands a tablet for everybody; it must join nobody."""
    accounts = {m.raw.get("userId") for m in shop.messages if m.raw.get("anonymousId") == "kiosk-1"}
    limit = LinkingRules().hub_limit
    assert limit is not None
    assert len(accounts - {None}) > limit


def test_families_share_tablets(shop: SampleShop) -> None:
    """Some browsers see the logins of two people, and no address of anybody is on them."""
    accounts = defaultdict(set)
    for message in shop.messages:
        login = message.raw["type"] == "identify" and message.trust is Trust.SERVER
        if login and message.raw["anonymousId"].startswith("family-"):
            accounts[message.raw["anonymousId"]].add(message.raw["userId"])
    assert Counter(len(who) for who in accounts.values())[2] >= 3


def test_user_agents_tell_the_kind_of_device() -> None:
    """What the shop says of its devices is what the service reads."""
    for (kind, system), agent in USER_AGENTS.items():
        assert device_kind(system, agent) == kind


def test_push_opt_in_is_as_published() -> None:
    """Tokens exist on the published share of apps and browsers."""
    devices = [device for person in shop_people(3, 4_000) for device in person.devices]
    for system, share in PUSH_OPT_IN.items():
        ours = [device for device in devices if device.system == system and not device.shared]
        taken = sum(device.token is not None for device in ours) / len(ours)
        assert abs(taken - share) <= 4 * sqrt(share * (1 - share) / len(ours))


def shop_people(seed: int, count: int) -> list[Person]:
    """Invent the people of a shop as `generate` does."""
    return population(np.random.default_rng(seed), count)


def test_delays_follow_the_published_distribution() -> None:
    """Of all conversions 35 % come within an hour and half within a day; ours are those within a week."""
    delays = [delay_hours((n + 0.5) / 10_000) for n in range(10_000)]
    assert delays == sorted(delays)
    assert max(delays) <= 7 * 24
    within_an_hour, within_a_day = (sum(delay <= hours for delay in delays) / 10_000 for hours in (1, 24))
    assert within_a_day / within_an_hour == pytest.approx(0.50 / 0.35, rel=0.01)


def test_homes_are_apart() -> None:
    """No two households share an address, kiosks included."""
    assert len({home_ip(number) for number in (*range(70_000), 0xFFFF0000)}) == 70_001


@pytest.mark.parametrize(("now", "people"), [(NOW.replace(tzinfo=None), 5), (NOW, -1), (NOW, 100_000)])
def test_impossible_shops_are_refused(now: datetime, people: int) -> None:
    """A moment without a zone and a number out of range are said plainly."""
    with pytest.raises(ValueError, match="is not allowed; use"):
        generate(now, people=people)


@pytest.mark.parametrize("people", [0, 1, 2, 15])
def test_small_shops_work(people: int) -> None:
    """Wonjun alone, and a handful."""
    shop = generate(NOW, people=people)
    assert wonjuns_past(shop)
    assert shop.messages
