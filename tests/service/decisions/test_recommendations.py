"""`/v1/recommendations` answers as the contract says: flat, complete, the same again, never looser than before."""

import asyncio
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from identity.observations import Trust
from service.clock import FixedClock
from service.keys import Scope
from service.learning.learner import learn
from service.schemas.recommendations import Alternative, Excluded, Recommendation
from tests.service.harness import NOON, Api, deployment
from tests.service.shopping import PATH, PHONE, TABLET, Shopping, before, question

JSON = {"Content-Type": "application/json"}
DEEP = b"[" * 100_000 + b"]" * 100_000


@pytest.fixture
def shop(api: Api) -> Shopping:
    """Give a shop where Wonjun has left a cart on his tablet."""
    shop = Shopping(api)
    shop.wonjun()
    return shop


def opened(folder: Path, clock: FixedClock, **environment: str) -> Iterator[Shopping]:
    """Open a shop under settings of its own, with Wonjun's cart in it."""
    homing = deployment(folder, clock, environment)
    api = Api(homing)
    shop = Shopping(api)
    shop.wonjun()
    yield shop
    api.close()
    homing.close()


# --- the answer -----------------------------------------------------------------------------------------------------


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


# --- again ----------------------------------------------------------------------------------------------------------


def test_a_repeat_gives_the_same_decision(shop: Shopping, clock: FixedClock) -> None:
    """Option and propensity stand, whatever is asked the second time; only the time left is less."""
    first = shop.ask()
    clock.advance(timedelta(hours=1))
    again = shop.ask(explore=False, channels=["sms"], variants=["x"])
    left = max(0, first["send_in_seconds"] - 3_600)
    assert again == first | {"send_in_seconds": left}
    assert shop.decision(first["decision_id"]) == again


def test_who_asks_at_once_gets_one_decision(shop: Shopping) -> None:
    """Twenty questions at the same time about one message have one answer."""
    headers = {"Authorization": f"Bearer {shop.key}"}

    async def all_at_once() -> list[httpx.Response]:
        asks = [shop.api.client.post(PATH, headers=headers, json=question()) for _ in range(20)]
        return list(await asyncio.gather(*asks))

    answers = [answer.json() for answer in shop.api.run(all_at_once())]
    assert all(answer == answers[0] for answer in answers)


def test_bought_meanwhile_on_another_device_is_held(shop: Shopping, clock: FixedClock) -> None:
    """The cart is the tablet's, the order the phone's: nothing is sent any more."""
    first = shop.ask()
    clock.advance(timedelta(minutes=10))
    shop.order(0)
    held = shop.ask()
    assert (held["action"], held["reason_code"]) == ("hold", "already_purchased")
    assert (held["decision_id"], held["propensity"]) == (first["decision_id"], first["propensity"])
    for name in ("channel", "device_id", "endpoint_id", "address", "send_at", "send_in_seconds", "interval"):
        assert held[name] is None
    assert held["alternatives"] == []
    assert shop.decision(first["decision_id"]) == held


def test_bought_before_it_is_asked_is_held(shop: Shopping) -> None:
    """An order between the cart and the question, on whichever device, holds the first decision."""
    shop.order(1)
    held = shop.ask()
    assert (held["action"], held["reason_code"]) == ("hold", "already_purchased")
    assert {each["reason_code"] for each in held["excluded"]} == {"already_purchased"}


@pytest.mark.parametrize("asked", [{}, {"message": {"cart_id": None}}, {"abandoned_at": None}])
def test_a_purchase_is_known_however_little_is_asked(shop: Shopping, asked: dict[str, Any]) -> None:
    """With cart and time, without either, the person's last cart is meant."""
    shop.order(1)
    assert shop.ask(**asked)["reason_code"] == "already_purchased"


def test_with_nothing_but_a_message_id_a_purchase_still_holds(shop: Shopping, clock: FixedClock) -> None:
    """Before the first question or after it, a reminder without a cart's name is held once the last cart is bought."""
    bare = {"recipient": {"namespace": "user_id", "value": "wonjun"}}

    def ask(message_id: str) -> Any:
        return shop.api.post(PATH, key=shop.key, json=bare | {"message": {"id": message_id}}).json()

    assert ask("m1")["action"] == "send"
    clock.advance(timedelta(minutes=10))
    shop.order(0)
    assert [ask(name)["reason_code"] for name in ("m1", "m2")] == ["already_purchased"] * 2


def test_a_message_about_no_cart_is_not_held_by_a_purchase(shop: Shopping) -> None:
    """Neither a newsletter nor a receipt waits because its reader has bought."""
    shop.order(1)
    plain = {"cart_id": None, "cart_value": None}
    assert shop.ask("news", abandoned_at=None, message={**plain, "kind": "newsletter"})["action"] == "send"
    assert shop.ask("receipt", message={"purpose": "transactional"})["action"] == "send"
    assert shop.ask("second", message={"kind": "cart_reminder"})["action"] == "hold"


def test_consent_withdrawn_holds_for_good(shop: Shopping, clock: FixedClock) -> None:
    """What was taken back before it was sent is not let go again, though the consent is given again."""
    first = shop.ask(channels=["email"])
    clock.advance(timedelta(seconds=1))
    shop.consent("email", "denied")
    held = shop.ask()
    assert (held["action"], held["reason_code"]) == ("hold", "no_consent")
    clock.advance(timedelta(seconds=1))
    shop.consent("email", "granted")
    assert shop.ask() == shop.decision(first["decision_id"]) == held
    assert shop.ask("another", channels=["email"])["action"] == "send"


def test_a_complaint_suppresses(shop: Shopping) -> None:
    """Whoever complains is not written to there again, and gets no marketing elsewhere either."""
    first = shop.ask(channels=["email"])
    shop.outcome(first["decision_id"], "complained")
    again = shop.ask()
    assert (again["action"], again["reason_code"]) == ("suppress", "suppressed")
    fresh = shop.ask("another", channels=["email"])
    assert (fresh["action"], fresh["reason_code"]) == ("suppress", "suppressed")
    third = shop.ask("third")
    assert third["action"] == "hold"
    assert {(each["channel"], each["reason_code"]) for each in third["excluded"]} == {
        ("app_push", "no_consent"),
        ("email", "suppressed"),
    }


def test_a_bounce_holds_with_a_reason_of_its_own(shop: Shopping) -> None:
    """The sentence tells why it is held, not why it was chosen."""
    first = shop.ask(channels=["email"])
    shop.outcome(first["decision_id"], "bounced")
    again = shop.ask()
    assert (again["action"], again["reason_code"]) == ("hold", "endpoint_bounced")
    assert again["reason"].startswith("Held back")


def test_a_new_token_holds_what_was_for_the_old_one(shop: Shopping, clock: FixedClock) -> None:
    """A push to a token that another one replaced would arrive nowhere."""
    first = shop.ask(channels=["app_push"])
    clock.advance(timedelta(minutes=1))
    shop.event(0, userId="wonjun", context={"device": {"id": PHONE, "type": "ios", "token": "token-new"}})
    again = shop.ask()
    assert (again["decision_id"], again["reason_code"]) == (first["decision_id"], "endpoint_expired")


def test_what_was_taken_back_in_time_is_not_learned_from(shop: Shopping, clock: FixedClock) -> None:
    """A message held before its send time was never sent: neither caps nor the learner count it."""
    first = shop.ask(not_before=(NOON + timedelta(hours=5)).isoformat())
    assert first["action"] == "send"
    shop.order(0)
    assert shop.ask()["action"] == "hold"
    clock.advance(timedelta(days=3))
    population = shop.api.run(learn(shop.api.homing))
    assert population is not None
    assert population.tallies == {}


def test_what_was_sent_is_learned_from_though_it_is_held_afterwards(shop: Shopping, clock: FixedClock) -> None:
    """The order after the message is its conversion; asked again the message is held, and counts all the same."""
    first = shop.ask()
    clock.set(datetime.fromisoformat(first["send_at"]) + timedelta(hours=1))
    shop.order(-((clock.now() - NOON).total_seconds() / 3_600))
    assert shop.ask()["reason_code"] == "already_purchased"
    population = shop.api.run(learn(shop.api.homing))
    assert population is not None
    assert [(tally.sends, tally.converted) for tally in population.tallies.values()] == [(1, 1)]


def test_after_it_expires_a_message_is_decided_anew(shop: Shopping, clock: FixedClock) -> None:
    """Until the instant of its end it stands, from then on another decision is made."""
    first = shop.ask()
    end = datetime.fromisoformat(first["expires_at"])
    clock.set(end - timedelta(microseconds=1))
    assert shop.ask()["decision_id"] == first["decision_id"]
    clock.set(end)
    anew = shop.ask()
    assert anew["decision_id"] != first["decision_id"]
    assert datetime.fromisoformat(anew["send_at"]) >= end
    assert shop.decision(first["decision_id"])["decision_id"] == first["decision_id"]


def test_a_decision_lasts_as_long_as_its_deadline(shop: Shopping) -> None:
    """A day at least, longer where the message may wait longer."""
    short = shop.ask("short", deadline=(NOON + timedelta(hours=3)).isoformat())
    long = shop.ask("long", deadline=(NOON + timedelta(days=9)).isoformat())
    assert datetime.fromisoformat(short["expires_at"]) == NOON + timedelta(hours=24)
    assert datetime.fromisoformat(long["expires_at"]) == NOON + timedelta(days=9)


def test_no_decision_of_that_id_is_404(shop: Shopping) -> None:
    """Whatever the id looks like."""
    for name in ("x", "%00", "%F0%9F%98%80", "a" * 4_000):
        answer = shop.api.get(f"/v1/decisions/{name}", key=shop.key)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


# --- Idempotency-Key ------------------------------------------------------------------------------------------------


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


# --- whom -----------------------------------------------------------------------------------------------------------


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


# --- what may be sent -----------------------------------------------------------------------------------------------


def test_a_transactional_message_needs_no_marketing_consent_at_any_hour(tmp_path: Path, clock: FixedClock) -> None:
    """At 21:00 in Seoul the night rule holds marketing until its deadline; a receipt goes out at once, even so."""
    for shop in opened(tmp_path, clock, HOMING_QUIET_HOURS="korea", HOMING_CAPS='[{ limit = 0, per = "1d" }]'):
        shop.consent("email", "denied")
        soon = (NOON + timedelta(hours=2)).isoformat()
        receipt = shop.ask("receipt", message={"purpose": "transactional"}, deadline=soon, channels=["email"])
        assert (receipt["action"], receipt["channel"], receipt["send_in_seconds"]) == ("send", "email", 0)
        night = shop.ask("night", deadline=soon, channels=["app_push"])
        assert (night["action"], night["reason_code"]) == ("hold", "quiet_hours_past_deadline")
        capped = shop.ask("capped", channels=["app_push"])
        assert (capped["action"], capped["reason_code"]) == ("hold", "frequency_cap")
        shop.outcome(receipt["decision_id"], "complained")
        again = shop.ask("receipt2", message={"purpose": "transactional"}, channels=["email"])
        assert again["action"] == "suppress"


def test_quiet_hours_move_the_send_time(tmp_path: Path, clock: FixedClock) -> None:
    """Nothing but marketing between 08:00 and 21:00 on the customer's own clock."""
    for shop in opened(tmp_path, clock, HOMING_QUIET_HOURS="korea"):
        hours = {datetime.fromisoformat(shop.ask(f"m{n}")["send_at"]).hour for n in range(10)}
        assert hours <= {(hour - 9) % 24 for hour in range(8, 21)}


def test_a_batch_is_judged_in_order_and_caps_see_the_earlier_ones(tmp_path: Path, clock: FixedClock) -> None:
    """Two messages a week: the third and fourth are held; the same again, alone, is the same."""
    for shop in opened(tmp_path, clock, HOMING_CAPS='[{ limit = 2, per = "7d" }]'):
        asked = [question(f"m{n}") for n in range(4)]
        asked.insert(1, {"recipient": 7})
        batch = shop.api.post(f"{PATH}:batch", key=shop.key, json=asked)
        assert batch.headers["cache-control"] == "no-store"
        results = batch.json()["results"]
        assert [each["status"] for each in results] == [200, 422, 200, 200, 200]
        assert set(results[1]["body"]) == {"code", "message", "details"}
        told = [each["body"] for each in results if each["status"] == 200]
        assert [each["action"] for each in told] == ["send", "send", "hold", "hold"]
        assert {each["reason_code"] for each in told[2:]} == {"frequency_cap"}
        assert [shop.ask(f"m{n}") for n in range(4)] == told
        wrapped = shop.api.post(f"{PATH}:batch", key=shop.key, json={"requests": asked})
        assert wrapped.json() == batch.json()


def test_a_batch_of_a_thousand_is_answered_and_one_more_is_not(shop: Shopping) -> None:
    """Up to 1,000, never none; each of the same message has the same decision."""
    stranger = {"namespace": "user_id", "value": "nobody"}
    many = [question(f"m{n % 7}", recipient=stranger) for n in range(1_000)]
    results = shop.api.post(f"{PATH}:batch", key=shop.key, json=many).json()["results"]
    assert len(results) == 1_000
    assert len({each["body"]["decision_id"] for each in results}) == 7
    wrongs: list[Any] = [[], [*many, question()], {"requests": []}, 1, "text"]
    for wrong in wrongs:
        assert shop.api.post(f"{PATH}:batch", key=shop.key, json=wrong).status_code == 422


def test_the_holdout_is_sent_nothing(tmp_path: Path, clock: FixedClock) -> None:
    """With everybody held out the answer says so, and has propensity 1."""
    for shop in opened(tmp_path, clock, HOMING_SELECTOR__HOLDOUT="1.0"):
        told = shop.ask()
        assert (told["action"], told["reason_code"], told["holdout"]) == ("hold", "holdout", True)
        assert (told["propensity"], told["send_at"]) == (1.0, None)
        assert shop.ask() == told


def test_sending_nothing_wins_where_messages_cost_more_than_they_bring(tmp_path: Path, clock: FixedClock) -> None:
    """A cart of one won and a push at ten: do not send, in the end."""
    costs = {"HOMING_COSTS__APP_PUSH": "10", "HOMING_COSTS__EMAIL": "10", "HOMING_SELECTOR__DO_NOT_SEND": "true"}
    for shop in opened(tmp_path, clock, **costs):
        told = shop.ask(message={"cart_value": 1}, explore=False)
        assert (told["action"], told["reason_code"], told["expected_value"]) == ("hold", "do_not_send", None)
        assert told["alternatives"] == []
        drawn = [shop.ask(f"m{n}", message={"cart_value": 1}) for n in range(8)]
        assert "hold" in {each["action"] for each in drawn}
        assert all(each["propensity"] > 0 for each in drawn)


def test_the_best_option_is_not_drawn_and_never_learned_from(shop: Shopping, clock: FixedClock) -> None:
    """Without exploring: no propensity anywhere, the same choice each time, and nothing of it in the population."""
    told = [shop.ask(f"m{n}", explore=False) for n in range(4)]
    assert {(each["channel"], each["send_at"]) for each in told} == {(told[0]["channel"], told[0]["send_at"])}
    assert all(each["propensity"] is None for each in told)
    assert all(other["propensity"] is None for each in told for other in each["alternatives"])
    clock.advance(timedelta(days=9))
    population = shop.api.run(learn(shop.api.homing))
    assert population is not None
    assert population.tallies == {}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"channels": ["sms"]}, "channel_not_requested"),
        ({"channels": []}, "channel_not_requested"),
        ({"channels": ["fax"]}, "channel_not_requested"),
        ({"deadline": before(1).isoformat()}, "deadline_passed"),
    ],
)
def test_where_nothing_is_left_the_reason_is_told(shop: Shopping, fields: dict[str, Any], reason: str) -> None:
    """Channels that reach nobody, a deadline that has passed: hold, never an error."""
    told = shop.ask(**fields)
    assert (told["action"], told["reason_code"], told["fallback"]) == ("hold", reason, False)


def test_not_before_and_deadline_bound_the_send_time(shop: Shopping) -> None:
    """The time given is kept to the second, ends excluded."""
    start, end = NOON + timedelta(hours=20), NOON + timedelta(hours=26)
    for number in range(8):
        told = shop.ask(f"m{number}", not_before=start.isoformat(), deadline=end.isoformat())
        assert start <= datetime.fromisoformat(told["send_at"]) < end


# --- who may ask, and what --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", PATH), ("GET", PATH), ("POST", f"{PATH}:batch"), ("GET", "/v1/decisions/x")],
)
def test_asking_needs_the_scope_decide(api: Api, method: str, path: str) -> None:
    """401 without a live key, 403 with a browser's, in the shape of every error."""
    for key, status in ((None, 401), ("homing_unknown", 401), (api.key(Scope.INGEST, trust=Trust.ASSERTED), 403)):
        answer = api.request(method, path, key=key)
        assert answer.status_code == status
        assert set(answer.json()) <= {"code", "message", "details"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"recipient": None}, "recipient"),
        ({"recipient": []}, "recipient"),
        ({"recipient": {}}, "recipient"),
        ({"recipient": {"namespace": "user_id"}}, "recipient"),
        ({"recipient": {"namespace": "user_id", "value": 7}}, "recipient"),
        ({"recipient": {"namespace": "a b", "value": "x"}}, "recipient"),
        ({"recipient": {"profile_id": "x", "value": "y"}}, "recipient"),
        ({"recipient": [{"namespace": "user_id", "value": "x"}] * 21}, "recipient"),
        ({"recipient": {"profile_id": "a\0b"}}, "recipient"),
        ({"message": {"id": ""}}, "message.id"),
        ({"message": {"id": "a\0b"}}, "message.id"),
        ({"message": {"id": "x" * 256}}, "message.id"),
        ({"message": {"cart_value": -1}}, "message.cart_value"),
        ({"message": {"cart_value": 2**63}}, "message.cart_value"),
        ({"message": {"currency": "WON!"}}, "message.currency"),
        ({"message": {"kind": "a b"}}, "message.kind"),
        ({"message": {"surprise": 1}}, "message"),
        ({"abandoned_at": "yesterday"}, "abandoned_at"),
        ({"deadline": True}, "deadline"),
        ({"not_before": before(1).isoformat(), "deadline": before(2).isoformat()}, "body"),
        ({"channels": "email"}, "channels"),
        ({"channels": ["a b"]}, "channels.0"),
        ({"variants": [""]}, "variants.0"),
        ({"features": {"a b": 1}}, "features"),
        ({"features": {"a": [1]}}, "features.a"),
        ({"return": ["a b"]}, "return.0"),
        ({"explore": "maybe"}, "explore"),
        ({"surprise": 1}, "body"),
    ],
)
def test_a_wrong_field_is_named(api: Api, change: dict[str, Any], field: str) -> None:
    """422 that names the field, as the sender wrote it, and nothing that was sent."""
    answer = api.post(PATH, key=api.key(), json=question(**change))
    told = answer.json()
    assert (answer.status_code, told["code"]) == (422, "invalid_request")
    assert told["details"][0]["field"].startswith(field)


ODD = [
    *('"\\ud800"', '"\\u0000"', '"x\\udfff"', '""', '" "', '"\\u202e"', '"😀"', '"NaN"', '"' + "x" * 3_000 + '"'),
    *("1", "-1", "9223372036854775808", "1e999", "NaN", "-Infinity", "null", "true", "[]", "{}", "[[]]"),
    *('{"\\ud800":1}', '["\\ud800"]', '{"a":NaN}', '"9999-12-31T23:59:59.999999Z"', '"0001-01-01T00:00:00+14:00"'),
    *("253402300799999", "-62135596800", "1" * 400),
]

FULL: dict[str, Any] = {
    **question(message={"kind": "cart_abandonment", "purpose": "marketing", "margin": 0.2}),
    "not_before": None,
    "deadline": None,
    "channels": ["email"],
    "variants": ["a"],
    "features": {"f": "x"},
    "return": ["user_id"],
    "explore": True,
}


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """List every place of a JSON value."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, child in inner:
        yield from places(child, (*path, name))


def put(value: Any, path: tuple[str | int, ...], new: object) -> Any:
    """Give the value with something else at a place."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = put(value[path[0]], path[1:], new)  # type: ignore[index]  # a place of this very value
    return copy


@pytest.mark.parametrize("path", list(places(FULL)), ids=str)
def test_whatever_stands_anywhere_is_answered(shop: Shopping, path: tuple[str | int, ...]) -> None:
    """Half surrogates, NUL, NaN, 2^63, ends of the calendar, wrong types in every field, alone and in a batch."""
    for number, odd in enumerate(ODD):
        template = json.dumps(put(put(FULL, ("message", "id"), f"m{number}"), path, "@@"))
        raw = template.replace('"@@"', odd).encode()
        alone = shop.api.post(PATH, key=shop.key, content=raw, headers=JSON)
        assert alone.status_code in {200, 422}, (odd, alone.text)
        batch = shop.api.post(f"{PATH}:batch", key=shop.key, content=b"[" + raw + b"]", headers=JSON)
        assert batch.status_code in {200, 422}, (odd, batch.text)
        if batch.status_code == 200:
            assert batch.json()["results"][0]["status"] == alone.status_code, odd


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"null", 422),
        (b"[]", 422),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (DEEP, 400),
        (b'{"recipient":' + DEEP + b"}", 400),
        (b"x" * (5 * 1024 * 1024 + 1), 413),
    ],
)
@pytest.mark.parametrize("path", [PATH, f"{PATH}:batch"])
def test_a_body_that_is_none_is_refused(api: Api, path: str, body: bytes, status: int) -> None:
    """Nothing, no JSON, too deep or too long: told apart, never a 500."""
    answer = api.post(path, key=api.key(), content=body, headers=JSON)
    assert answer.status_code == status
    assert set(answer.json()) <= {"code", "message", "details"}


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 422),
        ("namespace=user_id&value=u", 422),
        ("namespace=user_id&message_id=m", 422),
        ("namespace=user_id&value=u&message_id=m", 200),
        ("namespace=user_id&value=%00&message_id=m", 200),
        ("namespace=user_id&value=%FF%FE&message_id=%FF", 200),
        ("namespace=user_id&value=u&message_id=%00", 422),
        ("namespace=user_id&value=u&message_id=m&cart_value=nan", 422),
        ("namespace=user_id&value=u&message_id=m&cart_value=9223372036854775808", 422),
        ("namespace=user_id&value=u&message_id=m&not_before=9999-12-31T23:59:59Z", 200),
        ("namespace=user_id&value=u&message_id=m&features=%7B%22a%22%3ANaN%7D", 422),
        ("namespace=user_id&value=u&message_id=m&features=%7B%22%5Cud800%22%3A1%7D", 422),
        ("namespace=user_id&value=u&message_id=m&features=" + "[" * 50_000, 422),
        ("namespace=user_id&value=u&message_id=m&channels=,email,", 200),
        ("namespace=user_id&value=u&message_id=m&surprise=1", 422),
        ("namespace=user_id&value=u&message_id=m&%FF=1", 422),
        ("profile_id=%00&message_id=m", 422),
        ("profile_id=&message_id=m", 422),
    ],
)
def test_whatever_stands_in_the_query_is_answered(api: Api, query: str, status: int) -> None:
    """The same limits as in a body."""
    answer = api.get(f"{PATH}?{query}", key=api.key())
    assert answer.status_code == status, answer.text
