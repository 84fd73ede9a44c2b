"""As of a moment a profile is what R makes of the facts known then, whatever came since."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import Connection

from identity.identifiers import Identifier
from identity.judgements import JudgementKind
from identity.observations import Trust
from identity.resolve import resolve
from service.clock import FixedClock
from service.errors import ApiError
from service.events.ingest import ingest
from service.events.messages import Message
from service.events.observing import Observer
from service.judgements import judging
from service.judgements.judging import Saying
from service.keys import Scope
from service.profiles.past import who
from service.store import facts
from service.wiring import Homing
from tests.service.folds.test_rebuild import event, few, strict
from tests.service.folds.test_rebuild import who as named
from tests.service.harness import NOON, Api
from tests.service.profiles.test_profiles_route import get
from tests.strategies import examples

T = TypeVar("T")

DAY = timedelta(days=1)


def known(homing: Homing, message: Message, at: datetime) -> None:
    """Take in an event that came to be known at a moment."""
    some = [replace(message, received_at=at)]
    homing.writer.submit(lambda conn: ingest(conn, homing.people, some)).result(10)


def seen(homing: Homing, number: int, at: datetime, came: datetime | None = None, **names: Any) -> None:
    """Take in an event of a moment, known at once or later; `user`, `browser`, `device`, `email`."""
    message = replace(event(number, 0, Trust.SERVER, names), at=at)
    known(homing, message, at if came is None else came)


def asked(api: Api, path: str, as_of: datetime, **params: Any) -> Any:
    """Give a read as of a moment."""
    return get(api, path, as_of=as_of.isoformat(), **params)


def told(api: Api, namespace: str, value: str, as_of: datetime) -> Any:
    """Show who held an identifier."""
    return asked(api, "/v1/profiles", as_of, namespace=namespace, value=value)


@pytest.fixture
def late(api: Api) -> Api:
    """Give a store in which a login of Monday, told on Wednesday, has merged a tablet of Sunday into a person."""
    seen(api.homing, 1, NOON - 6 * DAY, device="tablet-7c1")
    seen(api.homing, 2, NOON - 6 * DAY, user="wonjun-kim", email="wonjun@example.com")
    seen(api.homing, 3, NOON - 5 * DAY, NOON - 3 * DAY, user="wonjun-kim", device="tablet-7c1")
    return api


def test_a_late_merger_does_not_show_before_it_was_known(late: Api) -> None:
    """On Tuesday the tablet was its own; on Wednesday it is the person's, as today."""
    before, after = (
        told(late, "device_id", "tablet-7c1", NOON - 4 * DAY),
        told(late, "device_id", "tablet-7c1", NOON - 3 * DAY),
    )
    assert {each["namespace"] for each in before["identifiers"]} == {"push_token", "device_id"}
    assert (before["is_person"], after["is_person"]) == (False, True)
    assert before["as_of"] == "2026-11-12T12:00:00Z"
    assert before["profile_id_today"] == after["profile_id"] == after["profile_id_today"] != before["profile_id"]
    today = get(late, "/v1/profiles", namespace="device_id", value="tablet-7c1")
    assert (today["as_of"], today["profile_id_today"]) == (None, None)
    assert after == today | {"as_of": "2026-11-13T12:00:00Z", "profile_id_today": today["profile_id"]}


def test_an_id_absorbed_since_stood_for_itself(late: Api) -> None:
    """Asked for by its id as of Tuesday it is what it was; as of Wednesday it leads to the survivor."""
    before = told(late, "device_id", "tablet-7c1", NOON - 4 * DAY)
    path = f"/v1/profiles/{before['profile_id']}"
    assert asked(late, path, NOON - 4 * DAY) == before
    after = asked(late, path, NOON - 3 * DAY)
    assert (after["redirected_from"], after["profile_id"]) == (before["profile_id"], before["profile_id_today"])
    for part in ("graph", "events"):
        then, now = asked(late, f"{path}/{part}", NOON - 4 * DAY), get(late, f"{path}/{part}")
        assert len(then.get("nodes", then.get("events"))) < len(now.get("nodes", now.get("events")))


def test_a_link_not_known_yet_is_not_explained(late: Api) -> None:
    """On Tuesday the two were never seen together."""
    names = {"from": "device_id:tablet-7c1", "to": "user_id:wonjun-kim"}
    profile_id = told(late, "device_id", "tablet-7c1", NOON)["profile_id"]
    assert asked(late, f"/v1/profiles/{profile_id}/explain", NOON - 3 * DAY, **names)["together"] is True
    then = asked(late, f"/v1/profiles/{profile_id}/explain", NOON - 4 * DAY, **names)
    assert (then["together"], [each["why"] for each in then["reasons"]]) == (False, ["never_seen_together"])


def test_ids_of_one_batch_are_issued(api: Api) -> None:
    """Of events that came together, the profile as of a moment between them answers to its id, too."""
    batch = [
        replace(event(1, 0, Trust.SERVER, {"browser": "b1"}), at=NOON - 2 * DAY, received_at=NOON - 2 * DAY),
        replace(event(2, 0, Trust.SERVER, {"browser": "b1", "user": "u1"}), at=NOON - DAY, received_at=NOON - DAY),
    ]
    api.homing.writer.submit(lambda conn: ingest(conn, api.homing.people, batch)).result(10)
    then = told(api, "anonymous_id", "b1", NOON - 2 * DAY)
    assert asked(api, f"/v1/profiles/{then['profile_id']}", NOON - 2 * DAY) == then
    today = get(api, f"/v1/profiles/{then['profile_id']}")
    assert (today["profile_id"], today["redirected_from"]) == (then["profile_id_today"], then["profile_id"])


def test_what_was_no_hub_then_linked_then(tmp_path: Path, clock: FixedClock) -> None:
    """A phone that three use today was one person's on the first day, and is told so."""
    homing = strict(tmp_path, clock)
    api = Api(homing)
    for number in range(3):
        seen(homing, number, NOON - (6 - number) * DAY, user=f"u{number}", device="kiosk")
    assert told(api, "device_id", "kiosk", NOON - 6 * DAY)["identifiers"][0]["value"] == "u0"
    assert get(api, "/v1/profiles", namespace="user_id", value="u0")["shared"] != []
    assert told(api, "user_id", "u0", NOON - 6 * DAY)["shared"] == []
    api.close()
    homing.close()


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("?namespace=user_id&value=wonjun-kim&as_of=2020-01-01", 404, "not_known_then"),
        ("?namespace=user_id&value=nobody&as_of=2026-11-12", 404, "not_known_then"),
        ("?namespace=user_id&value=undefined&as_of=2026-11-12", 404, "unknown_profile"),
        ("/0123456789abcdef0123456789abcdef?as_of=2026-11-12", 404, "unknown_profile"),
        ("?namespace=user_id&value=wonjun-kim&as_of=yesterday", 422, "invalid_request"),
        ("?namespace=user_id&value=wonjun-kim&as_of=", 422, "invalid_request"),
        ("?namespace=user_id&value=wonjun-kim&as_of=0001-01-01T00:00:00Z", 404, "not_known_then"),
        ("?namespace=user_id&value=wonjun-kim&as_of=9999-12-31T23:59:59Z", 200, None),
    ],
)
def test_what_was_not_known_then_is_told(late: Api, query: str, status: int, code: str | None) -> None:
    """404 with its reason for who was not there yet, 422 for what is no moment."""
    answer = late.get(f"/v1/profiles{query}", key=late.key(Scope.READ))
    assert (answer.status_code, answer.json().get("code")) == (status, code), answer.text


def test_a_list_of_decisions_has_no_as_of(late: Api) -> None:
    """Each decision tells its own time; the parameter is refused rather than passed over."""
    profile_id = told(late, "user_id", "wonjun-kim", NOON)["profile_id"]
    answer = late.get(f"/v1/profiles/{profile_id}/decisions?as_of=2026-11-12", key=late.key(Scope.READ))
    assert (answer.status_code, answer.json()["code"]) == (422, "as_of_unsupported")


facts_known = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 30), st.sampled_from([Trust.ASSERTED, Trust.SERVER]), named),
    min_size=1,
    max_size=10,
)
said = st.lists(st.tuples(st.integers(0, 60), few, few, st.sampled_from(list(JudgementKind))), max_size=2)


@examples(30)
@given(facts_known, said, st.integers(0, 60))
def test_as_of_is_r_of_what_was_known(arrivals: list[Any], words: list[Any], minute: int) -> None:
    """Partition, ids and owners are R's as of any moment, with late facts, hubs, ttl and judgements."""
    with TemporaryDirectory() as folder:
        clock = FixedClock(NOON)
        homing = strict(Path(folder), clock)
        try:
            for number, (at, delay, trust, names) in enumerate(arrivals):
                message = event(number, at, trust, names)
                known(homing, message, message.at + timedelta(minutes=delay))
            for at, user, other, kind in sorted(words, key=lambda word: word[0]):
                saying = Saying(source="analyst", now=NOON - DAY + timedelta(minutes=at))
                _say(homing, kind, (Identifier("user_id", f"u{user}"), Identifier("device_id", f"d{other}")), saying)
            homing.writer.submit(lambda conn: _compare(conn, homing, NOON - DAY + timedelta(minutes=minute))).result(30)
        finally:
            homing.close()


def _say(homing: Homing, kind: JudgementKind, ends: tuple[Identifier, Identifier], saying: Saying) -> None:
    try:
        homing.writer.submit(lambda conn: judging.link(conn, homing.people, kind, ends, saying)).result(10)
    except ApiError as error:
        assert error.code == "contradiction"  # noqa: PT017 - only now and then


def _compare(conn: Connection, homing: Homing, moment: datetime) -> None:
    observe = Observer(homing.rules).observe
    logged = [observe(facts.message(f)) for f in facts.scan(conn) if f.kind is facts.FactKind.MESSAGE]
    key = homing.secret.derive("profiles")
    words = homing.people.words(conn)
    wanted = resolve(logged, homing.rules, words, key=key, as_of=moment)
    looking = who(homing.people, conn, moment)
    held = {identifier for profile in wanted.profiles for identifier in profile.identifiers}
    for profile in wanted.profiles:
        for identifier in profile.identifiers:
            view = looking.profile_of(*identifier)
            assert view.profile == profile
            for fact in view.facts:
                assert fact.owner == wanted.attribution[fact.observation.key]
    for identifier in {i for o in logged for i in o.identifiers} - held:
        assert _refused(lambda i=identifier: looking.profile_of(*i)) == "not_known_then"  # type: ignore[misc]  # bound now


def _refused(ask: Callable[[], object]) -> str:
    with pytest.raises(ApiError) as refusal:
        ask()
    return refusal.value.code


def test_devices_are_shown_as_they_were(api: Api) -> None:
    """What came to be known of devices since does not show either."""
    seen(api.homing, 1, NOON - 2 * DAY, user="u1", device="phone-19f")
    seen(api.homing, 2, NOON - DAY, user="u1", device="tablet-7c1")
    assert len(told(api, "user_id", "u1", NOON - 2 * DAY)["devices"]) == 1
    assert len(told(api, "user_id", "u1", NOON - DAY)["devices"]) == 2
