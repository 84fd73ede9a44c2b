"""A profile is shown as the contract says, masked for whoever may not see personal data; reading changes nothing."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.engine import Connection

from channel_selector.batches import Request
from channel_selector.choosing import Chooser
from channel_selector.eligibility.context import Context
from channel_selector.eligibility.options import DeliveryOption
from channel_selector.model.population import Population
from channel_selector.settings import SelectorSettings
from identity.observations import Trust
from service.clock import FixedClock
from service.decisions.asks import Ask
from service.decisions.rulings import Ruling, log
from service.events.ingest import Receipt, ingest
from service.events.messages import Message, parse
from service.keys import Scope
from service.store import decisions, facts
from service.store.decisions import OutcomeRow
from service.wiring import Homing
from tests.service.customers.world import PHONE_UA, device
from tests.service.harness import NOON, Api, deployment

EARLY = NOON - timedelta(days=2)


def take(homing: Homing, number: int, raw: dict[str, Any], trust: Trust = Trust.SERVER) -> None:
    """Take in an event of the minute `number`."""
    at = EARLY + timedelta(minutes=number)
    named = {"type": "track", "event": "Seen", "messageId": f"m{number}", "timestamp": at.isoformat(), **raw}
    message = parse(named, route_type=None, source="shop", trust=trust, received_at=NOON, sent_at=None)
    assert isinstance(message, Message)
    receipts = homing.writer.submit(lambda conn: ingest(conn, homing.people, [message])).result(10)
    assert receipts == [Receipt.ACCEPTED]


def take_wonjun(homing: Homing) -> None:
    """Take in a small history: a phone of his own, and a tablet that somebody else used before."""
    phone = {**device("phone-19f", token="token-1"), "userAgent": PHONE_UA, "timezone": "Asia/Seoul"}
    take(homing, 1, {"userId": "haneul", "context": device("tablet-7c1", "web")}, Trust.ASSERTED)
    take(
        homing, 2, {"type": "identify", "userId": "wonjun", "traits": {"email": "wonjun@example.com"}, "context": phone}
    )
    take(homing, 3, {"userId": "wonjun", "context": device("tablet-7c1", "web")}, Trust.ASSERTED)
    consent = {"consent": {"categoryPreferences": {"marketing_email": True}}}
    take(homing, 4, {"userId": "wonjun", "anonymousId": "browser-1", "context": consent}, Trust.ASSERTED)


def get(api: Api, path: str, *scopes: Scope, **params: Any) -> Any:
    """Give the answer to a read."""
    answer = api.get(path, key=api.key(*(scopes or (Scope.READ, Scope.READ_PII))), params=params)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()


def wonjun(api: Api, *scopes: Scope) -> Any:
    """Show his profile."""
    return get(api, "/v1/profiles", *(scopes or (Scope.READ, Scope.READ_PII)), namespace="user_id", value="wonjun")


def test_a_profile_has_every_field_of_the_contract(api: Api) -> None:
    """Identifiers, devices, endpoints, traits, consents as they were told."""
    take_wonjun(api.homing)
    found = wonjun(api)
    assert found["is_person"] is True
    assert found["state"] == "resolved"
    assert found["redirected_from"] is None
    assert found["timezone"] == "Asia/Seoul"
    assert (found["first_seen"], found["last_seen"]) == ("2026-11-14T12:01:00Z", "2026-11-14T12:04:00Z")
    assert found["confidence"] == pytest.approx((3 + 1) / (4 + 2))
    assert found["traits"] == {"email": "wonjun@example.com"}
    assert found["shared"] == []
    assert found["identifiers"][0] == {
        "namespace": "user_id",
        "value": "wonjun",
        "class": "person",
        "trust": "server",
        "source": "shop",
        "first_seen": "2026-11-14T12:02:00Z",
        "last_seen": "2026-11-14T12:04:00Z",
        "observations": 3,
    }
    assert [each["value"] for each in found["identifiers"]] == [
        "wonjun",
        "wonjun@example.com",
        "phone-19f",
        "tablet-7c1",
        "token-1",
        "browser-1",
    ]
    assert [(each["device_id"], each["kind"], each["type"]) for each in found["devices"]] == [
        ("browser-1", "", ""),
        ("tablet-7c1", "", "web"),
        ("phone-19f", "phone", "ios"),
    ]
    assert [(each["channel"], each["status"], each["deliverable"], each["reason"]) for each in found["endpoints"]] == [
        ("app_push", "active", True, None),
        ("email", "active", True, None),
    ]
    assert [(each["channel"], each["state"]) for each in found["consents"]] == [("email", "granted")]
    assert [each["code"] for each in found["warnings"]] == ["refused_links", "devices_of_several"]


def test_without_read_pii_nothing_personal_is_shown(api: Api) -> None:
    """Neither values nor traits nor what events hold; structure, classes and counts stay."""
    take_wonjun(api.homing)
    found = wonjun(api, Scope.READ)
    whole = wonjun(api)
    personal = {each["value"] for each in whole["identifiers"]}
    events = get(api, f"/v1/profiles/{found['profile_id']}/events", Scope.READ)
    for answer in (found, events):
        assert not {value for value in personal if value in str(answer)}
    assert found["identifiers"][1]["value"] == "wo…"
    assert found["profile_id"] == whole["profile_id"]
    assert [each["class"] for each in found["identifiers"]] == [each["class"] for each in whole["identifiers"]]


def test_an_absorbed_id_answers_with_the_survivor(api: Api) -> None:
    """The anonymous browser's id leads to the person that it turned out to be."""
    take(api.homing, 1, {"anonymousId": "a1"})
    before = get(api, "/v1/profiles", namespace="anonymous_id", value="a1")
    assert before["is_person"] is False
    take(api.homing, 2, {"anonymousId": "a1", "userId": "u1"})
    after = get(api, f"/v1/profiles/{before['profile_id']}")
    assert after["redirected_from"] == before["profile_id"]
    assert after["profile_id"] != before["profile_id"]
    survivor = get(api, f"/v1/profiles/{after['profile_id']}")
    assert survivor == after | {"redirected_from": None}


def test_what_too_many_share_is_told_and_leads_to_nobody(api: Api, homing: Homing) -> None:
    """A hub is listed with the profiles whose events carry it, and is in none."""
    for number in range(21):
        take(homing, number, {"userId": f"u{number}", "context": device("kiosk")})
    found = get(api, "/v1/profiles", namespace="user_id", value="u0")
    assert found["shared"] == [{"namespace": "device_id", "value": "kiosk"}]
    assert [each["code"] for each in found["warnings"]] == ["shared_identifiers"]
    answer = api.get("/v1/profiles", key=api.key(), params={"namespace": "device_id", "value": "kiosk"})
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/profiles?namespace=user_id&value=nobody", 404, "unknown_profile"),
        ("/v1/profiles?namespace=user_id&value=undefined", 404, "unknown_profile"),
        ("/v1/profiles?namespace=email&value=a%00b", 404, "unknown_profile"),
        ("/v1/profiles?namespace=a%00b&value=x", 422, "invalid_request"),
        ("/v1/profiles?namespace=user_id", 422, "invalid_request"),
        ("/v1/profiles?value=u1", 422, "invalid_request"),
        ("/v1/profiles/0123456789abcdef0123456789abcdef", 404, "unknown_profile"),
        ("/v1/profiles/%00", 404, "not_found"),
        ("/v1/profiles/x/events", 404, "unknown_profile"),
        ("/v1/profiles/x/decisions", 404, "unknown_profile"),
        ("/v1/profiles/x/events?limit=0", 422, "invalid_request"),
        ("/v1/profiles/x/events?limit=501", 422, "invalid_request"),
    ],
)
def test_the_unknown_and_the_impossible_are_told_apart(api: Api, path: str, status: int, code: str) -> None:
    """404 for whom nobody knows, 422 for what cannot be asked."""
    answer = api.get(path, key=api.key())
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize("path", ["?namespace=user_id&value=u1", "/x", "/x/events", "/x/decisions"])
def test_reading_needs_the_scope_read(api: Api, path: str) -> None:
    """401 without a live key, 403 with another scope, also where there is nothing to find."""
    other = api.key(Scope.INGEST, Scope.DECIDE, Scope.READ_PII)
    assert api.get(f"/v1/profiles{path}").status_code == 401
    assert api.get(f"/v1/profiles{path}", key="homing_unknown").status_code == 401
    assert api.get(f"/v1/profiles{path}", key=other).status_code == 403


def test_events_come_newest_first_with_whose_they_are(api: Api) -> None:
    """The tablet's first event was somebody else's, and says so; content only with read_pii."""
    take_wonjun(api.homing)
    profile_id = wonjun(api)["profile_id"]
    path = f"/v1/profiles/{profile_id}/events"
    events = get(api, path)["events"]
    assert [event["message_id"] for event in events] == ["m4", "m3", "m2", "m1"]
    assert [event["profile_id"] == profile_id for event in events] == [True, True, True, False]
    assert [event["device"]["value"] for event in events] == ["browser-1", "tablet-7c1", "phone-19f", "tablet-7c1"]
    assert events[2]["content"]["traits"] == {"email": "wonjun@example.com"}
    assert events[0]["trust"] == "asserted"
    first = get(api, path, limit=3)
    second = get(api, path, limit=3, cursor=first["next_cursor"])
    assert first["events"] + second["events"] == events
    assert second["next_cursor"] is None


def test_events_on_a_device_given_away_stay_the_former_owners(api: Api) -> None:
    """The tablet is somebody else's now; what was done on it before is still listed where it belongs."""
    take(api.homing, 1, {"userId": "haneul", "context": device("tablet-7c1", "web")})
    take(api.homing, 2, {"context": device("tablet-7c1", "web")})
    take(api.homing, 3, {"userId": "wonjun", "context": device("tablet-7c1", "web")})
    haneul = get(api, "/v1/profiles", namespace="user_id", value="haneul")
    assert [each["value"] for each in haneul["identifiers"]] == ["haneul"]
    events = get(api, f"/v1/profiles/{haneul['profile_id']}/events")["events"]
    assert [event["message_id"] for event in events] == ["m2", "m1"]


def decide(homing: Homing, number: int, profile_id: str, endpoint: tuple[str, str] | None, *outcomes: str) -> None:
    """Log a decision to send by (channel, endpoint id), or one that held back, and what came of it."""
    sent_at = EARLY + timedelta(hours=number)
    options = [
        DeliveryOption(
            option_id="o",
            channel=channel,
            device_kind="phone",
            endpoint_id=name,
            send_at=sent_at,
            local_hour=20,
            weekday=0,
        )
        for channel, name in ([] if endpoint is None else [endpoint])
    ]
    selection = SelectorSettings()
    chooser = Chooser(Population.empty(selection.attribution_window), selection, seed=7)
    request = Request(decision_id=f"d{number}", context=Context(subject=profile_id), options=options)
    (decision,) = chooser.decide([request], now=EARLY)
    ruling = Ruling(
        decision=decision,
        message_id=f"cart-{number}",
        held="no_consent" if endpoint is None else None,
        fallback=False,
        excluded=(),
        endpoint=None,
        expires_at=NOON,
        timezone="Asia/Seoul",
        standing=None,
    )
    rows = [
        OutcomeRow(seq=number * 10 + place, decision_id=f"d{number}", kind=kind, at=sent_at)
        for place, kind in enumerate(outcomes)
    ]

    def job(conn: Connection) -> None:
        log(conn, [(ruling, Ask(message_id=f"cart-{number}"))], EARLY)
        for row in rows:
            decisions.put_outcome(conn, row)

    homing.writer.submit(job).result(10)


def test_decisions_come_newest_first_with_what_came_of_them(api: Api) -> None:
    """Those for the profile and those sent to its endpoints under another id, each once."""
    take_wonjun(api.homing)
    found = wonjun(api)
    push, email = (each["endpoint_id"] for each in found["endpoints"])
    decide(api.homing, 1, found["profile_id"], ("app_push", push), "delivered", "clicked")
    decide(api.homing, 2, "an id of former days", ("email", email))
    decide(api.homing, 3, found["profile_id"], None)
    decide(api.homing, 4, "somebody else's", ("email", "another endpoint"))
    path = f"/v1/profiles/{found['profile_id']}/decisions"
    held, mailed, pushed = told = get(api, path)["decisions"]
    assert [each["decision_id"] for each in told] == ["d3", "d2", "d1"]
    assert (held["held"], held["channel"], held["send_at"]) == ("no_consent", None, None)
    assert (mailed["channel"], mailed["endpoint_id"], mailed["outcomes"]) == ("email", email, [])
    assert (pushed["channel"], pushed["device_kind"], pushed["propensity"]) == ("app_push", "phone", 1.0)
    assert (pushed["message_id"], pushed["send_at"]) == ("cart-1", "2026-11-14T13:00:00Z")
    assert [outcome["type"] for outcome in pushed["outcomes"]] == ["delivered", "clicked"]
    first = get(api, path, limit=2)
    second = get(api, path, limit=2, cursor=first["next_cursor"])
    assert first["decisions"] + second["decisions"] == told


def test_decisions_made_under_an_absorbed_id_are_the_survivors(api: Api) -> None:
    """Also one that sent nothing, and so is tied to no endpoint."""
    take(api.homing, 1, {"anonymousId": "a1"})
    visitor = get(api, "/v1/profiles", namespace="anonymous_id", value="a1")["profile_id"]
    decide(api.homing, 1, visitor, None)
    take(api.homing, 2, {"anonymousId": "a1", "userId": "u1"})
    survivor = get(api, "/v1/profiles", namespace="user_id", value="u1")["profile_id"]
    for profile_id in (survivor, visitor):
        told = get(api, f"/v1/profiles/{profile_id}/decisions")
        assert (told["profile_id"], [each["decision_id"] for each in told["decisions"]]) == (survivor, ["d1"])


def test_what_came_of_messages_is_counted_in(api: Api) -> None:
    """A bounce ends an endpoint, an unsubscription denies its channel."""
    take_wonjun(api.homing)
    found = wonjun(api)
    push, email = (each["endpoint_id"] for each in found["endpoints"])
    decide(api.homing, 1, found["profile_id"], ("app_push", push), "bounced")
    decide(api.homing, 2, found["profile_id"], ("email", email), "unsubscribed")
    after = wonjun(api)
    assert [(each["status"], each["deliverable"], each["reason"]) for each in after["endpoints"]] == [
        ("bounced", False, "endpoint_bounced"),
        ("active", True, None),
    ]
    assert [(each["channel"], each["state"], each["source"]) for each in after["consents"]] == [
        ("email", "denied", "unsubscribed")
    ]


def test_reading_changes_nothing_and_a_fresh_process_reads_the_same(
    api: Api, homing: Homing, clock: FixedClock, tmp_path: Any
) -> None:
    """No fact is added, and what is shown depends on the store alone."""
    take_wonjun(homing)
    before = wonjun(api)
    assert homing.writer.submit(facts.last_seq).result(10) == 4
    again = deployment(tmp_path, clock)
    other = Api(again)
    assert wonjun(other) == before
    other.close()
    again.close()
