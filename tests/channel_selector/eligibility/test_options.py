"""Each endpoint is among the options or left out with its reason, and what may not be sent never is."""

import math
from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channel_selector import DeliveryOption
from channel_selector.eligibility.caps import FrequencyCap, PastSend
from channel_selector.eligibility.endpoints import Consent, ConsentState, Endpoint, EndpointStatus
from channel_selector.eligibility.options import EligibilityRules, MessageWindow, Recipient, eligible, option_id
from channel_selector.eligibility.slots import KOREAN_NIGHT, SendSlot
from tests.channel_selector.strategies import NOW, option

SEOUL = ZoneInfo("Asia/Seoul")
PHONE = Endpoint(endpoint_id="phone", channel="app_push", address="t", device_kind="phone")
MAIL = Endpoint(endpoint_id="mail", channel="email", address="a@example.com")
TEXT = Endpoint(endpoint_id="text", channel="sms", address="+821012345678")
WINDOW = MessageWindow(not_before=NOW, deadline=NOW + timedelta(days=2))


def recipient(*endpoints: Endpoint, **changes: Any) -> Recipient:
    """Make a recipient in Seoul."""
    return Recipient(endpoints=endpoints, timezone=SEOUL, **changes)


def granted(channel: str) -> Consent:
    """Make a marketing consent."""
    return Consent(channel=channel, purpose="marketing", state=ConsentState.GRANTED, at=NOW)


def reasons(**changes: Any) -> dict[str, str]:
    """Give why each of three endpoints is left out of a marketing message."""
    rules = changes.pop("rules", EligibilityRules())
    message = changes.pop("message", WINDOW)
    answer = eligible(recipient(PHONE, MAIL, TEXT, **changes), message, rules)
    return {each.endpoint_id: each.reason_code for each in answer.excluded}


def test_options_are_endpoints_by_times_by_variants() -> None:
    """Two endpoints, two evenings, two variants: eight options in that order, each with its endpoint and cost."""
    rules = EligibilityRules(slots=(SendSlot.hours(18, 21),), costs={"email": 3.0})
    message = MessageWindow(not_before=NOW, deadline=NOW + timedelta(days=2), variants=("a", "b"))
    answer = eligible(recipient(PHONE, MAIL, consents=(granted("email"),)), message, rules)
    assert [(each.endpoint_id, each.variant) for each in answer.options] == [
        *[("phone", "a"), ("phone", "b")] * 2,
        *[("mail", "a"), ("mail", "b")] * 2,
    ]
    assert len({each.option_id for each in answer.options}) == 8
    assert [each.cost for each in answer.options] == [0.0] * 4 + [3.0] * 4
    assert {each.local_hour for each in answer.options} == {18}
    assert answer.hold_reason is None


def test_silence_leaves_only_the_push() -> None:
    """Without any consent e-mail and text messages are left out, the live token is not."""
    assert reasons() == {"mail": "no_consent", "text": "no_consent"}
    assert reasons(rules=EligibilityRules(unknown_consent={"email": True})) == {"text": "no_consent"}


def test_each_endpoint_is_left_out_for_its_own_reason() -> None:
    """Unverified, bounced, suppressed, not asked for: each is told."""
    ways = (
        Endpoint(endpoint_id="1", channel="app_push", address="x", deliverable=False),
        Endpoint(endpoint_id="2", channel="app_push", address="x", status=EndpointStatus.BOUNCED),
        Endpoint(endpoint_id="3", channel="app_push", address="x", status=EndpointStatus.EXPIRED),
        Endpoint(endpoint_id="4", channel="app_push", address="x"),
        TEXT,
    )
    message = MessageWindow(not_before=NOW, deadline=NOW + timedelta(days=1), channels=("app_push",))
    answer = eligible(recipient(*ways, suppressed_endpoints=frozenset({"4"})), message, EligibilityRules())
    assert [each.reason_code for each in answer.excluded] == [
        "unverified_endpoint",
        "endpoint_bounced",
        "endpoint_expired",
        "suppressed",
        "channel_not_requested",
    ]
    assert answer.hold_reason == "no_eligible_option"


def test_what_was_long_unseen_is_left_and_the_next_taken() -> None:
    """A push token after 270 days, an e-mail address only where rules say so; what else is open is offered."""
    old, fresh = NOW - timedelta(days=271), NOW - timedelta(days=269)
    stale, kept = replace(PHONE, last_seen=old), replace(PHONE, endpoint_id="kept", last_seen=fresh)
    mail = replace(MAIL, last_seen=old)
    told = eligible(recipient(stale, kept, mail, consents=(granted("email"),)), WINDOW, EligibilityRules())
    assert {each.endpoint_id: each.reason_code for each in told.excluded} == {"phone": "endpoint_long_unseen"}
    assert {each.endpoint_id for each in told.options} == {"kept", "mail"}
    rules = EligibilityRules(unseen={"email": timedelta(days=90), "app_push": timedelta(days=366)})
    told = eligible(recipient(stale, mail, consents=(granted("email"),)), WINDOW, rules)
    assert {each.endpoint_id: each.reason_code for each in told.excluded} == {"mail": "endpoint_long_unseen"}
    alone = eligible(recipient(stale), WINDOW, EligibilityRules())
    assert alone.hold_reason == "endpoint_long_unseen"


@pytest.mark.parametrize("status", [EndpointStatus.BOUNCED, EndpointStatus.EXPIRED])
def test_a_dead_endpoint_leaves_the_next_best(status: EndpointStatus) -> None:
    """The message is not dropped while another way is open, and no option goes to the dead one."""
    told = eligible(
        recipient(replace(PHONE, status=status), MAIL, consents=(granted("email"),)), WINDOW, EligibilityRules()
    )
    assert told.hold_reason is None
    assert {each.endpoint_id for each in told.options} == {"mail"}


def test_a_message_moves_inside_its_window_instead_of_being_dropped() -> None:
    """Begun in quiet hours it goes out after them; slots that a cap closes leave the later ones."""
    night = NOW.replace(hour=13)  # 22:00 in Seoul
    window = MessageWindow(not_before=night, deadline=night + timedelta(hours=12))
    told = eligible(recipient(PHONE), window, EligibilityRules(quiet=KOREAN_NIGHT))
    assert min(each.send_at for each in told.options) == night + timedelta(hours=10)
    cap = FrequencyCap(limit=1, window=timedelta(hours=24))
    sent = PastSend(at=NOW - timedelta(hours=1), channel="app_push")
    told = eligible(recipient(PHONE, sends=(sent,)), WINDOW, EligibilityRules(caps=(cap,)))
    assert told.options
    assert min(each.send_at for each in told.options) >= sent.at + timedelta(hours=24)


def test_already_bought_and_suppressed_hold_everything_back() -> None:
    """Nothing is sent to who bought or is suppressed, transactional messages to the suppressed neither."""
    consents = (granted("email"), granted("sms"))
    assert set(reasons(consents=consents, already_purchased=True).values()) == {"already_purchased"}
    message = MessageWindow(not_before=NOW, deadline=NOW + timedelta(days=1), purpose="transactional")
    assert set(reasons(consents=consents, suppressed=True, message=message).values()) == {"suppressed"}


def test_quiet_hours_past_the_deadline_are_the_reason_to_hold() -> None:
    """At 22:00 in Seoul with a deadline at 02:00 only the night is left, for marketing alone."""
    night = NOW + timedelta(hours=1)
    rules = EligibilityRules(quiet=KOREAN_NIGHT)
    for purpose, reason in (("marketing", "quiet_hours_past_deadline"), ("transactional", None)):
        message = MessageWindow(not_before=night, deadline=night + timedelta(hours=4), purpose=purpose)
        assert eligible(recipient(PHONE), message, rules).hold_reason == reason


def test_caps_leave_out_times_and_then_endpoints() -> None:
    """One message a day: after one sent now, only tomorrow is open; with a deadline today nothing is."""
    rules = EligibilityRules(caps=(FrequencyCap(limit=1, window=timedelta(days=1)),))
    person = recipient(PHONE, sends=(PastSend(at=NOW, channel="email"),))
    open_options = eligible(person, WINDOW, rules).options
    assert open_options
    assert all(each.send_at >= NOW + timedelta(days=1) for each in open_options)
    today = MessageWindow(not_before=NOW, deadline=NOW + timedelta(hours=20))
    assert eligible(person, today, rules).hold_reason == "frequency_cap"
    urgent = MessageWindow(not_before=NOW, deadline=NOW + timedelta(hours=20), purpose="transactional")
    assert eligible(person, urgent, rules).hold_reason is None


@pytest.mark.parametrize(
    ("endpoints", "message", "hold"),
    [
        ((), WINDOW, "no_endpoint"),
        ((PHONE,), MessageWindow(not_before=NOW, deadline=NOW), "deadline_passed"),
        ((PHONE,), MessageWindow(not_before=NOW, deadline=WINDOW.deadline, channels=()), "channel_not_requested"),
        ((MAIL, TEXT), WINDOW, "no_consent"),
        ((PHONE, MAIL), MessageWindow(not_before=NOW, deadline=WINDOW.deadline, channels=("email",)), "no_consent"),
    ],
)
def test_the_one_reason_to_hold_is_told(endpoints: tuple[Endpoint, ...], message: MessageWindow, hold: str) -> None:
    """Where all is left out for one reason, that is why; channels nobody asked for do not blur it."""
    assert eligible(recipient(*endpoints), message, EligibilityRules()).hold_reason == hold


@given(
    st.lists(st.sampled_from([PHONE, MAIL, TEXT]), unique=True),
    st.integers(0, 47),
    st.integers(0, 60),
    st.sampled_from(["marketing", "transactional"]),
    st.lists(st.integers(-30, 60), max_size=5),
)
def test_nothing_eligible_breaks_a_rule(
    endpoints: list[Endpoint], start: int, length: int, purpose: str, sent: list[int]
) -> None:
    """Every option is permitted, on time, outside quiet hours and capped; every endpoint is in or out, not both."""
    rules = EligibilityRules(quiet=KOREAN_NIGHT, caps=(FrequencyCap(limit=2, window=timedelta(days=1)),))
    sends = tuple(PastSend(at=NOW + timedelta(hours=hour), channel="email") for hour in sent)
    message = MessageWindow(
        not_before=NOW + timedelta(hours=start), deadline=NOW + timedelta(hours=start + length), purpose=purpose
    )
    answer = eligible(recipient(*endpoints, sends=sends, consents=(granted("sms"),)), message, rules)
    inside = {each.endpoint_id for each in answer.options}
    outside = {each.endpoint_id for each in answer.excluded}
    assert inside | outside == {each.endpoint_id for each in endpoints}
    assert not inside & outside
    assert (answer.hold_reason is None) == bool(inside)
    for each in answer.options:
        assert message.not_before <= each.send_at < message.deadline
        if purpose == "marketing":
            assert each.channel != "email"
            assert not KOREAN_NIGHT.forbids(each.send_at.astimezone(SEOUL))
            day = timedelta(days=1)
            assert sum(each.send_at - day < past.at <= each.send_at for past in sends) < 2


@pytest.mark.parametrize(
    "change",
    [
        {"cost": math.nan},
        {"cost": math.inf},
        {"cost": -1.0},
        {"cost": 10**400},
        {"local_hour": 24},
        {"local_hour": 3.5},
        {"weekday": 7},
        {"option_id": ""},
        {"channel": ""},
        {"send_at": NOW.replace(tzinfo=None)},
    ],
)
def test_options_out_of_range_are_refused(change: dict[str, Any]) -> None:
    """A broken option is refused when made, with the field's name, not when chosen from."""
    fields = {name: getattr(option(), name) for name in DeliveryOption.__slots__} | change
    with pytest.raises(ValueError, match=next(iter(change))):
        DeliveryOption(**fields)


def test_options_survive_json() -> None:
    """What is written is read back equal."""
    made = option("x", cost=2.5)
    assert DeliveryOption.from_json(made.to_json()) == made


def test_costs_are_checked_when_the_rules_are_made() -> None:
    """A cost that is no number is refused at start, not in a request."""
    with pytest.raises(ValueError, match="cost of sms"):
        EligibilityRules(costs={"sms": math.nan})


@given(
    st.lists(st.sampled_from([PHONE, MAIL, TEXT]), unique=True),
    st.lists(st.sampled_from("ab"), unique=True),
    st.integers(0, 60),
)
def test_options_are_what_they_would_be_if_looked_at(ways: list[Endpoint], variants: list[str], length: int) -> None:
    """Options are made without looking at their parts again: made anew of the same, they are equal and refused none."""
    message = MessageWindow(not_before=NOW, deadline=NOW + timedelta(hours=length), variants=tuple(variants))
    rules = EligibilityRules(costs={"email": 3.0}, unknown_consent={"email": True})
    answer = eligible(recipient(*ways), message, rules)
    assert bool(answer.options) is (length > 0 and not {PHONE, MAIL}.isdisjoint(ways))
    anew = [
        DeliveryOption(**{name: getattr(each, name) for name in DeliveryOption.__slots__}) for each in answer.options
    ]
    assert list(answer.options) == anew
    assert [each.option_id for each in anew] == [
        option_id(each.endpoint_id, each.send_at, each.variant) for each in anew
    ]


def test_an_endpoint_without_a_channel_is_refused() -> None:
    """What an option takes from its endpoint is looked at once."""
    nowhere = Endpoint(endpoint_id="nowhere", channel="", address="x")
    with pytest.raises(ValueError, match="channel"):
        eligible(recipient(nowhere), WINDOW, EligibilityRules(unknown_consent={"": True}))
