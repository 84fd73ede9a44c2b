"""Commerce events are read tolerantly: what cannot be read counts as not said."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.observations import Trust
from service.carts.commerce import CommerceEvent, CommerceKind, Line, commerce_event
from service.events.messages import Message

AT = datetime(2026, 11, 15, 5, 0, tzinfo=UTC)


def message(name: str | None, properties: object = None, kind: str = "track") -> Message:
    """Make a message as the collector would, of one event and its properties."""
    return Message(
        message_id="m-1",
        type=kind,
        name=name,
        source="web",
        trust=Trust.ASSERTED,
        at=AT,
        received_at=AT,
        identifiers=(("user_id", "u-1"), ("anonymous_id", "a-1"), ("email", "a@example.com"), ("device_id", "d-1")),
        body=orjson.dumps({"type": kind, "event": name, "properties": properties}),
        digest=b"",
    )


def read(name: str, properties: Mapping[str, Any]) -> CommerceEvent:
    """Read an event that must be a commerce event."""
    event = commerce_event(message(name, properties))
    assert event is not None
    return event


@pytest.mark.parametrize("kind", list(CommerceKind))
def test_names_are_known_however_they_are_written(kind: CommerceKind) -> None:
    """Title case, snake case, dashes, shouting: the same event."""
    for name in (kind.value.title(), kind.value.replace(" ", "_"), kind.value.upper(), kind.value.replace(" ", "-")):
        assert read(name, {}).kind is kind


def test_the_american_cancellation_is_known() -> None:
    """Order Canceled is Order Cancelled."""
    assert read("Order Canceled", {}).kind is CommerceKind.ORDER_CANCELLED


@pytest.mark.parametrize(
    ("name", "kind"), [("Product Viewed", "track"), ("Product Added", "page"), (None, "identify"), ("", "track")]
)
def test_other_messages_say_nothing_of_commerce(name: str | None, kind: str) -> None:
    """Only track events of the ten names are read."""
    assert commerce_event(message(name, {}, kind)) is None


def test_a_whole_order_is_read() -> None:
    """Every field of a well-formed order arrives, dated and trusted like its message."""
    event = read(
        "Order Completed",
        {
            "cart_id": 881,
            "order_id": " o-1 ",
            "decision_id": "d-1",
            "revenue": 90,
            "total": "120.5",
            "currency": "krw",
            "products": [{"product_id": "p-1", "quantity": 2, "price": 30}, {"sku": "s-2", "price": "60.5"}],
        },
    )
    assert event == CommerceEvent(
        kind=CommerceKind.ORDER_COMPLETED,
        at=AT,
        message_id="m-1",
        source="web",
        trust=Trust.ASSERTED,
        identifiers=message(None).identifiers,
        cart_id="881",
        order_id="o-1",
        decision_id="d-1",
        lines=(Line("p-1", 2.0, 30.0), Line("s-2", None, 60.5)),
        amount=120.5,
        currency="KRW",
    )
    assert event.key == (AT, "m-1", "web", Trust.ASSERTED)


def test_a_product_event_is_about_its_own_product() -> None:
    """Product Added carries the product itself; Cart Viewed without a list carries none."""
    said = {"product_id": "p-1", "sku": "s-1", "quantity": "3", "price": 5}
    assert read("Product Added", said).lines == (Line("p-1", 3.0, 5.0),)
    assert read("Cart Viewed", said).lines == ()


@pytest.mark.parametrize("value", [True, None, [], {}, -1, -0.5, 1e300, "NaN", "Infinity", "-3", "1,000", "", 10**18])
def test_what_is_no_amount_is_not_said(value: object) -> None:
    """Wrong types, negative, infinite and absurd amounts are ignored, and the next readable name counts."""
    event = read("Order Completed", {"value": value, "total": 7, "products": [{"product_id": "p", "price": value}]})
    assert event.amount == 7.0
    assert event.lines == (Line("p", None, None),)


@pytest.mark.parametrize("value", [True, None, [], {}, "", "  ", "null", "undefined", "Guest", 1.5, "x" * 513])
def test_what_is_no_id_is_not_said(value: object) -> None:
    """A broken template's text would make one order of many: it is no id."""
    event = read("Order Completed", {"order_id": value, "cart_id": value, "decision_id": value})
    assert (event.order_id, event.cart_id, event.decision_id) == (None, None, None)


@pytest.mark.parametrize("value", ["won", 410, "KR", "KRW1", "", None, "₩₩₩"])
def test_what_is_no_currency_code_is_not_said(value: object) -> None:
    """A currency is three letters."""
    expected = "WON" if value == "won" else None
    assert read("Order Completed", {"currency": value}).currency == expected


@pytest.mark.parametrize("properties", [None, [], "text", 3])
def test_properties_of_another_shape_say_nothing(properties: object) -> None:
    """The event itself still counts."""
    event = commerce_event(message("Order Completed", properties))
    assert event is not None
    assert (event.amount, event.lines) == (None, ())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = ("cart_id", "order_id", "product_id", "sku", "quantity", "price", "value", "total", "currency", "products")


@given(name=st.sampled_from(list(CommerceKind)), properties=st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_any_json_is_read_without_an_error(name: CommerceKind, properties: dict[str, Any]) -> None:
    """Whatever JSON stands in the properties, amounts are finite and not negative, quantities more than nothing."""
    event = read(name, properties)
    amounts = [event.amount, *(line.price for line in event.lines)]
    assert all(amount is None or (math.isfinite(amount) and amount >= 0) for amount in amounts)
    assert all(line.quantity is None or 0 < line.quantity < math.inf for line in event.lines)
    assert event.cart_id != ""


def test_identifiers_are_hidden_in_the_repr() -> None:
    """Identifiers must not reach a log by way of a traceback."""
    assert "a-1" not in repr(read("Cart Viewed", {}))
