"""Erasure over HTTP, on either store: told first, then done for good, and nothing of it comes back."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.engine import Connection

from identity.observations import Trust
from service.clock import FixedClock
from service.erasures import erasing
from service.erasures.erasing import purge
from service.folds import rules_to_come
from service.folds.keep_rules import bring_in
from service.folds.rebuild import rebuild
from service.folds.rules_to_come import RulesToCome
from service.folds.verify import verify
from service.keys import Scope
from service.profiles import finding
from service.profiles.people import People
from service.store import purges
from service.store.watch import Watch
from service.wiring import Homing
from tests.service.erasure import holds, rows_with
from tests.service.folds.test_rules_to_come import APART
from tests.service.harness import NOON, Api

ADA, BEN, TABLET = "ada-lovelace-1815", "ben-the-other", "tablet-of-the-house"
MAIL, PHONE, SECRET = "ada.lovelace@example.org", "phone-of-ada-alone", "a-word-that-ada-alone-said"
EARLY = NOON - timedelta(days=3)


def seen(number: int, **fields: Any) -> dict[str, Any]:
    """Make an event of some minute, three days ago."""
    at = (EARLY + timedelta(minutes=number)).isoformat()
    return {"type": "track", "event": "Seen", "messageId": f"m{number}", "timestamp": at, **fields}


def on(device: str, **more: Any) -> dict[str, Any]:
    """Give the context of an event on a device."""
    return {"device": {"id": device, "type": "ios", "token": f"token-{device}"}, **more}


HISTORY = [
    seen(1, anonymousId="browser-of-ada", context=on(PHONE), properties={"note": SECRET}),
    seen(2, type="identify", userId=ADA, traits={"email": MAIL, "note": SECRET}, context=on(PHONE)),
    seen(3, userId=ADA, anonymousId="browser-of-ada", event="Product Added", properties={"cart_id": "cart-of-ada"}),
    seen(4, userId=ADA, context=on(TABLET)),
    seen(5, userId=BEN, context=on(TABLET), properties={"note": "bens"}),
    seen(6, context=on(TABLET), properties={"note": "bens too"}),
    seen(7, type="identify", userId=BEN, traits={"email": "ben@example.org"}),
]


@pytest.fixture
def api(homing: Homing) -> Iterator[Api]:
    """Give a client of a deployment in which two people are known."""
    client = Api(homing)
    send(client, HISTORY)
    yield client
    client.close()


def send(api: Api, events: list[dict[str, Any]], **key: Any) -> Any:
    """Send events; all are taken, as far as their client is told."""
    answer = api.post("/v1/batch", key=api.key(Scope.INGEST, **key), json={"batch": events})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"success": True, "accepted": len(events), "rejected": []}
    return answer.json()


def erase(api: Api, *identifiers: str, **fields: Any) -> Any:
    """Ask for an erasure."""
    answer = api.post("/v1/erasures", key=api.key(Scope.ERASE), json={"identifiers": list(identifiers), **fields})
    assert answer.status_code == 200, answer.text
    assert ADA not in answer.text
    return answer.json()


def asked(api: Api, message: str, **recipient: Any) -> Any:
    """Ask where a message goes."""
    body = {"recipient": recipient, "message": {"id": message, "purpose": "transactional"}}
    answer = api.post(
        "/v1/recommendations", key=api.key(Scope.DECIDE), json=body, headers={"Idempotency-Key": f"again-{message}"}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def user(name: str) -> dict[str, str]:
    """Name somebody by a login."""
    return {"namespace": "user_id", "value": name}


def profile(api: Api, name: str) -> Any:
    """Give the answer to who holds a login."""
    return api.get("/v1/profiles", key=api.key(Scope.READ, Scope.READ_PII), params=user(name))


def lasting(shown: Any) -> Any:
    """Give what of a profile does not depend on who else used its devices."""
    return {
        "known": {each["value"] for each in shown["identifiers"]},
        "reached": {(each["endpoint_id"], each["deliverable"]) for each in shown["endpoints"]},
        **{name: shown[name] for name in ("profile_id", "traits", "consents", "is_person")},
    }


def standing(api: Api, name: str) -> Any:
    """Give an erasure as it stands."""
    answer = api.get(f"/v1/erasures/{name}", key=api.key(Scope.ERASE))
    assert answer.status_code == 200, answer.text
    return answer.json()


def whole(homing: Homing) -> None:
    """Verify chain, logs and folds; and that a rebuild changes none."""
    people = People(homing.rules, homing.people.key)
    with homing.database.transaction(reads=True) as conn:
        found = verify(conn, people)
    assert (found.faults, found.unfinished) == ((), {})


def test_a_dry_run_tells_all_and_changes_nothing(api: Api) -> None:
    """Counts by class and the decisions still to be sent; then everything is as before."""
    decision = asked(api, "m-1", **user(ADA))
    tried = erase(api, f"email:{MAIL}", dry_run=True)
    assert (tried["erasure_id"], tried["state"]) == (None, "planned")
    assert tried["covered"] == {
        "profiles": 1,
        "identifiers": 5,
        "events": 4,
        "consents": 0,
        "judgements": 0,
        "decisions": 1,
        "outcomes": 0,
    }
    assert tried["open_decisions"] == [decision["decision_id"]]
    assert profile(api, ADA).status_code == 200
    assert rows_with(api.homing, SECRET) == ["facts"]


def test_the_erased_are_found_nowhere_and_others_are_as_they_were(api: Api) -> None:
    """Logs, folds and answers hold nothing of Ada's; Ben's profile, tablet and events are his as ever."""
    decision = asked(api, "m-1", **user(ADA))
    api.post(
        "/v1/outcomes", key=api.key(Scope.OUTCOME), json={"decision_id": decision["decision_id"], "type": "clicked"}
    )
    split = {"kind": "cannot_link", "left": f"user_id:{ADA}", "right": f"user_id:{BEN}", "reason": f"{ADA} is not he"}
    api.post("/v1/judgements", key=api.key(Scope.JUDGE), json=split)
    ben = profile(api, BEN).json()
    held = (ADA, MAIL, PHONE, SECRET, "browser-of-ada", "cart-of-ada", decision["profile_id"], "m-1")
    assert all(rows_with(api.homing, value) for value in held)
    done = erase(api, f"email:{MAIL}")
    assert (done["state"], done["rows_left"], done["dropped"]) == ("done", 0, 0)
    assert done["covered"]["outcomes"] == done["covered"]["judgements"] == 1
    # The feed tells which id answers no more; the id alone tells nothing of whose it was.
    still = {value: rows_with(api.homing, value) for value in held if rows_with(api.homing, value)}
    assert still == {decision["profile_id"]: ["changes"]}
    assert profile(api, ADA).status_code == 404
    assert api.get(f"/v1/profiles/{decision['profile_id']}", key=api.key(Scope.READ)).status_code == 404
    assert lasting(profile(api, BEN).json()) == lasting(ben)
    events = api.get(f"/v1/profiles/{ben['profile_id']}/events", key=api.key(Scope.READ, Scope.READ_PII)).json()[
        "events"
    ]
    assert {event["message_id"] for event in events} == {"m5", "m6", "m7"}
    whole(api.homing)


def test_the_erased_do_not_come_back(api: Api) -> None:
    """Neither by a rebuild, nor the same batch, nor older or asserted facts; each is counted, and said to be taken."""
    name = erase(api, f"user_id:{ADA}")["erasure_id"]
    api.homing.writer.submit(lambda conn: rebuild(conn, api.homing.people)).result(30)
    send(api, HISTORY)
    assert standing(api, name)["dropped"] == 4
    late = [seen(20, userId=ADA, context=on("another")), seen(21, traits={"email": MAIL}, type="identify")]
    send(api, late)
    public = {**seen(22, userId=ADA), "timestamp": (NOON + timedelta(hours=1)).isoformat()}
    send(api, [public], trust=Trust.ASSERTED, source="web")
    assert standing(api, name)["dropped"] == 7
    for value in (ADA, MAIL, PHONE, SECRET):
        assert rows_with(api.homing, value) == []
    assert profile(api, ADA).status_code == 404
    assert 'homing_events_total{verdict="dropped"}' in api.get("/metrics").text
    whole(api.homing)


def test_a_later_login_starts_anew(api: Api, clock: FixedClock) -> None:
    """What a server tells of the time after makes a profile of another id, without history."""
    before = profile(api, ADA).json()["profile_id"]
    erase(api, f"user_id:{ADA}")
    clock.advance(timedelta(hours=2))
    send(api, [{**seen(30, userId=ADA), "timestamp": clock.now().isoformat()}])
    found = profile(api, ADA).json()
    assert found["profile_id"] != before
    assert [known["value"] for known in found["identifiers"]] == [ADA]
    assert asked(api, "m-2", **user(ADA))["action"] != "suppress"
    whole(api.homing)


def test_the_erased_are_sent_nothing(api: Api) -> None:
    """By name, by contact, by former id, by decision, by second try: suppressed; a device is its next owner's."""
    decision = asked(api, "m-1", **user(ADA))
    assert decision["action"] == "send"
    erase(api, f"user_id:{ADA}")
    assert asked(api, "m-1", **user(ADA))["action"] == "suppress"
    for number, recipient in enumerate(
        (user(ADA), {"namespace": "email", "value": MAIL}, {"profile_id": decision["profile_id"]})
    ):
        told = asked(api, f"m-{number + 2}", **recipient)
        assert (told["action"], told["reason_code"], told["profile_id"]) == ("suppress", "suppressed", None)
    read = api.get(f"/v1/decisions/{decision['decision_id']}", key=api.key(Scope.DECIDE)).json()
    assert (read["action"], read["channel"], read["send_at"]) == ("suppress", None, None)
    told = {"decision_id": decision["decision_id"], "type": "delivered"}
    answer = api.post("/v1/outcomes", key=api.key(Scope.OUTCOME), json=told).json()
    assert [each["status"] for each in answer["results"]] == ["erased"]
    assert asked(api, "m-9", namespace="device_id", value=PHONE)["fallback"] is True
    whole(api.homing)


def test_a_purge_cut_off_goes_on(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is told of the erased meanwhile, also after a rebuild; the store says what is left, and finishes it."""
    homing = api.homing
    monkeypatch.setattr(erasing, "ROWS_A_JOB", 3)
    given = frozenset(i for i in homing.writer.submit(lambda conn: members(homing, conn)).result(10))
    asked_for = erasing.Erasing(given=given, source="privacy", now=homing.clock.now())
    name, plan = homing.writer.submit(lambda conn: erasing.erase(conn, homing, asked_for)).result(10)
    assert homing.writer.submit(purge).result(10) == 3
    left = homing.writer.submit(purges.left).result(10)
    assert sum(left[name].values()) == len(plan.coverage.seqs) - 3 == standing(api, name)["rows_left"]
    assert standing(api, name)["state"] == "purging"
    assert profile(api, ADA).status_code == 404
    homing.writer.submit(lambda conn: rebuild(conn, homing.people)).result(30)
    assert profile(api, ADA).status_code == 404
    with homing.database.transaction(reads=True) as conn:
        found = verify(conn, People(homing.rules, homing.people.key))
    assert (found.faults, found.unfinished) == ((), {name: len(plan.coverage.seqs) - 3})
    api.run(erasing.purge_all(homing))
    assert standing(api, name)["state"] == "done"
    assert rows_with(homing, SECRET) == []
    whole(homing)


def members(homing: Homing, conn: Any) -> tuple[Any, ...]:
    """Give what Ada's profile holds."""
    view = finding.profile_of(conn, homing.people, "user_id", ADA)
    assert view is not None
    return view.profile.identifiers


def test_the_same_erasure_again_is_the_same(api: Api) -> None:
    """Nothing is known since: no new entry; somebody known since is erased again."""
    first = erase(api, f"user_id:{ADA}", f"email:{MAIL}")
    again = erase(api, f"user_id:{ADA}", f"email:{MAIL}")
    assert again["erasure_id"] == first["erasure_id"]
    assert erase(api, f"user_id:{BEN}")["erasure_id"] != first["erasure_id"]


def test_somebody_never_seen_is_erased_beforehand(api: Api) -> None:
    """What is imported of them later is dropped."""
    name = erase(api, "user_id:never-seen")["erasure_id"]
    send(api, [seen(40, userId="never-seen")])
    assert standing(api, name)["dropped"] == 1
    assert profile(api, "never-seen").status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "invalid_json"),
        ({}, 422, "invalid_request"),
        ({"identifiers": []}, 422, "invalid_request"),
        ({"identifiers": ["email:nonsense"]}, 422, "invalid_identifier"),
        ({"identifiers": ["device_id:never-seen"]}, 422, "nothing_to_erase"),
    ],
)
def test_what_cannot_be_erased_is_told(api: Api, body: Any, status: int, code: str) -> None:
    """Each with its code, and without what was sent."""
    given = {"content": body} if isinstance(body, bytes) else {"json": body}
    answer = api.post("/v1/erasures", key=api.key(Scope.ERASE), **given)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert "nonsense" not in answer.text


def test_erasing_needs_the_scope_erase(api: Api) -> None:
    """401 without a key, 403 with every other scope; 404 for what is not there."""
    other = api.key(*(scope for scope in Scope if scope is not Scope.ERASE))
    for method, path in (("POST", "/v1/erasures"), ("GET", "/v1/erasures/x"), ("GET", "/v1/profiles/x/export")):
        assert api.request(method, path).status_code == 401
        assert api.request(method, path, key=other).status_code == 403
    assert api.get("/v1/erasures/x", key=api.key()).json()["code"] == "unknown_erasure"
    assert api.get("/v1/profiles/x/export", key=api.key()).json()["code"] == "unknown_profile"


def test_an_export_holds_every_class_of_data(api: Api) -> None:
    """And nothing of the others on the same tablet."""
    send(api, [seen(18, anonymousId="second-browser-of-ada")])
    send(api, [seen(19, anonymousId="second-browser-of-ada", userId=ADA)])
    decision = asked(api, "m-1", **user(ADA))
    api.post(
        "/v1/outcomes", key=api.key(Scope.OUTCOME), json={"decision_id": decision["decision_id"], "type": "clicked"}
    )
    granted = {"identifiers": [user(ADA)], "channel": "email", "state": "granted"}
    api.put("/v1/consents", key=api.key(Scope.INGEST), json=granted)
    split = {"kind": "cannot_link", "left": f"user_id:{ADA}", "right": "user_id:somebody", "reason": "not the same"}
    api.post("/v1/judgements", key=api.key(Scope.JUDGE), json=split)
    order = seen(9, userId=ADA, event="Order Completed", properties={"order_id": "o-1", "total": 9})
    send(api, [order])
    answer = api.get(f"/v1/profiles/{decision['profile_id']}/export", key=api.key(Scope.ERASE))
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert {name for name, told in found.items() if not told} == {"erasures"}
    assert {event["message_id"] for event in found["events"]} >= {"m1", "m2", "m3", "m4", "m9"}
    assert found["decisions"][0]["decision_id"] == found["outcomes"][0]["decision_id"] == decision["decision_id"]
    assert found["answers"][0]["decision_id"] == decision["decision_id"]
    assert found["addresses"][0]["address"]
    assert found["consents"][0]["state"] == "granted"
    assert found["judgements"][0]["reason"] == "not the same"
    assert decision["profile_id"] in found["profile_ids"]
    assert BEN not in answer.text


def test_folds_under_other_rules_hold_nothing_of_the_erased(api: Api) -> None:
    """Neither those that were on their way when it was said, nor the ids that former rules issued."""
    homing = api.homing
    homing.writer.submit(lambda conn: rules_to_come.want(conn, APART)).result(30)
    never = RulesToCome(homing.people.key, Watch(), last=-1)
    homing.writer.submit(never.step).result(30)
    assert on_their_way(homing, ADA)
    known_as = profile(api, ADA).json()["profile_id"]
    erase(api, f"user_id:{ADA}")
    assert not on_their_way(homing, ADA)
    assert list(bring_in(homing, sleep=lambda _: None))[-1].done
    assert (homing.rules, rows_with(homing, ADA)) == (APART, [])
    assert profile(api, ADA).status_code == 404
    assert api.get(f"/v1/profiles/{known_as}", key=api.key(Scope.READ)).status_code == 404
    whole(homing)


def on_their_way(homing: Homing, value: str) -> bool:
    """Tell whether the folds to come hold a value."""

    def job(conn: Connection) -> bool:
        return any(holds(row, value) for row in conn.exec_driver_sql("SELECT * FROM next_nodes"))

    return homing.writer.submit(job).result(30)
