"""What was denied while two were one profile stays denied on both once they are parted."""

from datetime import timedelta
from typing import Any

from service.clock import FixedClock
from service.keys import Scope
from tests.service.customers.world import device
from tests.service.harness import Api
from tests.service.judgements.test_judgements import SPLIT, TABLET, USER, judge, known, undo
from tests.service.profiles.test_profiles_route import get, take

__all__ = ["known"]


def consents(api: Api, name: str) -> dict[str | None, str]:
    """Give what counts for the profile that holds an identifier, by channel."""
    namespace, _, value = name.partition(":")
    shown: Any = get(api, "/v1/profiles", namespace=namespace, value=value)["consents"]
    return {each["channel"]: each["state"] for each in shown}


def say(api: Api, name: str, state: str, channel: str) -> None:
    """Record somebody's word."""
    namespace, _, value = name.partition(":")
    given = {"identifiers": [{"namespace": namespace, "value": value}], "channel": channel, "state": state}
    assert api.put("/v1/consents", key=api.key(Scope.INGEST), json=given).status_code == 200


def test_a_denial_stays_on_both_sides_of_a_split(known: Api, clock: FixedClock) -> None:
    """Said of the login or by the banner on the phone, it holds for the tablet too; a grant does not go along."""
    say(known, USER, "denied", "email")
    say(known, USER, "granted", "sms")
    banner = {"consent": {"categoryPreferences": {"marketing_web_push": False}}}
    take(known.homing, 7, {"userId": "wonjun-kim", "context": {**device("phone-19f"), **banner}})
    said = judge(known, SPLIT)["judgement_id"]
    assert consents(known, USER) == {"email": "denied", "sms": "granted", "web_push": "denied"}
    assert consents(known, TABLET) == {"email": "denied", "web_push": "denied"}
    clock.advance(timedelta(minutes=1))
    say(known, USER, "denied", "app_push")
    assert "app_push" not in consents(known, TABLET)
    undo(known, said)
    assert consents(known, TABLET) == consents(known, USER)


def test_who_was_never_one_keeps_to_themselves(known: Api) -> None:
    """A judgement that two never are one person takes no consent from one to the other."""
    take(known.homing, 7, {"userId": "haneul", "context": device("phone-of-haneul")})
    say(known, USER, "denied", "email")
    judge(known, {"kind": "cannot_link", "left": USER, "right": "user_id:haneul"})
    assert consents(known, "user_id:haneul") == {}
