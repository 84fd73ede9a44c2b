"""What one store could not hold is refused before it gets there: whatever comes, all answer alike, never with 500."""

import random
from typing import Any
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from service.store.schema import nodes
from service.wiring import Homing
from tests.contracts.hostile import RAW, Place, long_text, places, put, raws
from tests.contracts.test_answers import folded_again, logs
from tests.contracts.twins import Twins
from tests.service.harness import NOON
from tests.strategies import examples

WHO = {"namespace": "user_id", "value": "ada"}


def event(number: int) -> dict[str, Any]:
    """Make an event of a person of that number, with everything that an event may say."""
    said = {"cart_id": "c", "product_id": "p", "price": 1, "quantity": 1, "order_id": "o", "decision_id": "d"}
    return {
        "type": "track",
        "event": "Product Added",
        "messageId": f"m{number}",
        "userId": f"u{number}",
        "anonymousId": f"b{number}",
        "previousId": f"p{number}",
        "groupId": "g",
        "timestamp": NOON.isoformat(),
        "sentAt": NOON.isoformat(),
        "traits": {"email": f"{number}@example.com", "phone": f"+82 2 {312_0000 + number}"},
        "properties": said,
        "context": {
            "ip": "192.0.2.1",
            "userAgent": "x",
            "timezone": "Asia/Seoul",
            "traits": {"email": f"{number}@example.com"},
            "device": {"id": f"d{number}", "type": "ios", "token": f"t{number}", "advertisingId": f"i{number}"},
            "os": {"name": "iOS", "version": "1"},
            "externalIds": [{"type": "crm", "id": f"c{number}", "collection": "users", "encoding": "none"}],
            "consent": {"categoryPreferences": {"marketing_email": True}},
        },
    }


QUESTION: dict[str, Any] = {
    "recipient": WHO,
    "message": {"id": "m", "kind": "cart_abandonment", "purpose": "marketing", "cart_id": "c", "cart_value": 1.5},
    "abandoned_at": NOON.isoformat(),
    "deadline": "2026-11-18T00:00:00Z",
    "channels": ["email"],
    "variants": ["a"],
    "features": {"f": "x"},
    "return": ["user_id"],
    "explore": True,
}
OUTCOME: dict[str, Any] = {"decision_id": "d", "type": "clicked", "at": NOON.isoformat(), "value": 1.5, "id": "o"}
CONSENT: dict[str, Any] = {
    "identifiers": [WHO],
    "channel": "email",
    "purpose": "marketing",
    "state": "denied",
    "at": NOON.isoformat(),
    "source": "shop",
    "id": "c",
}
BODIES: list[tuple[str, str, Any]] = [
    ("POST", "/v1/batch", {"batch": [event(0)], "sentAt": NOON.isoformat(), "writeKey": "k"}),
    ("POST", "/v1/identify", event(0)),
    ("POST", "/v1/recommendations", QUESTION),
    ("POST", "/v1/recommendations", {**QUESTION, "recipient": {"profile_id": "p"}}),
    ("POST", "/v1/recommendations:batch", {"requests": [QUESTION]}),
    ("POST", "/v1/outcomes", OUTCOME),
    ("POST", "/v1/outcomes", [OUTCOME, OUTCOME]),
    ("PUT", "/v1/consents", CONSENT),
]
QUERIES: dict[str, dict[str, str]] = {
    "/v1/profiles": {"namespace": "user_id", "value": "ada"},
    "/v1/profiles/{}": {},
    "/v1/profiles/{}/events": {"limit": "5", "cursor": "1.1"},
    "/v1/profiles/{}/decisions": {"limit": "5", "cursor": "1"},
    "/v1/decisions/{}": {},
    "/v1/abandonments": {"since": "2026-11-01", "limit": "5", "cursor": "1.1"},
    "/v1/recommendations": {
        "namespace": "user_id",
        "value": "ada",
        "message_id": "m",
        "cart_value": "1",
        "channels": "email",
        "features": '{"f":1}',
        "not_before": "2026-11-17",
    },
}


def over(number: int) -> settings:
    """Ask for so many examples over the same twins: they need not be empty."""
    return settings(examples(number), suppress_health_check=[HealthCheck.function_scoped_fixture])


def logged(homing: Homing) -> Any:
    """Read both logs."""
    return homing.writer.submit(logs).result(30)


def folds(homing: Homing) -> Any:
    """Read who is who."""
    columns = (nodes.c.namespace, nodes.c.value, nodes.c.profile_id, nodes.c.hub)
    return homing.writer.submit(lambda conn: sorted(map(tuple, conn.execute(select(*columns))), key=repr)).result(30)


def test_whatever_stands_in_an_event(twins: Twins) -> None:
    """Hostile values in every place of an event: the same events are taken, logged, and folded again."""
    key = twins.key()
    pairs = [(place, raw) for raw in RAW for place in places(event(0)) if _is_utf8(raw)]
    events = [put(event(n), *pair) for n, pair in enumerate(random.Random(7).sample(pairs, 500))]
    for start in range(0, len(events), 50):
        body = b'{"batch":[' + b",".join(events[start : start + 50]) + b"]}"
        assert twins.post("/v1/batch", key=key, content=body).status_code == 200
    before = twins.each(folds)
    twins.each(folded_again)
    assert twins.each(folds) == before
    assert len(twins.each(logged)[0]) > 250


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


@pytest.mark.parametrize(("method", "path", "body"), BODIES)
def test_whatever_stands_in_a_body(twins: Twins, method: str, path: str, body: Any) -> None:
    """A body with a hostile value in it, whichever and wherever, has one answer."""
    key = twins.key()

    @over(25)
    @given(place=st.sampled_from(list(places(body))), raw=raws())
    def send(place: Place, raw: bytes) -> None:
        twins.request(method, path, key=key, content=put(body, place, raw))

    send()
    assert twins.each(logged)


HOSTILE = st.one_of(
    st.binary(max_size=40), st.sampled_from([b"\0", b"\xff", b"a" * 3_000, long_text(2_800).encode(), b"9" * 30])
)


@pytest.mark.parametrize("path", sorted(QUERIES))
def test_whatever_stands_in_an_address(twins: Twins, path: str) -> None:
    """Any bytes, in the path or as any parameter."""
    key, query = twins.key(), QUERIES[path]

    @over(12)
    @given(name=st.sampled_from(sorted(query) or ["surprise"]), value=HOSTILE, segment=HOSTILE)
    def send(name: str, value: bytes, segment: bytes) -> None:
        given = {**{each: text.encode() for each, text in query.items()}, name: value}
        quoted = "&".join(f"{each}={quote_from_bytes(data, safe='')}" for each, data in given.items())
        twins.get(f"{path.format(quote_from_bytes(segment, safe=''))}?{quoted}", key=key)

    send()


def test_whatever_stands_in_an_idempotency_key(twins: Twins) -> None:
    """Taken or refused, alike."""
    key = twins.key()

    @over(25)
    @given(name=st.binary(max_size=300), message=st.sampled_from("abc"))
    def send(name: bytes, message: str) -> None:
        body = {**QUESTION, "message": {"id": message}}
        twins.post("/v1/recommendations", key=key, json=body, headers={"Idempotency-Key": name})

    send()
