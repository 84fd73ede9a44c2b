"""A message has one decision, which is told again and may tighten, never loosen."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from service.clock import FixedClock
from service.learning.learner import learn
from tests.service.harness import NOON
from tests.service.shopping import PATH, PHONE, Shopping, question


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
    population = learn(shop.api.homing)
    assert population is not None
    assert population.tallies == {}


def test_what_was_sent_is_learned_from_though_it_is_held_afterwards(shop: Shopping, clock: FixedClock) -> None:
    """The order after the message is its conversion; asked again the message is held, and counts all the same."""
    first = shop.ask()
    clock.set(datetime.fromisoformat(first["send_at"]) + timedelta(hours=1))
    shop.order(-((clock.now() - NOON).total_seconds() / 3_600))
    assert shop.ask()["reason_code"] == "already_purchased"
    population = learn(shop.api.homing)
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
