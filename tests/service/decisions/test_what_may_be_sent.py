"""What may not be sent is held or moved: consents, quiet hours, caps, deadlines, groups set apart."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from service.clock import FixedClock
from service.learning.learner import learn
from tests.service.decisions.shops import opened
from tests.service.harness import NOON
from tests.service.shopping import PATH, Shopping, before, question


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
    population = learn(shop.api.homing)
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
