"""Orders count once, for the message that was really sent last; events that name a decision are believed by trust."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channel_selector.outcomes import Outcome, OutcomeKind
from identity.observations import Trust
from service.carts.orders import Order
from service.events.messages import Message, parse
from service.learning.attribution import EVENTS, TOLD_BY_ANYONE, order_outcomes, sent, told_outcomes

START = datetime(2026, 11, 16, 12, tzinfo=UTC)
WINDOW = timedelta(days=7)


@dataclass(frozen=True)
class Sending:
    """A decision, and when it sends."""

    decision_id: str
    send_at: datetime | None


def hour(number: float) -> datetime:
    """Give the moment that many hours after the start."""
    return START + timedelta(hours=number)


def order(at: datetime, order_id: str = "o1", **fields: Any) -> Order:
    """Make an order that the shop's server told of."""
    return Order(**{"order_id": order_id, "at": at, "trust": Trust.SERVER, "value": 10.0, **fields})


def credited(orders: list[Order], sends: list[Sending], *, asserted: bool = False) -> list[str]:
    """Give the decisions that orders are credited to."""
    return [decision for decision, _ in order_outcomes(orders, sends, WINDOW, asserted_orders=asserted)]


LINE = [Sending("d1", hour(0)), Sending("d3", hour(10)), Sending("d2", hour(5)), Sending("never", None)]


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (hour(-0.001), []),
        (hour(0), ["d1"]),
        (hour(4.999), ["d1"]),
        (hour(5), ["d2"]),
        (hour(10) + WINDOW, ["d3"]),
        (hour(10) + WINDOW + timedelta(microseconds=1), []),
    ],
)
def test_an_order_belongs_to_the_last_message_sent_within_the_window(at: datetime, expected: list[str]) -> None:
    """From send_at to send_at + window, both included; a later message takes over, even where its window is shorter."""
    assert credited([order(at)], LINE) == expected


def test_an_order_names_its_decision() -> None:
    """The decision it names, if that is one of the profile's, else the last one sent."""
    assert credited([order(hour(11), decision_id="d1")], LINE) == ["d1"]
    assert credited([order(hour(11), decision_id="somebody else's")], LINE) == ["d3"]
    assert credited([order(hour(-5), decision_id="d2")], LINE) == ["d2"]
    assert credited([order(hour(-5), decision_id="never")], LINE) == []


def test_refunded_orders_and_public_keys_reward_nothing() -> None:
    """What was given back is no conversion; what only a browser tells counts where the settings say so."""
    browsers = order(hour(1), trust=Trust.ASSERTED)
    assert credited([order(hour(1), refunded=True), browsers], LINE) == []
    assert credited([order(hour(1), refunded=True), browsers], LINE, asserted=True) == ["d1"]


def test_the_conversion_says_which_order_it_was() -> None:
    """Its time, its value (0 where none was told) and its id."""
    found = order_outcomes([order(hour(1)), order(hour(2), "o2", value=None)], LINE, WINDOW, asserted_orders=False)
    assert found == (
        ("d1", Outcome(kind=OutcomeKind.CONVERTED, at=hour(1), value=10.0, id="order:o1")),
        ("d1", Outcome(kind=OutcomeKind.CONVERTED, at=hour(2), value=0.0, id="order:o2")),
    )


@given(
    st.lists(st.integers(0, 400), min_size=1, max_size=8, unique=True),
    st.lists(st.integers(-50, 600), max_size=6),
    st.randoms(use_true_random=False),
)
def test_the_line_of_sends_is_searched_as_the_definition_says(sends: list[int], at: list[int], random: Any) -> None:
    """Equal to looking at every send for every order, whatever order they come in."""
    line = [Sending(f"d{number:03}", hour(number)) for number in sends]
    orders = [order(hour(number), f"o{place}") for place, number in enumerate(at)]
    expected = []
    for each in orders:
        fitting = [s for s in line if s.send_at is not None and s.send_at <= each.at]
        last = max(fitting, key=lambda s: (s.send_at, s.decision_id), default=None)
        if last is not None and last.send_at is not None and each.at <= last.send_at + WINDOW:
            expected.append(last.decision_id)
    shuffled = list(line)
    random.shuffle(shuffled)
    assert credited(orders, shuffled) == expected


def test_of_one_instant_the_greatest_id_is_last() -> None:
    """Two messages of one instant leave no doubt."""
    line = [Sending("b", hour(0)), Sending("a", hour(0))]
    assert credited([order(hour(1))], line) == credited([order(hour(1))], line[::-1]) == ["b"]


def test_only_messages_that_went_out_are_credited() -> None:
    """A send that was denied is none; where sending must be reported, silence is none either."""
    told = [
        ("d2", Outcome(kind=OutcomeKind.NOT_SENT, at=hour(5))),
        ("d1", Outcome(kind=OutcomeKind.DELIVERED, at=hour(1))),
        ("d2", Outcome(kind=OutcomeKind.SENT, at=hour(5))),
    ]
    assert [each.decision_id for each in sent(LINE, told, reported=False)] == ["d1", "d3"]
    assert [each.decision_id for each in sent(LINE, told, reported=True)] == ["d1"]
    assert credited([order(hour(6))], list(sent(LINE, told, reported=False))) == ["d1"]


def event(name: str | None, trust: Trust = Trust.SERVER, kind: str = "track", **properties: Any) -> Message:
    """Make an event."""
    raw = {"type": kind, "event": name, "messageId": "m1", "userId": "u", "properties": properties}
    made = parse(raw, route_type=None, source="shop", trust=trust, received_at=hour(3), sent_at=None)
    assert isinstance(made, Message)
    return made


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Email Opened", OutcomeKind.OPENED),
        ("email_link_clicked", OutcomeKind.CLICKED),
        ("Push Notification Tapped", OutcomeKind.CLICKED),
        ("push-notification-received", OutcomeKind.DELIVERED),
        ("Email Marked as Spam", OutcomeKind.COMPLAINED),
        ("Email Bounced", OutcomeKind.BOUNCED),
        ("Unsubscribed", OutcomeKind.UNSUBSCRIBED),
        ("SMS Delivered", OutcomeKind.DELIVERED),
    ],
)
def test_events_that_name_a_decision_tell_of_it(name: str, kind: OutcomeKind) -> None:
    """Segment's names, however written, at the event's time."""
    assert told_outcomes([event(name, decision_id="d1")]) == (("d1", Outcome(kind=kind, at=hour(3), id="event:m1")),)


def test_a_page_that_names_a_decision_was_reached_from_its_message() -> None:
    """A visit is a click; a decision's number is its text."""
    assert told_outcomes([event(None, kind="page", decision_id=17)]) == (
        ("17", Outcome(kind=OutcomeKind.CLICKED, at=hour(3), id="event:m1")),
    )


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_public_keys_tell_only_what_happens_in_the_hand(name: str) -> None:
    """Bounces, complaints and sending need a secret key."""
    kind = EVENTS[name]
    assert bool(told_outcomes([event(name, Trust.ASSERTED, decision_id="d1")])) is (kind in TOLD_BY_ANYONE)
    assert kind not in TOLD_BY_ANYONE or kind.value in {"delivered", "opened", "clicked", "unsubscribed"}


@pytest.mark.parametrize(
    "properties", [{}, {"decision_id": None}, {"decision_id": " "}, {"decision_id": ["d1"]}, {"decision_id": True}]
)
def test_what_names_no_decision_tells_nothing(properties: dict[str, Any]) -> None:
    """Neither an absent name nor one that is no text; nor an event of another name, nor an order."""
    assert told_outcomes([event("Email Opened", **properties)]) == ()
    assert told_outcomes([event("Product Viewed", decision_id="d1"), event("Order Completed", decision_id="d1")]) == ()


def test_properties_of_another_shape_are_none() -> None:
    """A message without properties tells nothing."""
    bare = replace(event("Email Opened"), body=b'{"type":"track","event":"Email Opened"}')
    assert told_outcomes([bare]) == ()
