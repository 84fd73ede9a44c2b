"""`/v1/recommendations` answers as the contract says: flat, complete, about the right person, once under a key."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from service.clock import FixedClock
from service.keys import Scope
from service.schemas.recommendations import Alternative, Excluded, Recommendation
from tests.service.decisions.shops import opened
from tests.service.harness import NOON
from tests.service.shopping import PATH, PHONE, TABLET, Shopping, before, question


def test_the_answer_has_every_field_of_the_contract(shop: Shopping) -> None:
    """Each is there, fits the others, and the tablet's cart leads to its owner's endpoints."""
    answer = shop.api.post(PATH, key=shop.key, json={**question(), "return": ["user_id", "email", "crm"]})
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert set(told) == set(Recommendation.model_fields)
    assert (
        told["profile_id"]
        == shop.api.get("/v1/profiles", key=shop.key, params={"namespace": "user_id", "value": "wonjun"}).json()[
            "profile_id"
        ]
    )
    assert (told["user_id"], told["recipient_ids"]) == (
        "wonjun",
        {"user_id": ["wonjun"], "email": ["wonjun@example.com"], "crm": []},
    )
    assert (told["action"], told["fallback"], told["holdout"]) == ("send", False, False)
    assert (told["channel"], told["device_id"]) in {("app_push", PHONE), ("email", None)}
    assert len(told["endpoint_id"]) == 32
    assert told["timezone"] == "Asia/Seoul"
    send_at = datetime.fromisoformat(told["send_at"])
    assert told["send_at"].endswith("Z")
    assert told["send_at_unix"] == int(send_at.timestamp())
    assert told["send_in_seconds"] == int((send_at - NOON).total_seconds())
    assert NOON <= send_at < NOON + timedelta(hours=48)
    assert datetime.fromisoformat(told["expires_at"]) >= NOON + timedelta(hours=24)
    low, high = told["interval"]
    assert 0 < low < told["conversion_probability"] < high <= 1
    assert told["expected_value"] == pytest.approx(told["conversion_probability"] * 129_000)
    assert 0 < told["propensity"] <= 1
    assert 0.5 < told["identity_confidence"] < 1
    assert told["policy_version"].startswith("learned")
    assert told["model_version"]
    assert told["reason"].endswith(".")
    assert told["reason_code"] in {"population_best", "exploring"}


def test_alternatives_are_the_other_endpoints_and_excluded_ones_have_their_reason(shop: Shopping) -> None:
    """The channel not asked for is left out with its reason; the other endpoint is told once, at its best."""
    told = shop.ask()
    (other,) = told["alternatives"]
    assert set(other) == set(Alternative.model_fields)
    assert {other["channel"], told["channel"]} == {"app_push", "email"}
    assert 0 < other["propensity"] < 1
    pushed = shop.ask("push-only", channels=["app_push", "sms"])
    assert (pushed["channel"], pushed["device_id"]) == ("app_push", PHONE)
    assert pushed["excluded"] == [{"channel": "email", "reason_code": "channel_not_requested"}]
    assert set(pushed["excluded"][0]) == set(Excluded.model_fields)
    assert pushed["alternatives"] == []


def test_get_answers_as_post_does(tmp_path: Path, clock: FixedClock) -> None:
    """Two stores with the same past give the same answer, one asked by query with every field, one by body."""
    fields: dict[str, Any] = {
        "not_before": (NOON + timedelta(hours=1)).isoformat(),
        "deadline": (NOON + timedelta(hours=30)).isoformat(),
        "channels": ["app_push", "email"],
        "variants": ["carousel", "plain"],
        "features": {"campaign": "winter", "size": 2, "vip": True, "note": None},
        "return": ["user_id", "email"],
        "message": {"kind": "cart_abandonment", "purpose": "marketing", "margin": 0.2},
    }
    body = question(**fields)
    message = body["message"]
    query = {
        **body["recipient"],
        **{name: message[name] for name in message if name != "id"},
        "message_id": message["id"],
        **{name: ",".join(body[name]) for name in ("channels", "variants", "return")},
        **{name: body[name] for name in ("abandoned_at", "not_before", "deadline")},
        "features": json.dumps(body["features"]),
    }
    answers = []
    for name in ("post", "get"):
        (tmp_path / name).mkdir()
        for shop in opened(tmp_path / name, clock):
            asked = {"json": body} if name == "post" else {"params": query}
            answers.append(shop.api.request(name.upper(), PATH, key=shop.key, **asked).json())
    assert answers[0] == answers[1]
    assert answers[0]["variant"] in {"carousel", "plain"}
    assert answers[0]["expected_value"] == pytest.approx(answers[0]["conversion_probability"] * 129_000 * 0.2)


def test_get_with_explore_false_and_a_profile_id(shop: Shopping) -> None:
    """A query may name the profile and ask for the best."""
    profile_id = shop.ask()["profile_id"]
    params = {"profile_id": profile_id, "message_id": "m9", "explore": "false"}
    told = shop.api.get(PATH, key=shop.key, params=params).json()
    assert (told["user_id"], told["propensity"]) == ("wonjun", None)


def test_the_address_needs_its_scope(shop: Shopping) -> None:
    """Only for the endpoint chosen, and only with the scope address."""
    told = shop.ask(channels=["email"])
    assert told["address"] == "wonjun@example.com"
    bare = shop.api.key(Scope.DECIDE)
    again = shop.ask(channels=["email"], key=bare)
    assert again == told | {"address": None}
    one = shop.api.get(f"/v1/decisions/{told['decision_id']}", key=bare).json()
    assert one == again


def test_variants_are_options_of_their_own(shop: Shopping) -> None:
    """Every variant has a probability; the one chosen is told."""
    chosen = {shop.ask(f"v{n}", variants=["carousel", "plain", "plain"])["variant"] for n in range(12)}
    assert chosen == {"carousel", "plain"}
    assert shop.ask("no-variant")["variant"] is None


def test_people_never_seen_get_the_best_channel_of_all(shop: Shopping) -> None:
    """200 with fallback: a channel the caller will find the address for, and the same decision again."""
    stranger = {"namespace": "user_id", "value": "nobody"}
    told = shop.ask("m1", recipient=stranger)
    assert (told["fallback"], told["action"], told["profile_id"], told["user_id"]) == (True, "send", None, None)
    assert told["channel"] in {"app_push", "web_push"}
    assert (told["endpoint_id"], told["device_id"], told["address"]) == (None, None, None)
    assert shop.ask("m1", recipient=stranger) == told
    other = shop.ask("m1", recipient={"namespace": "user_id", "value": "nobody else"})
    assert other["decision_id"] != told["decision_id"]
    assert shop.ask("m2", recipient=stranger, channels=["email"])["reason_code"] == "no_consent"


def test_the_stranger_who_becomes_known_keeps_the_decision(shop: Shopping, clock: FixedClock) -> None:
    """A fallback stands once the person is seen, unless that person has refused its channel."""
    recipients = [{"namespace": "user_id", "value": name} for name in ("new1", "new2")]
    first = [shop.ask("m1", recipient=each, channels=["app_push"]) for each in recipients]
    assert [each["fallback"] for each in first] == [True, True]
    clock.advance(timedelta(seconds=1))
    for name in ("new1", "new2"):
        shop.event(0, userId=name, context={"device": {"id": f"of-{name}", "type": "ios", "token": f"t-{name}"}})
    shop.consent("app_push", "denied", "new2")
    again = [shop.ask("m1", recipient=each) for each in recipients]
    assert [each["decision_id"] for each in again] == [each["decision_id"] for each in first]
    assert [(each["action"], each["user_id"]) for each in again] == [("send", "new1"), ("hold", "new2")]
    assert again[1]["reason_code"] == "no_consent"


def test_somebody_never_seen_is_not_the_tablet_s_owner(shop: Shopping) -> None:
    """A name that nobody knows beside Wonjun's tablet must not have Wonjun's addresses."""
    both = [{"namespace": "user_id", "value": "haneul"}, {"namespace": "anonymous_id", "value": TABLET}]
    assert shop.ask(recipient=both)["user_id"] is None
    shop.event(5, anonymousId="guest-browser")
    guest = [{"namespace": "user_id", "value": "haneul"}, {"namespace": "anonymous_id", "value": "guest-browser"}]
    assert shop.ask("m2", recipient=guest)["profile_id"] is not None
    known = [{"namespace": "anonymous_id", "value": "never-seen"}, {"namespace": "user_id", "value": "wonjun"}]
    assert shop.ask("m3", recipient=known)["user_id"] == "wonjun"


def test_junk_names_nobody(shop: Shopping) -> None:
    """What is junk or no identifier at all is a stranger like any other."""
    for place, value in enumerate(("undefined", "0", "\0", " ", "[object Object]", "x" * 1_024)):
        told = shop.ask(f"m{place}", recipient={"namespace": "user_id", "value": value})
        assert (told["fallback"], told["profile_id"]) == (True, None)


def test_an_absorbed_profile_id_leads_to_the_survivor(shop: Shopping) -> None:
    """The id of the browser that turned out to be Wonjun's, with the decision made for it."""
    shop.event(50, anonymousId="browser", context={"device": {"id": "d", "type": "android", "token": "t"}})
    profile = {"namespace": "anonymous_id", "value": "browser"}
    first = shop.ask("m1", recipient=profile, abandoned_at=None)
    assert first["user_id"] is None
    shop.event(2, anonymousId="browser", userId="wonjun")
    again = shop.ask("m1", recipient={"profile_id": first["profile_id"]})
    assert again["user_id"] == "wonjun"
    assert again["profile_id"] != first["profile_id"]
    assert again["decision_id"] == first["decision_id"]
    assert shop.ask("m1", recipient={"profile_id": "0" * 32})["fallback"] is True


def test_a_late_event_that_renames_the_profile_does_not_send_twice(shop: Shopping) -> None:
    """An earlier event makes another identifier the founder; the message keeps its one decision."""
    shop.event(50, anonymousId="browser")
    guest = {"namespace": "anonymous_id", "value": "browser"}
    first = shop.ask("m1", recipient=guest, abandoned_at=None)
    shop.event(60, anonymousId="browser", context={"device": {"id": "older", "type": "ios", "token": "t2"}})
    again = shop.ask("m1", recipient=guest, abandoned_at=None)
    assert again["profile_id"] != first["profile_id"]
    assert again["decision_id"] == first["decision_id"]


def test_a_shared_tablet_is_whose_it_was_when_the_cart_was_left(shop: Shopping) -> None:
    """Haneul logs in on the tablet afterwards: the cart before that stays Wonjun's, the one after is hers."""
    shop.event(1, userId="haneul", anonymousId=TABLET, traits={"email": "haneul@example.com"})
    assert shop.ask("m1", abandoned_at=before(2).isoformat())["user_id"] == "wonjun"
    assert shop.ask("m2", abandoned_at=before(0.5).isoformat())["user_id"] == "haneul"
    assert shop.ask("m3", abandoned_at=None)["user_id"] == "haneul"
    assert shop.ask("m4", abandoned_at=(NOON + timedelta(days=9)).isoformat())["user_id"] == "haneul"


def test_an_idempotency_key_replays_the_answer(shop: Shopping, clock: FixedClock) -> None:
    """The very same bytes come back as long as the decision stands; once it has tightened, the same decision, held."""
    headers = {"Idempotency-Key": "k1"}
    first = shop.api.post(PATH, key=shop.key, json=question(), headers=headers)
    clock.advance(timedelta(minutes=1))
    again = shop.api.post(PATH, key=shop.key, json=question(), headers=headers)
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["cache-control"] == "no-store"
    shop.order(0)
    held = shop.api.post(PATH, key=shop.key, json=question(), headers=headers).json()
    assert (held["action"], held["decision_id"]) == ("hold", first.json()["decision_id"])


def test_an_idempotency_key_with_another_body_is_refused(shop: Shopping) -> None:
    """422, and nothing is decided; a body that was refused does not use the key up."""
    headers = {"Idempotency-Key": "k1"}
    assert shop.api.post(PATH, key=shop.key, json={}, headers=headers).status_code == 422
    assert shop.api.post(PATH, key=shop.key, json=question("m1"), headers=headers).status_code == 200
    refused = shop.api.post(PATH, key=shop.key, json=question("m2"), headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_conflict")
    for name in ("", "x" * 256):
        answer = shop.api.post(PATH, key=shop.key, json=question(), headers={"Idempotency-Key": name})
        assert answer.status_code == 422
