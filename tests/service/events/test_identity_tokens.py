"""A signed identity token makes an event verified, once; whatever else is shown as one takes and gives nothing."""

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import Connection

from identity.observations import Trust
from service.clock import FixedClock
from service.errors import SettingsError
from service.events.identity_tokens import IdentityTokens, Presented
from service.events.ingest import Receipt, admit
from service.events.messages import Message, parse
from service.keys import Scope
from service.settings.settings import load
from service.store import facts, used_tokens
from service.wiring import Homing
from tests.service.customers.world import device
from tests.service.folds.test_rebuild import again, folds
from tests.service.harness import NOON, Api, deployment
from tests.service.profiles.test_profiles_route import get
from tests.strategies import examples

SHARED = "a shared secret of the tests' shop, long enough"
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PEM = PRIVATE.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
KEYS = {
    "HOMING_TOKENS__KEYS__OLD": f'{{ algorithm = "HS256", secret = "{SHARED}" }}',
    "HOMING_TOKENS__KEYS__NEW": f'{{ algorithm = "EdDSA", public_key = """{PEM.decode()}""" }}',
}


@pytest.fixture
def homing(tmp_path: Path, clock: FixedClock) -> Iterator[Homing]:
    """Give a deployment that knows two keys."""
    opened = deployment(tmp_path, clock, KEYS)
    yield opened
    opened.close()


@pytest.fixture
def browser(api: Api) -> str:
    """Give a public key."""
    return api.key(Scope.INGEST, trust=Trust.ASSERTED, name="web", source="web")


def claims(**other: Any) -> dict[str, Any]:
    """Give what a good token says, with some of it otherwise (None: not said)."""
    now = int(NOON.timestamp())
    told = {"aud": "homing", "sub": "wonjun-kim", "anonymous_id": "b1", "iat": now, "exp": now + 600, "jti": "t1"}
    return {name: value for name, value in {**told, **other}.items() if value is not None}


def signed(kid: str = "new", /, **other: Any) -> str:
    """Sign a token."""
    key: Any = PRIVATE if kid == "new" else SHARED
    return jwt.encode(claims(**other), key, algorithm="EdDSA" if kid == "new" else "HS256", headers={"kid": kid})


def send(api: Api, key: str, token: object, name: str = "m1", **event: Any) -> Any:
    """Send one event with a token; give the answer."""
    context = {**event.pop("context", {}), "homing": {"token": token}}
    body = {"event": "Seen", "messageId": name, "anonymousId": "b1", **event, "context": context}
    answer = api.post("/v1/track", key=key, json=body)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["accepted"], told["rejected"]) == (1, [])
    return told


def trusts(homing: Homing) -> list[tuple[str, Trust]]:
    """Give each fact's message id and trust."""
    found = homing.writer.submit(lambda conn: list(facts.scan(conn))).result(10)
    return [(fact.message_id, fact.trust) for fact in found]


@pytest.mark.parametrize("kid", ["old", "new"])
def test_a_good_token_makes_its_event_verified(api: Api, browser: str, homing: Homing, kid: str) -> None:
    """By either algorithm: the subject is the event's user id, and a rebuild finds the same without the token."""
    token = signed(kid)
    assert send(api, browser, token, context=device("phone-19f", token="push-1")) == {
        "success": True,
        "accepted": 1,
        "rejected": [],
    }
    assert trusts(homing) == [("m1", Trust.VERIFIED)]
    found = get(api, "/v1/profiles", namespace="user_id", value="wonjun-kim")
    assert {each["namespace"]: each["trust"] for each in found["identifiers"]} == dict.fromkeys(
        ("user_id", "anonymous_id", "device_id", "push_token"), "verified"
    )
    assert [(each["channel"], each["deliverable"]) for each in found["endpoints"]] == [("app_push", True)]
    before = folds(homing)
    again(homing)
    assert folds(homing) == before
    assert get(api, "/v1/profiles", namespace="user_id", value="wonjun-kim") == found


def test_the_token_is_kept_nowhere(api: Api, browser: str, homing: Homing) -> None:
    """Neither a good one nor a bad one, from whatever key: no file of the store holds its text."""
    good, bad = signed(), signed(jti="t2", aud="others")
    send(api, browser, good)
    send(api, api.key(), bad, "m2")
    assert homing.database.file is not None
    kept = b"".join(path.read_bytes() for path in homing.database.file.parent.glob("homing.db*"))
    assert b"m1" in kept
    assert not [part for token in (good, bad) for part in token.split(".")[1:] if part.encode() in kept]


def _alg_none() -> str:
    return jwt.encode(claims(), "", algorithm="none", headers={"kid": "old"})


def _confused() -> str:
    """Sign with the public key's own text as if it were a shared secret."""
    head = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "kid": "new", "typ": "JWT"}).encode()).rstrip(b"=")
    body = base64.urlsafe_b64encode(json.dumps(claims()).encode()).rstrip(b"=")
    raw = PRIVATE.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    mac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(head + b"." + body, raw)
    return (head + b"." + body + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")).decode()


def _tampered() -> str:
    head, _, signature = signed().split(".")
    body = base64.urlsafe_b64encode(json.dumps(claims(sub="haneul")).encode()).rstrip(b"=").decode()
    return f"{head}.{body}.{signature}"


NOW = int(NOON.timestamp())


@pytest.mark.parametrize(
    ("token", "code"),
    [
        (_alg_none(), "token_signature"),
        (_confused(), "token_signature"),
        (_tampered(), "token_signature"),
        (jwt.encode(claims(), SHARED, algorithm="HS256", headers={"kid": "new"}), "token_signature"),
        (jwt.encode(claims(), SHARED + "!", algorithm="HS256", headers={"kid": "old"}), "token_signature"),
        (jwt.encode(claims(), SHARED * 2, algorithm="HS512", headers={"kid": "old"}), "token_signature"),
        (jwt.encode(claims(), SHARED, algorithm="HS256", headers={"kid": "older"}), "token_key_unknown"),
        (jwt.encode(claims(), SHARED, algorithm="HS256"), "token_key_unknown"),
        (signed(aud="others"), "token_audience"),
        (signed(exp=NOW), "token_expired"),
        (signed(iat=NOW - 900, exp=NOW - 300), "token_expired"),
        (signed(iat=NOW + 31, exp=NOW + 500), "token_early"),
        (signed(nbf=NOW + 31), "token_early"),
        (signed(exp=NOW + 601), "token_long_lived"),
        (signed(iat=NOW, exp=10**17), "token_malformed"),
        (signed(iat="now"), "token_malformed"),
        (signed(anonymous_id="b2"), "token_of_another"),
        *(
            (jwt.encode(claims(**{name: None}), SHARED, headers={"kid": "old"}), "token_malformed")
            for name in ("sub", "anonymous_id", "iat", "exp", "jti")
        ),
        (signed(aud=None), "token_malformed"),
        (signed(sub=" "), "token_malformed"),
        (signed(sub=7), "token_malformed"),
        (signed(jti="j" * 256), "token_malformed"),
        (signed(sub="s" * 5_000), "token_malformed"),
        ("x" * 100_000, "token_malformed"),
        ("a.b.c", "token_malformed"),
        ("", "token_malformed"),
        (7, "token_malformed"),
        ({"token": "x"}, "token_malformed"),
        (["x"] * 40, "token_malformed"),
    ],
)
def test_a_bad_token_leaves_its_event_to_its_key(
    api: Api, browser: str, homing: Homing, token: object, code: str
) -> None:
    """The event is kept as the public key lets it be, the answer says why, and nobody is verified."""
    (warning,) = send(api, browser, token, userId=None)["warnings"]
    assert (warning["index"], warning["messageId"], warning["code"]) == (0, "m1", code), warning
    assert trusts(homing) == [("m1", Trust.ASSERTED)]
    assert b"token" not in homing.writer.submit(lambda conn: facts.read(conn, [1])[0].body).result(10)


def test_a_token_of_one_person_does_not_speak_for_another(api: Api, browser: str, homing: Homing) -> None:
    """An event that names somebody else stays the public key's word, as does one without the bound browser."""
    (warning,) = send(api, browser, signed(), userId="haneul")["warnings"]
    assert warning["code"] == "token_of_another"
    (warning,) = send(api, browser, signed(), "m2", anonymousId=None)["warnings"]
    assert warning["code"] == "token_of_another"
    assert {trust for _, trust in trusts(homing)} == {Trust.ASSERTED}


def test_a_token_counts_once(api: Api, browser: str, homing: Homing, clock: FixedClock) -> None:
    """Another event with it stays asserted; the same one again is known, also once the token has expired."""
    token = signed()
    send(api, browser, token)
    (warning,) = send(api, browser, token, "m2")["warnings"]
    assert warning["code"] == "token_replayed"
    assert "warnings" not in send(api, browser, token)
    clock.advance(timedelta(minutes=11))
    assert "warnings" not in send(api, browser, token)
    (warning,) = send(api, browser, token, "m3")["warnings"]
    assert warning["code"] == "token_expired"
    assert trusts(homing) == [("m1", Trust.VERIFIED), ("m2", Trust.ASSERTED), ("m3", Trust.ASSERTED)]


def test_a_batch_uses_each_token_once(api: Api, browser: str, homing: Homing) -> None:
    """Of events in one batch with the same token the first is verified; each is warned of by its index."""
    one, other = signed(), signed("old", jti="t2")
    events = [
        {"type": "page", "messageId": f"m{n}", "anonymousId": "b1", "context": {"homing": {"token": token}}}
        for n, token in enumerate((one, one, other, "x"))
    ]
    told = api.post("/v1/batch", key=browser, json={"batch": [*events, {"type": "page", "anonymousId": "b1"}]}).json()
    assert [(each["index"], each["code"]) for each in told["warnings"]] == [
        (1, "token_replayed"),
        (3, "token_malformed"),
    ]
    assert [trust for _, trust in sorted(trusts(homing)) if _.startswith("m")] == [
        Trust.VERIFIED,
        Trust.ASSERTED,
        Trust.VERIFIED,
        Trust.ASSERTED,
    ]


def test_what_a_token_does_not_sign_is_not_verified(api: Api, browser: str) -> None:
    """Whoever has a token of their own cannot claim somebody's address, browser or name beside it."""
    server = api.key()
    api.post(
        "/v1/identify", key=server, json={"userId": "victim", "anonymousId": "b9", "traits": {"email": "v@example.com"}}
    )
    send(
        api,
        browser,
        signed(),
        previousId="b9",
        context={
            "traits": {"email": "v@example.com"},
            "externalIds": [
                {"type": "user_id", "id": "victim", "collection": "users", "encoding": "none"},
                {"type": "crm", "id": "victim", "collection": "users", "encoding": "none"},
            ],
        },
    )
    mine = get(api, "/v1/profiles", namespace="user_id", value="wonjun-kim")
    assert {each["value"] for each in mine["identifiers"]} == {"wonjun-kim", "b1"}
    theirs = get(api, "/v1/profiles", namespace="email", value="v@example.com")
    assert {each["value"] for each in theirs["identifiers"]} == {"victim", "b9", "v@example.com"}


def test_an_address_that_a_token_signs_is_verified(api: Api, browser: str, homing: Homing) -> None:
    """Signed beside the subject, and said by the event, it is deliverable; another one than the event's is not."""
    send(api, browser, signed(email="Wonjun@example.com"), context={"traits": {"email": "wonjun@example.com"}})
    found = get(api, "/v1/profiles", namespace="email", value="wonjun@example.com")
    assert [(each["channel"], each["deliverable"]) for each in found["endpoints"]] == [("email", True)]
    send(api, browser, signed(jti="t2", email="w@example.com"), "m2", context={"traits": {"email": "z@example.com"}})
    answer = api.get("/v1/profiles", key=api.key(), params={"namespace": "email", "value": "z@example.com"})
    assert answer.status_code == 404


def test_a_client_cannot_say_that_it_was_proven(api: Api, browser: str, homing: Homing) -> None:
    """What stands in the log in a token's place makes nobody verified when a client says it."""
    body = {"event": "Seen", "messageId": "m1", "anonymousId": "b1", "context": {"homing": {"proven": ["user_id"]}}}
    api.post("/v1/track", key=browser, json=body)
    assert trusts(homing) == [("m1", Trust.ASSERTED)]


def test_without_keys_a_token_is_only_taken_out(tmp_path: Path, clock: FixedClock) -> None:
    """Where no key is set the event is kept, and the answer says so."""
    homing = deployment(tmp_path, clock)
    api = Api(homing)
    (warning,) = send(api, api.key(), signed())["warnings"]
    assert warning["code"] == "token_unwanted"
    assert trusts(homing) == [("m1", Trust.SERVER)]
    api.close()
    homing.close()


def presented(tokens: IdentityTokens, token: str, name: str = "m1") -> Presented:
    """Read an event with a token."""
    raw = {"type": "page", "messageId": name, "anonymousId": "b1", "context": {"homing": {"token": token}}}

    def read(event: object, *, trust: Trust) -> Any:
        return parse(event, route_type=None, source="web", trust=trust, received_at=NOON, sent_at=None)

    own = read(raw, trust=Trust.ASSERTED)
    assert isinstance(own, Message)
    return tokens.present(raw, own, read)


def test_used_tokens_are_forgotten_once_expired(homing: Homing, clock: FixedClock) -> None:
    """An hour after a token has expired it is refused for that, and needs to be remembered no more."""
    event = presented(homing.tokens, signed())

    def job(conn: Connection) -> tuple[list[Receipt], int, int]:
        taken = admit(conn, homing.people, [event, event])
        early, late = (used_tokens.forget(conn, NOON + timedelta(minutes=minutes)) for minutes in (69, 71))
        return [each.receipt for each in taken], early, late

    assert homing.writer.submit(job).result(10) == ([Receipt.ACCEPTED, Receipt.DUPLICATE], 0, 1)


@examples(20)
@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda b: base64.urlsafe_b64encode(b).decode()))
def test_no_text_is_a_token_by_chance(text: str) -> None:
    """Whatever stands there, alone or in a token's parts, is a fault and no error."""
    keys = load(flags={}, environment=KEYS, config=None).settings.tokens.keys
    tokens = IdentityTokens("homing", keys)
    head, body, signature = signed().split(".")
    for token in (text, f"{text}.{body}.{signature}", f"{head}.{text}.{signature}", f"{head}.{body}.{text}"):
        assert token == signed() or presented(tokens, token).fault is not None


@pytest.mark.parametrize(
    "key",
    [
        '{ algorithm = "HS256", secret = "too short" }',
        '{ algorithm = "HS512", secret = "a shared secret of the tests, long enough" }',
        '{ algorithm = "none" }',
        '{ algorithm = "EdDSA", public_key = "AAAA" }',
        '{ algorithm = "EdDSA", secret = "a shared secret of the tests, long enough" }',
        '{ algorithm = "EdDSA", public_key = "" }',
        '{ algorithm = "HS256", secret = "a shared secret of the tests, long enough", kid = "k" }',
        "long enough but no table at all, which it must be",
    ],
)
def test_a_key_that_cannot_be_is_refused_unseen(key: str) -> None:
    """The setting's name and what is allowed are told, and not what was given."""
    with pytest.raises(SettingsError, match=r"HOMING_TOKENS__KEYS__K1") as refused:
        load(flags={}, environment={"HOMING_TOKENS__KEYS__K1": key}, config=None)
    assert "long enough" not in str(refused.value)
    assert "Ed25519" in str(refused.value)


def test_keys_are_hidden_and_wrong_ones_refused() -> None:
    """`config show` tells that a key is there, and never what it is."""
    shown = {one.key: one.value for one in load(flags={}, environment=KEYS, config=None).shown}
    assert shown["tokens.keys.old"] == shown["tokens.keys.new"] == "(hidden)"
    assert SHARED not in repr(load(flags={}, environment=KEYS, config=None))
