"""A profile's history tells what happened to it, whose each event is and why, a page at a time."""

from typing import Any

import pytest

from service.keys import Scope
from tests.service.customers.world import device
from tests.service.harness import Api
from tests.service.judgements.test_judgements import judge, undo
from tests.service.profiles.test_profiles_route import get, take

TABLET = device("tablet-7c1")


@pytest.fixture
def shared(api: Api) -> Api:
    """Give a store in which one tablet was used by two people, and by nobody named before, between and after."""
    take(api.homing, 1, {"context": TABLET})
    take(api.homing, 2, {"userId": "haneul", "context": TABLET})
    take(api.homing, 3, {"context": TABLET})
    take(api.homing, 4, {"userId": "wonjun-kim", "context": TABLET})
    take(api.homing, 5, {"context": TABLET})
    return api


def profile(api: Api, name: str) -> Any:
    """Show who a login is."""
    return get(api, "/v1/profiles", namespace="user_id", value=name)


def told(api: Api, name: str, *scopes: Scope, **params: Any) -> Any:
    """Tell a login's history."""
    return get(api, f"/v1/profiles/{profile(api, name)['profile_id']}/history", *scopes, **params)


def test_each_event_is_told_with_whose_it_is_and_why(shared: Api) -> None:
    """By who claimed the tablet before, or first after; with the claim that decided."""
    mine, other = (profile(shared, name)["profile_id"] for name in ("wonjun-kim", "haneul"))
    events = [each for each in told(shared, "wonjun-kim")["entries"] if each["kind"] == "event"]
    assert [(e["event"]["message_id"], e["event"]["profile_id"], e["why"], e["decided_by"]) for e in events] == [
        ("m5", mine, "claimed_before", "m4"),
        ("m4", mine, "person_named", None),
        ("m3", other, "claimed_before", "m2"),
        ("m2", other, "person_named", None),
        ("m1", other, "claimed_later", "m2"),
    ]


def test_ownership_and_absorbed_ids_stand_beside(shared: Api) -> None:
    """Who held the tablet when; the tablet's first id leads to who absorbed it."""
    mine, other = told(shared, "wonjun-kim"), told(shared, "haneul")
    held = [(each["namespace"], each["start"], each["end"], each["profile_id"]) for each in mine["ownership"]]
    turn = "2026-11-14T12:04:00Z"
    assert held == [
        ("device_id", None, turn, other["profile_id"]),
        ("device_id", turn, None, mine["profile_id"]),
    ]
    (absorbed,) = other["absorbed"]
    assert get(shared, f"/v1/profiles/{absorbed}")["profile_id"] == other["profile_id"]
    (change,) = [each["change"] for each in other["entries"] if each["kind"] == "change"]
    assert (change["change"], change["absorbed"], change["because"]) == ("merged", [absorbed], "events")


def test_judgements_and_their_undoing_are_told(shared: Api) -> None:
    """With what they changed, the newest first."""
    take(shared.homing, 6, {"userId": "wonjun-kim", "context": device("phone-19f")})
    said = judge(shared, {"kind": "split", "identifiers": ["device_id:phone-19f"], "reason": "hers"})
    undo(shared, said["judgement_id"])
    entries = told(shared, "wonjun-kim")["entries"]
    kinds = [each["kind"] for each in entries if each["kind"] != "event"]
    assert sorted(kinds) == ["change", "change", "judgement", "undo"]
    named = [each["judgement"] for each in entries if each["judgement"] is not None]
    assert {each["judgement_id"] for each in named} == {said["judgement_id"]}
    assert {each["reason"] for each in named} == {"hers"}
    assert "hers" not in str(told(shared, "wonjun-kim", Scope.READ))


def test_a_history_is_read_a_page_at_a_time(shared: Api) -> None:
    """Pages put together are the whole; what comes meanwhile shifts none."""
    whole = told(shared, "haneul")["entries"]
    assert len(whole) == 4
    first = told(shared, "haneul", limit=3)
    take(shared.homing, 9, {"userId": "haneul"})
    rest = told(shared, "haneul", limit=3, cursor=first["next_cursor"])
    assert first["entries"] + rest["entries"] == whole
    assert rest["next_cursor"] is None


def test_without_read_pii_values_are_masked(shared: Api) -> None:
    """In events, in ownership and in what was said; content is left out."""
    masked = told(shared, "wonjun-kim", Scope.READ)
    assert not [value for value in ("wonjun-kim", "haneul", "tablet-7c1") if value in str(masked)]
    assert {each["event"]["content"] for each in masked["entries"] if each["event"]} == {None}


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/profiles/nobody/history", 404, "unknown_profile"),
        ("/v1/profiles/{id}/history?cursor=x", 422, "invalid_cursor"),
        ("/v1/profiles/{id}/history?limit=0", 422, "invalid_request"),
        ("/v1/profiles/{id}/history?as_of=2026-11-14", 422, "as_of_unsupported"),
    ],
)
def test_what_cannot_be_told_is_refused(shared: Api, path: str, status: int, code: str) -> None:
    """Nobody, no cursor, no moment: each with its reason; and never without the scope read."""
    asked = path.format(id=profile(shared, "haneul")["profile_id"])
    answer = shared.get(asked, key=shared.key(Scope.READ))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert shared.get(asked).status_code == 401
    assert shared.get(asked, key=shared.key(Scope.DECIDE)).status_code == 403


def test_doubts_are_warnings(shared: Api) -> None:
    """What a shared tablet did while naming nobody, and a login without its person, are told on the profile."""
    warnings = {each["code"]: each["message"] for each in profile(shared, "wonjun-kim")["warnings"]}
    assert warnings["shared_device"].startswith("device_id:tablet-7c1, which 2 persons claimed, was used once")
    assert "login_without_person" not in warnings
    take(shared.homing, 7, {"userId": "wonjun-kim", "traits": {"email": "w@example.com"}})
    take(shared.homing, 8, {"traits": {"email": "w@example.com"}, "context": TABLET})
    warnings = {each["code"]: each["message"] for each in profile(shared, "wonjun-kim")["warnings"]}
    assert "a login without its person" in warnings["login_without_person"]
    key = shared.key(Scope.READ)
    masked = shared.get("/v1/profiles", key=key, params={"namespace": "user_id", "value": "wonjun-kim"})
    assert "tablet-7c1" not in masked.text
