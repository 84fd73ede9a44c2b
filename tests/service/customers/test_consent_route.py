"""A consent that was answered with 200 is in the log and counts; whatever is wrong with one is said plainly."""

from datetime import timedelta
from typing import Any

import pytest

from identity.observations import Trust
from service.clock import FixedClock
from service.keys import Scope
from service.store import facts
from tests.service.harness import NOON, Api

GIVEN: dict[str, Any] = {
    "identifiers": [{"namespace": "user_id", "value": "u1"}],
    "channel": "email",
    "purpose": "marketing",
    "state": "granted",
    "at": "2026-11-16T09:00:00+09:00",
    "source": "call centre",
}


def known(api: Api, namespace: str = "user_id", value: str = "u1") -> list[dict[str, Any]]:
    """Give the consents that count for whoever holds an identifier."""
    answer = api.get("/v1/profiles", key=api.key(), params={"namespace": namespace, "value": value})
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.json()["consents"]
    return found


def test_a_consent_counts_once_it_is_answered(api: Api) -> None:
    """It is a fact of whom it names, at the moment it was said."""
    answer = api.put("/v1/consents", key=api.key(Scope.INGEST, name="crm"), json=GIVEN)
    assert answer.status_code == 200
    assert answer.json()["status"] == "accepted"
    assert known(api) == [
        {
            "channel": "email",
            "purpose": "marketing",
            "state": "granted",
            "at": "2026-11-16T00:00:00Z",
            "source": "call centre",
        }
    ]


@pytest.mark.parametrize("more", [{}, {"id": "c-1"}])
def test_the_same_consent_twice_changes_nothing(api: Api, more: dict[str, str], clock: FixedClock) -> None:
    """With an id or without one, a second try is known."""
    key = api.key()
    first = api.put("/v1/consents", key=key, json=GIVEN | more)
    clock.advance(timedelta(hours=1))
    second = api.put("/v1/consents", key=key, json=GIVEN | more)
    assert (first.json()["status"], second.json()["status"]) == ("accepted", "duplicate")
    assert first.json()["id"] == second.json()["id"]
    assert api.homing.writer.submit(facts.last_seq).result(10) == 1


def test_the_last_word_counts_also_without_dates(api: Api, clock: FixedClock) -> None:
    """Granted, denied and granted again are three words."""
    key = api.key()
    undated = {name: value for name, value in GIVEN.items() if name != "at"}
    for state in ("granted", "denied", "granted"):
        clock.advance(timedelta(seconds=1))
        answer = api.put("/v1/consents", key=key, json=undated | {"state": state})
        assert answer.json()["status"] == "accepted"
        assert [consent["state"] for consent in known(api)] == [state]


def test_another_word_under_the_same_id_is_a_conflict(api: Api) -> None:
    """409, and the first one stands."""
    key = api.key()
    api.put("/v1/consents", key=key, json=GIVEN | {"id": "c-1"})
    answer = api.put("/v1/consents", key=key, json=GIVEN | {"id": "c-1", "state": "denied"})
    assert (answer.status_code, answer.json()["code"]) == (409, "message_id_conflict")
    assert [consent["state"] for consent in known(api)] == ["granted"]


def test_its_identifiers_are_seen_together_and_what_names_nobody_is_told(api: Api) -> None:
    """The e-mail belongs to the user from now on; junk is left out with its reason, not with its value."""
    named = [*GIVEN["identifiers"], {"namespace": "email", "value": "U@Example.com"}]
    junk = {"namespace": "phone", "value": "undefined"}
    answer = api.put("/v1/consents", key=api.key(), json=GIVEN | {"identifiers": [*named, junk]})
    assert answer.json()["rejected"] == [{"namespace": "phone", "reason": "junk"}]
    assert len(known(api, "email", "u@example.com")) == 1


def test_a_consent_of_the_future_counts_from_now(api: Api) -> None:
    """Nobody can speak for later: the moment is clamped to the receipt."""
    api.put("/v1/consents", key=api.key(), json=GIVEN | {"at": "2030-01-01T00:00:00Z"})
    assert known(api)[0]["at"] == NOON.isoformat().replace("+00:00", "Z")


def test_null_means_every_channel(api: Api) -> None:
    """Opting out of everything is one word; leaving the channel out is none."""
    answer = api.put("/v1/consents", key=api.key(), json=GIVEN | {"channel": None, "state": "denied"})
    assert answer.status_code == 200
    assert known(api)[0]["channel"] is None


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"identifiers": []}, "identifiers"),
        ({"identifiers": [{"namespace": "user id", "value": "u"}]}, "identifiers.0.namespace"),
        ({"identifiers": [{"namespace": "user_id", "value": "\ud800"}]}, "identifiers.0.value"),
        ({"identifiers": [{"namespace": "user_id", "value": 7}]}, "identifiers.0.value"),
        ({"identifiers": [{"namespace": "user_id", "value": "u" * 1_025}]}, "identifiers.0.value"),
        ({"state": "yes"}, "state"),
        ({"state": None}, "state"),
        ({"channel": ""}, "channel"),
        ({"channel": "e\0mail"}, "channel"),
        ({"at": "yesterday"}, "at"),
        ({"at": "9999-12-31T23:59:59-23:00"}, "at"),
        ({"at": float("nan")}, "at"),
        ({"at": 2**63}, "at"),
        ({"source": "a\nb"}, "source"),
        ({"id": ""}, "id"),
        ({"unheard": "of"}, "body"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(api: Api, change: dict[str, Any], field: str) -> None:
    """422 names the field; nothing reaches the log."""
    import json  # noqa: PLC0415 - unlike httpx's own it writes NaN and half surrogates, as clients do

    body = json.dumps(GIVEN | change)
    headers = {"Content-Type": "application/json"}
    answer = api.put("/v1/consents", key=api.key(), content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert [detail["field"] for detail in answer.json()["details"]] == [field]
    assert api.homing.writer.submit(facts.last_seq).result(10) == 0


def test_a_missing_channel_is_not_every_channel(api: Api) -> None:
    """A forgotten field must not open everything."""
    body = {name: value for name, value in GIVEN.items() if name != "channel"}
    assert api.put("/v1/consents", key=api.key(), json=body).status_code == 422


@pytest.mark.parametrize("value", ["undefined", " ", "a\0b", "0" * 40, "é" * 300])
def test_identifiers_that_all_name_nobody_are_refused(api: Api, value: str) -> None:
    """422 gives the reasons and repeats no value."""
    body = GIVEN | {"identifiers": [{"namespace": "user_id", "value": value}]}
    answer = api.put("/v1/consents", key=api.key(), json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_identifiers")
    assert value.strip() == "" or value not in answer.text


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 100_000, b"\xff", b"null", b"[]"])
def test_an_unreadable_body_is_answered(api: Api, body: bytes) -> None:
    """Never a 500, always code and message."""
    headers = {"Content-Type": "application/json"}
    answer = api.put("/v1/consents", key=api.key(), content=body, headers=headers)
    assert answer.status_code in {400, 422}
    assert set(answer.json()) >= {"code", "message"}


def test_only_the_shops_own_server_says_who_consented(api: Api) -> None:
    """No key 401; another scope 403; a public key 403."""
    public = api.key(Scope.INGEST, trust=Trust.ASSERTED, name="web")
    reader = api.key(Scope.READ)
    for key, status in ((None, 401), ("homing_unknown", 401), (reader, 403), (public, 403)):
        answer = api.put("/v1/consents", key=key, json=GIVEN)
        assert answer.status_code == status
        assert set(answer.json()) == {"code", "message"}
    assert api.homing.writer.submit(facts.last_seq).result(10) == 0
