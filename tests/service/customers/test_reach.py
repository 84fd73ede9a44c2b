"""What became of past messages changes where a customer can be reached, whoever told of it."""

from datetime import timedelta
from typing import Any

import orjson
import pytest

from identity.observations import Trust
from service.events.ingest import ingest
from service.events.messages import Message, parse
from service.keys import Scope
from service.store import decisions
from service.store.decisions import DecisionRow
from service.wiring import Homing
from tests.service.harness import NOON, Api

SENT = NOON - timedelta(hours=5)


def take(homing: Homing, raw: dict[str, Any], trust: Trust = Trust.SERVER) -> None:
    """Take in an event of Wonjun's."""
    named = {"userId": "wonjun", "timestamp": (SENT + timedelta(hours=1)).isoformat(), **raw}
    message = parse(named, route_type=None, source="shop", trust=trust, received_at=NOON, sent_at=None)
    assert isinstance(message, Message)
    homing.writer.submit(lambda conn: ingest(conn, homing.people, [message])).result(10)


def wonjun(api: Api) -> Any:
    """Show his profile."""
    asked = {"namespace": "user_id", "value": "wonjun"}
    return api.get("/v1/profiles", key=api.key(Scope.READ), params=asked).json()


@pytest.fixture
def mailed(api: Api) -> Api:
    """Give a deployment that wrote to Wonjun's address, which he had allowed, as decision d1."""
    allowed = {"consent": {"categoryPreferences": {"marketing_email": True}}}
    when = (SENT - timedelta(days=1)).isoformat()
    take(
        api.homing,
        {"type": "identify", "timestamp": when, "traits": {"email": "wonjun@example.com"}, "context": allowed},
    )
    endpoint_id = wonjun(api)["endpoints"][0]["endpoint_id"]
    row = DecisionRow(
        decision_id="d1",
        seq=0,
        profile_id="p",
        message_id="m",
        endpoint_id=endpoint_id,
        send_at=SENT,
        expires_at=NOON,
    )
    api.homing.writer.submit(lambda conn: decisions.put_decision(conn, row)).result(10)
    return api


def tell(api: Api, kind: str, *, by_event: bool) -> None:
    """Tell what became of d1, to the route or by an event of the shop's server."""
    if by_event:
        names = {"unsubscribed": "Unsubscribed", "complained": "Email Marked as Spam", "bounced": "Email Bounced"}
        take(api.homing, {"type": "track", "event": names[kind], "properties": {"decision_id": "d1"}})
    else:
        told = {"decision_id": "d1", "type": kind, "at": (SENT + timedelta(hours=1)).isoformat()}
        answer = api.post("/v1/outcomes", key=api.key(Scope.OUTCOME), content=orjson.dumps(told))
        assert answer.json()["results"][0]["status"] == "accepted"


@pytest.mark.parametrize("by_event", [False, True])
@pytest.mark.parametrize(("kind", "channel"), [("unsubscribed", "email"), ("complained", None)])
def test_who_wants_no_more_has_denied_it(mailed: Api, kind: str, channel: str | None, *, by_event: bool) -> None:
    """An unsubscription denies its channel, a complaint every channel, from that moment on."""
    assert [(each["channel"], each["state"]) for each in wonjun(mailed)["consents"]] == [("email", "granted")]
    tell(mailed, kind, by_event=by_event)
    assert {
        "channel": channel,
        "state": "denied",
        "purpose": "marketing",
        "at": "2026-11-16T08:00:00Z",
    }.items() <= next(each for each in wonjun(mailed)["consents"] if each["state"] == "denied").items()


@pytest.mark.parametrize("by_event", [False, True])
def test_an_address_that_bounced_is_no_longer_used(mailed: Api, *, by_event: bool) -> None:
    """It stays on the profile, and is not deliverable."""
    assert wonjun(mailed)["endpoints"][0]["deliverable"] is True
    tell(mailed, "bounced", by_event=by_event)
    (endpoint,) = wonjun(mailed)["endpoints"]
    assert (endpoint["status"], endpoint["deliverable"], endpoint["reason"]) == ("bounced", False, "endpoint_bounced")


def test_a_public_key_takes_no_address_away(mailed: Api) -> None:
    """Anyone can say that something bounced; it needs a secret key to be believed."""
    told = {"type": "track", "event": "Email Bounced", "properties": {"decision_id": "d1"}}
    take(mailed.homing, told, Trust.ASSERTED)
    assert wonjun(mailed)["endpoints"][0]["deliverable"] is True
