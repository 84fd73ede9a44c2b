"""Identifiers are found wherever clients put them, as text, each once."""

from typing import Any

import pytest

from service.events.event_identifiers import identifier_text, identifiers_of

DEVICE = {"id": "D-1", "advertisingId": "7A3C", "token": "tok", "type": "ios"}


def found(**event: Any) -> list[tuple[str, str]]:
    """List the identifiers of an event."""
    return list(identifiers_of({"type": "track", **event}))


def test_every_place_of_an_event() -> None:
    """The top, both kinds of traits, the device, external ids and the address."""
    context = {
        "traits": {"phone": "+82 10-1234-5678", "email": "other@example.com"},
        "device": DEVICE,
        "externalIds": [{"id": "GA1.2.3", "type": "ga_client_id"}],
        "ip": "203.0.113.7",
    }
    event = {"userId": "u1", "anonymousId": "a1", "previousId": "a0", "traits": {"email": "Ann@Example.com"}}
    assert found(**event, context=context) == [
        ("user_id", "u1"),
        ("anonymous_id", "a1"),
        ("anonymous_id", "a0"),
        ("email", "Ann@Example.com"),
        ("email", "other@example.com"),
        ("phone", "+82 10-1234-5678"),
        ("device_id", "D-1"),
        ("push_token", "tok"),
        ("idfa", "7A3C"),
        ("ga_client_id", "GA1.2.3"),
        ("ip", "203.0.113.7"),
    ]


def test_nobody() -> None:
    """An event may name nobody; nulls, as analytics-python 2.4 sends them, and empty texts name nobody either."""
    assert found() == []
    nothing = {"userId": None, "anonymousId": None, "previousId": "", "traits": None}
    assert found(**nothing, context={"traits": None, "device": None, "externalIds": None, "ip": None}) == []


def test_each_once() -> None:
    """The same e-mail in two places is one identifier."""
    email = {"email": "a@example.com"}
    assert found(traits=email, context={"traits": email}) == [("email", "a@example.com")]


def test_a_groups_traits_are_not_the_persons() -> None:
    """A household's or company's e-mail would join its members."""
    traits = {"email": "info@example.com", "phone": "+82 2 123 4567"}
    context = {"traits": {"email": "ann@example.com"}}
    assert found(type="group", userId="u1", traits=traits, context=context) == [
        ("user_id", "u1"),
        ("email", "ann@example.com"),
    ]


@pytest.mark.parametrize(
    ("device_type", "system", "namespace"),
    [
        ("ios", None, "idfa"),
        ("iOS", None, "idfa"),
        ("android", None, "gaid"),
        ("Android", {"name": "ignored"}, "gaid"),
        ("phone", {"name": "iPadOS"}, "idfa"),
        (None, {"name": "Android"}, "gaid"),
        ("phone", {"name": None}, None),
        ("phone", "Android", None),
        (["ios"], None, None),
    ],
)
def test_whose_advertising_id_it_is(device_type: object, system: object, namespace: str | None) -> None:
    """Apple's or Google's, by the device's type (Segment's iOS client: "ios") or its system; else nobody's."""
    context = {"device": {"advertisingId": "AAID", "type": device_type}, "os": system}
    assert found(context=context) == ([] if namespace is None else [(namespace, "AAID")])


def test_an_opted_out_advertising_id_is_left_alone() -> None:
    """`adTrackingEnabled: false` is its owner's no."""
    assert found(context={"device": {"advertisingId": "A", "type": "ios", "adTrackingEnabled": False}}) == []
    assert found(context={"device": {"advertisingId": "A", "type": "ios", "adTrackingEnabled": True}}) == [
        ("idfa", "A")
    ]


@pytest.mark.parametrize(
    ("kind", "namespace"),
    [
        ("phone", "phone"),
        ("email", "email"),
        ("email_sha256", "email_sha256"),
        ("user_id", "user_id"),
        ("userId", "user_id"),
        ("anonymous_id", "anonymous_id"),
        ("ios.idfa", "idfa"),
        ("android.idfa", "gaid"),
        ("android.push_token", "push_token"),
        ("ga_client_id", "ga_client_id"),
        ("kakao.plusfriend", "kakao.plusfriend"),
    ],
)
def test_external_ids(kind: str, namespace: str) -> None:
    """Segment's names become ours; any other is a namespace itself."""
    assert found(context={"externalIds": [{"id": "x", "type": kind, "collection": "users"}]}) == [(namespace, "x")]


@pytest.mark.parametrize(
    "external_ids",
    [
        "text",
        {},
        [None, 1, "a", []],
        [{"id": "x"}],
        [{"type": "crm"}],
        [{"id": "x", "type": 7}],
        [{"id": "x", "type": ""}],
        [{"id": "x", "type": "a:b"}],
        [{"id": "x", "type": "a\0"}],
        [{"id": "x", "type": "n" * 65}],
        [{"id": {}, "type": "crm"}],
    ],
    ids=repr,
)
def test_external_ids_of_no_shape(external_ids: object) -> None:
    """What has no usable name or value is not an identifier."""
    assert found(context={"externalIds": external_ids}) == []


def test_an_address_that_must_not_be_kept() -> None:
    """Segment's 0.0.0.0 says so."""
    assert found(context={"ip": "0.0.0.0"}) == []  # noqa: S104 - not an address to bind to


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("u1", "u1"),
        (" u1 ", " u1 "),
        ("", ""),
        (7, "7"),
        (-7, "-7"),
        (2**63, "9223372036854775808"),
        (7.0, "7"),
        (7.5, None),
        (float(2**64), None),
        (float("inf"), None),
        (float("nan"), None),
        (True, None),
        (None, None),
        ([], None),
        ({}, None),
    ],
    ids=repr,
)
def test_text_and_whole_numbers_alone(value: object, text: str | None) -> None:
    """A number that lost digits on its way would name several people at once."""
    assert identifier_text(value) == text
