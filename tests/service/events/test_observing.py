"""A message observes the same under the same rules, however often its names were read before."""

from datetime import UTC, datetime
from typing import Any

from identity.identifiers import Identifier
from identity.loaded_rules import load_rules
from identity.observations import Trust
from service.events.messages import Message, parse
from service.events.observing import Observer

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
KOREAN = load_rules({"default_region": "KR"})
NAMED = {"userId": "mina", "anonymousId": "null", "traits": {"email": "Mina@Example.com", "phone": "010-1234-5678"}}


def message(**content: Any) -> Message:
    """Make a message of an identify."""
    read = parse(content, route_type="identify", source="shop", trust=Trust.SERVER, received_at=NOW, sent_at=None)
    assert isinstance(read, Message)
    return read


def test_an_observation_has_the_names_as_they_are_written_normally() -> None:
    """Junk is left out; the order is by rank."""
    seen = Observer(KOREAN).observe(message(messageId="m1", **NAMED))

    assert seen.identifiers == (
        Identifier("user_id", "mina"),
        Identifier("phone", "+821012345678"),
        Identifier("email", "mina@example.com"),
    )
    assert (seen.id, seen.source, seen.trust, seen.at, seen.received_at) == ("m1", "shop", Trust.SERVER, NOW, NOW)


def test_names_read_before_are_read_alike() -> None:
    """Only what differs between the messages differs between what they observe."""
    observer = Observer(KOREAN)
    first, again = (observer.observe(message(messageId=name, **NAMED)) for name in ("m1", "m2"))

    assert first.identifiers == again.identifiers
    assert again == Observer(KOREAN).observe(message(messageId="m2", **NAMED))


def test_rules_do_not_share_what_was_read() -> None:
    """The same digits are a number in Korea and nothing elsewhere."""
    one = message(messageId="m1", traits={"phone": "010-1234-5678"})

    assert [len(Observer(rules).observe(one).identifiers) for rules in (KOREAN, load_rules({}))] == [1, 0]
