"""An analyst's word over HTTP: tried out, said, undone; it holds after a rebuild, and tells whose decisions move."""

from typing import Any

import pytest

from service.clock import FixedClock
from service.folds.rebuild import rebuild
from service.folds.verify import verify
from service.keys import Scope
from service.profiles.people import People
from service.store import facts
from service.wiring import Homing
from tests.service.customers.world import device
from tests.service.folds.test_rebuild import again, folds
from tests.service.harness import NOON, Api
from tests.service.profiles.test_profiles_route import EARLY, decide, get, take

PHONE, TABLET, USER = "device_id:phone-19f", "device_id:tablet-7c1", "user_id:wonjun-kim"
SPLIT = {"kind": "split", "identifiers": [TABLET]}


@pytest.fixture
def known(api: Api) -> Api:
    """Give the API over a store in which one person has a phone and a tablet."""
    for number in range(3):
        take(api.homing, number, {"userId": "wonjun-kim", "context": device("phone-19f")})
    take(api.homing, 3, {"userId": "wonjun-kim", "context": device("tablet-7c1", "web")})
    return api


def profile(api: Api, name: str) -> str:
    """Give the id of the profile that holds an identifier."""
    namespace, _, value = name.partition(":")
    found: str = get(api, "/v1/profiles", namespace=namespace, value=value)["profile_id"]
    return found


def judge(api: Api, body: Any, *, dry_run: bool = False) -> Any:
    """Say a judgement."""
    answer = api.post("/v1/judgements", key=api.key(), json=body, params={"dry_run": dry_run})
    assert answer.status_code == 200, answer.text
    return answer.json()


def undo(api: Api, judgement_id: str, *, dry_run: bool = False) -> Any:
    """Undo one."""
    answer = api.request("DELETE", f"/v1/judgements/{judgement_id}", key=api.key(), params={"dry_run": dry_run})
    assert answer.status_code == 200, answer.text
    return answer.json()


def logged(api: Api) -> int:
    """Count the facts."""
    return api.homing.writer.submit(facts.last_seq).result(10)


def test_a_split_is_tried_out_said_and_undone(known: Api) -> None:
    """The dry run tells what the word then changes, and changes nothing; undone, all is as before."""
    together = profile(known, USER)
    before, count = folds(known.homing), logged(known)
    tried = judge(known, SPLIT, dry_run=True)
    assert (tried["dry_run"], tried["judgement_id"]) == (True, None)
    assert (folds(known.homing), logged(known)) == (before, count)
    said = judge(known, SPLIT)
    assert said["changes"] == tried["changes"] != []
    assert [change["change"] for change in said["changes"]][:2] == ["created", "split"]
    alone = profile(known, TABLET)
    assert said["changes"][0] == {"change": "created", "profile_id": alone, "identifiers": [TABLET]}
    assert said["changes"][1] == {"change": "split", "profile_id": together, "into": [alone]}
    assert profile(known, PHONE) == profile(known, USER) == together != alone
    (listed,) = get(known, "/v1/judgements", *Scope)["judgements"]
    assert listed["judgement_id"] == said["judgement_id"]
    assert (listed["kind"], listed["left"], listed["right"]) == ("cannot_link", [TABLET], [PHONE, USER])
    tried = undo(known, said["judgement_id"], dry_run=True)
    assert profile(known, TABLET) == alone
    undone = undo(known, said["judgement_id"])
    assert undone["changes"] == tried["changes"] != []
    assert undone["judgement_id"] == said["judgement_id"]
    assert profile(known, TABLET) == together
    assert get(known, "/v1/judgements", *Scope) == {"judgements": []}


def test_two_persons_are_joined_and_parted_again(known: Api) -> None:
    """Two logins in one profile by a person's word; the undo gives both back under their own ids."""
    take(known.homing, 9, {"userId": "wonjun-at-work"})
    one, other = profile(known, USER), profile(known, "user_id:wonjun-at-work")
    body = {"kind": "must_link", "left": {"namespace": "user_id", "value": "wonjun-at-work"}, "right": USER}
    said = judge(known, body)
    assert said["changes"] == [{"change": "merged", "profile_id": one, "absorbed": [other]}]
    assert profile(known, "user_id:wonjun-at-work") == one
    assert get(known, f"/v1/profiles/{other}")["redirected_from"] == other
    undo(known, said["judgement_id"])
    assert (profile(known, USER), profile(known, "user_id:wonjun-at-work")) == (one, other)


def test_a_judgement_holds_after_a_rebuild(known: Api, homing: Homing) -> None:
    """Folds made again are the same to the last bit, with words and undos in the log; the store verifies whole."""
    first = judge(known, SPLIT)["judgement_id"]
    judge(known, {"kind": "cannot_link", "left": PHONE, "right": "user_id:haneul"})
    undo(known, first)
    judge(known, SPLIT | {"reason": "the family's"})
    take(homing, 20, {"userId": "wonjun-kim", "context": device("tablet-7c1", "web")})
    before = folds(homing)
    again(homing)
    assert folds(homing) == before
    assert profile(known, TABLET) != profile(known, USER)
    with homing.database.transaction(reads=True) as conn:
        found = verify(conn, People(homing.rules, homing.secret.derive("profiles")))
    assert found.whole, found.faults


@pytest.mark.parametrize("was", ["device", "person"])
def test_open_decisions_are_told(known: Api, clock: FixedClock, was: str) -> None:
    """One made under an id that the word brings back to life is for that profile then; those sent already are not."""
    alone = judge(known, SPLIT)["judgement_id"]
    made_for = profile(known, TABLET if was == "device" else USER)
    tablet = profile(known, TABLET)
    undo(known, alone)
    person = profile(known, USER)
    decide(known.homing, 1, made_for, ("web_push", "e1"))
    decide(known.homing, 2, made_for, None)
    clock.set(EARLY)
    told = judge(known, SPLIT, dry_run=True)["open_decisions"]
    after = tablet if was == "device" else person
    assert [(each["decision_id"], each["profile_id"], each["profile_id_after"]) for each in told] == [
        ("d1", person, after)
    ]
    clock.set(NOON)
    assert judge(known, SPLIT, dry_run=True)["open_decisions"] == []


def test_without_read_pii_values_are_masked(known: Api) -> None:
    """In what changes, in lists, in explanations and graphs; also the reason somebody wrote."""
    key = known.key(Scope.JUDGE, Scope.READ)
    said = known.post("/v1/judgements", key=key, json=SPLIT | {"reason": "wonjun-kim asked"}).text
    listed = known.get("/v1/judgements", key=key)
    known_as = profile(known, USER)
    why = known.get(f"/v1/profiles/{known_as}/explain", key=key, params={"from": PHONE, "to": TABLET})
    drawn = known.get(f"/v1/profiles/{known_as}/graph", key=key)
    assert (listed.status_code, why.status_code, drawn.status_code) == (200, 200, 200)
    assert listed.json()["judgements"][0]["left"] == ["device_id:ta…"]
    for text in (said, listed.text, why.text, drawn.text):
        assert not [value for value in ("wonjun", "phone-19f", "tablet-7c1") if value in text]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "invalid_json"),
        ({"kind": "divorce"}, 422, "invalid_request"),
        ({"kind": "split"}, 422, "invalid_request"),
        ({"kind": "split", "identifiers": []}, 422, "invalid_request"),
        ({"kind": "split", "identifiers": ["device_id:phone-19f"], "why": "x"}, 422, "invalid_request"),
        ({"kind": "split", "identifiers": ["phone-19f"]}, 422, "invalid_request"),
        ({"kind": "split", "identifiers": ["user_id:undefined"]}, 422, "invalid_identifier"),
        ({"kind": "split", "identifiers": ["user_id:never-seen"]}, 422, "invalid_judgement"),
        ({"kind": "split", "identifiers": [PHONE, TABLET, USER]}, 422, "invalid_judgement"),
        ({"kind": "must_link", "left": PHONE, "right": PHONE}, 422, "invalid_judgement"),
        ({"kind": "must_link", "left": PHONE, "right": "email:nonsense"}, 422, "invalid_identifier"),
    ],
)
def test_what_cannot_be_said_is_told(known: Api, body: Any, status: int, code: str) -> None:
    """Each with its code; nothing is logged."""
    count = logged(known)
    given = {"content": body} if isinstance(body, bytes) else {"json": body}
    answer = known.post("/v1/judgements", key=known.key(), **given)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert logged(known) == count


def test_a_word_that_contradicts_others_is_refused(known: Api) -> None:
    """Two joined by way of a third cannot be parted: 409, tried out or not, and nothing is logged."""
    for left, right in (("user_id:a1", "user_id:b1"), ("user_id:b1", "user_id:c1")):
        judge(known, {"kind": "must_link", "left": left, "right": right})
    count = logged(known)
    body = {"kind": "cannot_link", "left": "user_id:a1", "right": "user_id:c1"}
    for dry_run in (True, False):
        answer = known.post("/v1/judgements", key=known.key(), json=body, params={"dry_run": dry_run})
        assert (answer.status_code, answer.json()["code"]) == (409, "contradiction")
    assert logged(known) == count


def test_only_what_is_in_force_is_undone(known: Api) -> None:
    """404 for an id never given, and for one undone already."""
    said = judge(known, SPLIT)["judgement_id"]
    undo(known, said)
    for unknown in (said, "jdg_never"):
        answer = known.request("DELETE", f"/v1/judgements/{unknown}", key=known.key())
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_judgement")


def test_judging_needs_the_scope_judge(known: Api) -> None:
    """401 without a key, 403 with every other scope."""
    other = known.key(*(scope for scope in Scope if scope is not Scope.JUDGE))
    for method, path in (("GET", ""), ("POST", ""), ("DELETE", "/jdg_1")):
        assert known.request(method, f"/v1/judgements{path}").status_code == 401
        assert known.request(method, f"/v1/judgements{path}", key=other).status_code == 403


def explained(api: Api, left: str, right: str) -> Any:
    """Explain two identifiers, the first one's profile being asked."""
    return get(api, f"/v1/profiles/{profile(api, left)}/explain", **{"from": left, "to": right})


def test_an_explanation_names_the_way_and_its_weakest_cut(known: Api) -> None:
    """From phone to tablet over the login, with what speaks for each step; the tablet's one sighting is the cut."""
    told = explained(known, PHONE, TABLET)
    assert told["together"] is True
    assert [(step["left"], step["right"], step["link"]["sightings"]) for step in told["way"]] == [
        (PHONE, USER, 3),
        (USER, TABLET, 1),
    ]
    assert told["way"][0]["link"]["trust"] == "server"
    assert told["way"][0]["link"]["last_seen"] == "2026-11-14T12:02:00Z"
    assert [(link["left"], link["right"]) for link in told["cut"]["links"]] == [(TABLET, USER)]
    assert told["cut"]["doubt"] == pytest.approx(1 / (1 + 1.5 / 0.5))


def test_an_explanation_names_what_keeps_two_apart(known: Api) -> None:
    """A refused link with the limit that refused it; a judgement by its id; and whom nobody ever saw."""
    take(known.homing, 9, {"userId": "haneul", "context": device("tablet-7c1", "web")})
    refused = explained(known, USER, TABLET)
    assert refused["together"] is False
    assert [reason["why"] for reason in refused["reasons"]] == ["refused"]
    assert refused["way"][0]["link"]["refused"] == "namespace_limit"
    said = judge(known, {"kind": "split", "identifiers": [PHONE]})["judgement_id"]
    parted = explained(known, USER, PHONE)
    assert (parted["reasons"][0]["why"], parted["reasons"][0]["judgement_id"]) == ("judgement", said)
    unknown = explained(known, USER, "device_id:elsewhere")
    assert [reason["why"] for reason in unknown["reasons"]] == ["unknown"]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"from": PHONE}, 422, "invalid_request"),
        ({"from": PHONE, "to": "tablet-7c1"}, 422, "invalid_identifier"),
        ({"from": "device_id:x", "to": "device_id:y"}, 422, "not_of_this_profile"),
    ],
)
def test_what_cannot_be_explained_is_told(known: Api, query: dict[str, str], status: int, code: str) -> None:
    """A part missing, no identifier, two that the profile does not hold; 404 for no profile."""
    answer = known.get(f"/v1/profiles/{profile(known, USER)}/explain", key=known.key(), params=query)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    for path in ("/explain?from=user_id:a&to=user_id:b", "/graph"):
        assert known.get(f"/v1/profiles/nobody{path}", key=known.key()).json()["code"] == "unknown_profile"


def test_a_graph_has_the_profile_s_identifiers_and_links(known: Api) -> None:
    """Node-link data; masked, the nodes are numbered and the shape is the same."""
    path = f"/v1/profiles/{profile(known, USER)}/graph"
    whole, masked = get(known, path), get(known, path, Scope.READ)
    assert {node["id"] for node in whole["nodes"]} == {PHONE, TABLET, USER}
    assert {(edge["source"], edge["target"]) for edge in whole["edges"]} == {(PHONE, USER), (TABLET, USER)}
    assert {node["id"] for node in masked["nodes"]} == {"device_id:1", "device_id:2", "user_id:1"}
    assert len(masked["edges"]) == len(whole["edges"])


def test_a_rebuild_without_words_is_another(known: Api, homing: Homing) -> None:
    """The word itself, not what was left of the folds, is what keeps the tablet apart."""
    judge(known, SPLIT)
    homing.writer.submit(lambda conn: rebuild(conn, homing.people)).result(30)
    (listed,) = get(known, "/v1/judgements", *Scope)["judgements"]
    undo(known, listed["judgement_id"])
    assert profile(known, TABLET) == profile(known, USER)
