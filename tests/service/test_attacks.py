"""What somebody with nothing but a public key, or a clock that is wrong, must not bring about."""

from datetime import timedelta
from typing import Any

import pytest

from channel_selector.outcomes import Outcome, OutcomeKind
from identity.observations import Trust
from service.keys import Scope
from service.learning.evidence import Evidence
from tests.service.harness import NOON, Api

VICTIM = {"namespace": "user_id", "value": "victim"}


@pytest.fixture
def server(api: Api) -> str:
    """Give a key that may do everything."""
    return api.key()


@pytest.fixture
def browser(api: Api) -> str:
    """Give a public key."""
    return api.key(Scope.INGEST, trust=Trust.ASSERTED, name="web")


def track(api: Api, key: str, hours_ago: float = 0.0, **event: Any) -> None:
    """Send one event of some hours ago."""
    at = (NOON - timedelta(hours=hours_ago)).isoformat()
    answer = api.post("/v1/track", key=key, json={"event": "Seen", "timestamp": at, **event})
    assert answer.json()["accepted"] == 1


def ask(api: Api, key: str, **more: Any) -> dict[str, Any]:
    """Ask where a message to the victim goes."""
    body = {"recipient": VICTIM, "message": {"id": "m1"}, **more}
    answer = api.post("/v1/recommendations", key=key, json=body)
    assert answer.status_code == 200
    told: dict[str, Any] = answer.json()
    return told


def phone(token: str) -> dict[str, Any]:
    """Describe the victim's phone with a push token."""
    return {"device": {"id": "vphone", "type": "ios", "token": token}}


@pytest.mark.parametrize("timestamp", ["0001-01-01T00:00:00Z", -62_135_596_800, "0001-01-02T00:00:00+14:00"])
@pytest.mark.parametrize("timezone", ["America/New_York", "Pacific/Kiritimati"])
def test_an_event_at_the_edge_of_the_calendar_breaks_nobody(
    api: Api, server: str, browser: str, timestamp: Any, timezone: str
) -> None:
    """A date that no local clock can show leaves its person, and everybody else, readable."""
    event = {"userId": "victim", "anonymousId": "a", "timestamp": timestamp, "context": {"timezone": timezone}}
    track(api, browser, **event)
    assert ask(api, server)["action"] in {"send", "hold"}
    path = "/v1/profiles?namespace=user_id&value=victim"
    assert api.get(path, key=server).status_code == 200
    assert api.get("/v1/abandonments", key=server).status_code == 200


def test_a_public_key_replaces_no_vouched_token(api: Api, server: str, browser: str) -> None:
    """Who knows a device's id cannot put a token of their own on it where a server has vouched for one."""
    track(api, server, 2, userId="victim", context=phone("vtoken"))
    track(api, browser, 1, context=phone("eviltoken"))
    assert ask(api, server)["address"] == "vtoken"


def test_a_server_replaces_a_token(api: Api, server: str) -> None:
    """The newest token that a server vouches for is the live one."""
    track(api, server, 2, userId="victim", context=phone("old"))
    track(api, server, 1, userId="victim", context=phone("new"))
    assert ask(api, server)["address"] == "new"


def test_names_to_give_back_are_no_addresses(api: Api, server: str) -> None:
    """Without the scope address, `return` gives what people are known by and none of their addresses."""
    track(api, server, userId="victim", traits={"email": "v@example.com"}, context=phone("vtoken"))
    names = ["user_id", "push_token", "email"]
    told = ask(api, api.key(Scope.DECIDE), **{"return": names})
    assert told["recipient_ids"] == {"user_id": ["victim"]}
    assert set(ask(api, server, **{"return": names})["recipient_ids"]) == set(names)


def test_a_stranger_is_one_however_written(api: Api, server: str) -> None:
    """Two spellings of one address are one recipient: the message has one decision."""
    given = [{"namespace": "email", "value": value} for value in ("new@example.com", " New@Example.com ")]
    first, second = (ask(api, server, recipient=each) for each in given)
    assert first["decision_id"] == second["decision_id"]


def test_an_idempotency_key_lets_nothing_loose(api: Api, server: str) -> None:
    """The same question under the same key is held once the cart is bought."""
    track(api, server, 3, userId="victim", context=phone("vtoken"))
    cart = {"recipient": VICTIM, "message": {"id": "m", "cart_id": "c"}, "abandoned_at": NOON.isoformat()}
    headers = {"Idempotency-Key": "k"}
    first = api.post("/v1/recommendations", key=server, json=cart, headers=headers).json()
    assert first["action"] == "send"
    track(api, server, userId="victim", event="Order Completed", properties={"order_id": "o", "cart_id": "c"})
    again = api.post("/v1/recommendations", key=server, json=cart, headers=headers).json()
    assert (again["decision_id"], again["action"], again["reason_code"]) == (
        first["decision_id"],
        "hold",
        "already_purchased",
    )


def test_an_unknown_field_is_not_repeated(api: Api, server: str) -> None:
    """What a fault says of a field that is not known here does not quote the sender."""
    body = {"recipient": VICTIM, "message": {"id": "m1"}, "wonjun@example.com": 1}
    answer = api.post("/v1/recommendations", key=server, json=body)
    assert answer.status_code == 422
    assert "wonjun" not in answer.text


def test_an_order_counts_for_one_profile() -> None:
    """Two profiles that tell of the same order have one conversion between them."""
    outcome = Outcome(kind=OutcomeKind.CONVERTED, at=NOON, id="order:o1")
    evidence = Evidence()
    evidence.take([], [("d1", outcome), ("d1", outcome)])
    evidence.take([], [("d2", outcome)])
    assert evidence.outcomes == {("d1", outcome)}
