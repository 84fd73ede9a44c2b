"""An event becomes a message that keeps what it said, or a rejection that says what is wrong with it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.observations import Trust
from service.events.event_identifiers import identifiers_of
from service.events.messages import EVENT_BYTES, EVENT_DEPTH, MESSAGE_ID_LENGTH, NAME_LENGTH, Message, Rejection, parse
from service.web.payload import read_json

RECEIVED = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
TRACK = {"type": "track", "event": "Product Added", "userId": "u1", "messageId": "m1"}


def read(event: object, route_type: str | None = None) -> Message | Rejection:
    """Parse an event sent by a server and received at RECEIVED."""
    return parse(
        event, route_type=route_type, source="shop", trust=Trust.SERVER, received_at=RECEIVED, sent_at=RECEIVED
    )


def message(event: object, route_type: str | None = None) -> Message:
    """Parse an event that must be taken."""
    verdict = read(event, route_type)
    assert isinstance(verdict, Message), verdict
    return verdict


def code(event: object, route_type: str | None = None) -> str:
    """Parse an event that must be refused; give the code."""
    verdict = read(event, route_type)
    assert isinstance(verdict, Rejection)
    return verdict.code


def nested(levels: int) -> dict[str, Any]:
    """Make an event that is `levels` deep, in objects and lists by turns."""
    inner: Any = 1
    for level in range(levels - 2):
        inner = [inner] if level % 2 else {"a": inner}
    return {**TRACK, "properties": {"a": inner}}


def test_a_message_keeps_what_the_event_said() -> None:
    """Type, name, id, time, source, trust, identifiers and content."""
    got = message({**TRACK, "timestamp": "2026-11-21T11:00:00+00:00", "properties": {"price": 12.5}})
    assert (got.message_id, got.type, got.name) == ("m1", "track", "Product Added")
    assert (got.source, got.trust) == ("shop", Trust.SERVER)
    assert (got.at, got.received_at) == (RECEIVED - timedelta(hours=1), RECEIVED)
    assert got.identifiers == (("user_id", "u1"),)
    assert got.content["properties"] == {"price": 12.5}
    assert got.content["timestamp"] == "2026-11-21T11:00:00+00:00"


def test_identifiers_are_found_again_in_the_stored_body() -> None:
    """Folding the log again needs nothing but the log."""
    event = {**TRACK, "type": "alias", "previousId": 7, "context": {"device": {"id": "d"}, "ip": "203.0.113.7"}}
    got = message(event)
    assert identifiers_of(got.content) == got.identifiers
    assert len(got.identifiers) == 4


def test_the_address_names_the_type() -> None:
    """An event sent to /v1/track needs no type, and says the same as in a batch."""
    bare = {key: value for key, value in TRACK.items() if key != "type"}
    assert message(bare, "track").body == message(TRACK).body
    assert message({**bare, "type": "page"}, "track").type == "track"
    assert code(bare) == "invalid_type"


@pytest.mark.parametrize("kind", ["", "Track", "import", 7, None, [], {}, "track\0"], ids=repr)
def test_other_types_are_refused(kind: object) -> None:
    """Six types there are."""
    assert code({**TRACK, "type": kind}) == "invalid_type"


@pytest.mark.parametrize("event", [None, True, 7, "text", [], [TRACK]], ids=repr)
def test_an_event_is_an_object(event: object) -> None:
    """Anything else is refused."""
    assert code(event) == code(event, "track") == "invalid_event"


def test_names() -> None:
    """Track is named by its event, page and screen by their name, if they have one; others have none."""
    assert message({**TRACK, "event": 404}).name == "404"
    assert message({"type": "page", "name": "Cart"}).name == "Cart"
    assert message({"type": "screen", "name": None}).name is None
    assert message({"type": "identify", "name": "x", "event": {}}).name is None


@pytest.mark.parametrize("name", [None, "", {}, [], True, 1.5, "a\0b", "n" * (NAME_LENGTH + 1)], ids=repr)
def test_a_track_needs_a_name(name: object) -> None:
    """Without one nobody knows what happened; it is looked up by, so it is short."""
    assert code({**TRACK, "event": name}) == "invalid_name"
    assert message({**TRACK, "event": "😀" * NAME_LENGTH})


def test_a_page_may_not_have_just_any_name() -> None:
    """Where it has one it is text, of any length."""
    assert code({"type": "page", "name": {}}) == "invalid_name"
    assert message({"type": "page", "name": "n" * 3_000})


@pytest.mark.parametrize("key", ["userId", "anonymousId", "previousId"])
def test_ids_are_text_or_whole_numbers(key: str) -> None:
    """A number is its digits; an object is refused, and so is a number that has lost digits."""
    event = {"type": "identify"}
    assert message({**event, key: 42}).identifiers[0][1] == "42"
    assert message({**event, key: 2**63}).identifiers[0][1] == "9223372036854775808"
    assert message({**event, key: None}).identifiers == ()
    wrong: object
    for wrong in ({}, ["u1"], True, 1.5, float(2**64)):
        assert code({**event, key: wrong}) == "invalid_identifier"
    large = read_json(f'{{"type": "identify", "{key}": 123456789012345678901234567890}}'.encode())
    assert code(large) == "invalid_identifier"


@pytest.mark.parametrize("key", ["context", "traits", "properties"])
@pytest.mark.parametrize("wrong", ["text", 7, True, [], ["a"]], ids=repr)
def test_the_parts_of_an_event_are_objects(key: str, wrong: object) -> None:
    """What reads the log relies on it."""
    assert code({**TRACK, key: wrong}) == "invalid_shape"
    assert message({**TRACK, key: None})


@pytest.mark.parametrize("key", ["traits", "device"])
def test_the_parts_of_a_context_are_objects(key: str) -> None:
    """As far as identifiers are read from them."""
    assert code({**TRACK, "context": {key: "iPhone"}}) == "invalid_shape"
    assert message({**TRACK, "context": {key: None}})


@pytest.mark.parametrize("wrong", [{}, [], True, 1.5, "m" * (MESSAGE_ID_LENGTH + 1), "m\0", "m\n", "\x9f"], ids=repr)
def test_a_message_id_is_short_text(wrong: object) -> None:
    """It is what the log knows the event by."""
    assert code({**TRACK, "messageId": wrong}) == "invalid_message_id"


def test_message_ids_of_odd_shapes() -> None:
    """Numbers and any script's letters do."""
    assert message({**TRACK, "messageId": 7}).message_id == "7"
    assert message({**TRACK, "messageId": "메시지 😀"}).message_id == "메시지 😀"


@pytest.mark.parametrize("missing", [None, ""])
def test_without_an_id_the_content_is_the_id(missing: object) -> None:
    """The same event twice is one message, however often and by whatever route it is sent."""
    first = message({**TRACK, "messageId": missing, "sentAt": "2026-11-21T11:59:00Z"})
    again = message({**TRACK, "messageId": missing, "sentAt": "2026-11-21T12:00:00Z"})
    other = message({**TRACK, "messageId": missing, "userId": "u2"})
    assert first.message_id == again.message_id != other.message_id


def test_a_second_try_has_the_same_digest() -> None:
    """What clients change when they send again, and the order of keys, do not count; anything else does."""
    sent = {**TRACK, "sentAt": "2026-11-21T11:59:00Z", "writeKey": "wk", "_metadata": {"retryCount": 0}}
    again = {"writeKey": "wk2", "_metadata": {"retryCount": 1}, "sentAt": "2026-11-21T12:00:00Z", "anonymousId": None}
    assert message(sent).digest == message({**again, **TRACK}).digest == message(TRACK).digest
    for changed in ({"userId": "u2"}, {"timestamp": "2026-11-21T11:00:00Z"}, {"properties": {"a": None}}):
        assert message({**TRACK, **changed}).digest != message(TRACK).digest


def test_the_write_key_is_never_stored() -> None:
    """A log of keys would be a log of ways in."""
    assert b"wk_secret" not in message({**TRACK, "writeKey": "wk_secret"}).body


def test_the_event_given_is_left_as_it_was() -> None:
    """The sample shop's events share their contexts."""
    event = {**TRACK, "sentAt": "x", "writeKey": "wk"}
    before = dict(event)
    message(event, "page")
    assert event == before


def test_an_unreadable_timestamp_is_refused() -> None:
    """Taking the receipt for it would be a guess that stays in the log for ever."""
    assert code({**TRACK, "timestamp": "yesterday"}) == "invalid_timestamp"
    assert message({**TRACK, "timestamp": "1970-01-01T00:00:00Z"}).at.year == 1970
    assert message({**TRACK, "timestamp": "2099-01-01T00:00:00Z"}).at == RECEIVED


@pytest.mark.parametrize("levels", [EVENT_DEPTH + 1, 200, 300, 900])
def test_a_deep_event_is_refused(levels: int) -> None:
    """One level too many, more than orjson writes, and all that it reads."""
    assert code(nested(levels)) == "event_too_deep"


def test_the_depth_limit_is_exact() -> None:
    """32 levels pass; many brackets side by side, or in text, are not depth."""
    assert message(nested(EVENT_DEPTH))
    assert message({**TRACK, "properties": {"list": [{"a": []}] * 100, "text": "{[" * 100}})


def test_a_large_event_is_refused() -> None:
    """The limit counts the compact UTF-8, and is exact."""
    empty = len(message({**TRACK, "properties": {"a": ""}}).body)
    assert len(message({**TRACK, "properties": {"a": "x" * (EVENT_BYTES - empty)}}).body) == EVENT_BYTES
    assert code({**TRACK, "properties": {"a": "x" * (EVENT_BYTES - empty + 1)}}) == "event_too_large"


@pytest.mark.parametrize("value", ["NaN", "-Infinity", "1e400", '"\\ud83d"', '{"\\ud83d": 1}'])
def test_values_that_json_cannot_hold_are_refused(value: str) -> None:
    """Python clients write NaN, browsers cut emoji in half; neither becomes null or a question mark."""
    assert code(read_json(f'{{"type": "track", "event": "e", "properties": {{"a": {value}}}}}'.encode())) == (
        "invalid_value"
    )
    assert code(read_json(f'{{"type": "identify", "traits": {{"email": {value}}}}}'.encode())) == "invalid_value"


@pytest.mark.parametrize("key", ["userId", "messageId", "event", "type", "timestamp", "context"])
@pytest.mark.parametrize("value", ["NaN", '"\\ud83d"', '"\\u0000"', "9223372036854775808", "1e308", "{}", "[[]]"])
def test_hostile_values_anywhere_are_answered(key: str, value: str) -> None:
    """Each place meets each nasty value: a message or a rejection, never an exception."""
    event = {**TRACK, key: "HERE"}
    verdict = read(read_json(orjson.dumps(event).replace(b'"HERE"', value.encode())))
    assert isinstance(verdict, (Message, Rejection))


@given(
    st.dictionaries(
        st.sampled_from(["type", "event", "name", "userId", "messageId", "timestamp", "sentAt", "context", "traits"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("track"),
            lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["device", "traits", "ip", "id"]), inner),
        ),
    )
)
def test_any_event_is_taken_or_refused(event: dict[str, Any]) -> None:
    """No event raises; a taken one is stored as canonical JSON within its limits and never dated after its receipt."""
    for route_type in (None, "track", "page"):
        verdict = read(event, route_type)
        if isinstance(verdict, Message):
            assert verdict.at <= verdict.received_at
            assert len(verdict.body) <= EVENT_BYTES
            assert orjson.dumps(verdict.content, option=orjson.OPT_SORT_KEYS) == verdict.body
            assert verdict.message_id


def test_messages_and_rejections_hide_what_is_personal() -> None:
    """Neither a repr nor a reason repeats an identifier."""
    assert "u1" not in repr(message(TRACK))
    verdict = read({"type": "identify", "userId": {"email": "ann@example.com"}})
    assert "ann" not in repr(verdict)
