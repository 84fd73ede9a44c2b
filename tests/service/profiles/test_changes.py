"""The feed of changes: mergers, splits and ends in order, without gaps, the same after a rebuild; ids last for ever."""

import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy.engine import Connection

from identity.identifiers import Identifier
from identity.judgements import JudgementKind
from identity.observations import Trust
from identity.resolve import resolve
from service.clock import FixedClock
from service.events.observing import Observer
from service.folds.verify import verify
from service.keys import Scope
from service.profiles import finding
from service.profiles.change_answers import feed
from service.profiles.people import People
from service.store import changes, facts, nodes
from service.store.changes import Change, ChangeKind
from service.store.schema import issued
from service.wiring import Homing
from tests.service.customers.world import device
from tests.service.folds.test_rebuild import Shop, again, steps, strict
from tests.service.harness import NOON, Api
from tests.service.judgements.test_judgements import judge, undo
from tests.service.profiles.test_profiles_route import get, take


def profile(api: Api, namespace: str, value: str) -> str:
    """Give the id of the profile that holds an identifier."""
    found: str = get(api, "/v1/profiles", namespace=namespace, value=value)["profile_id"]
    return found


def read(api: Api, **params: Any) -> Any:
    """Read the feed."""
    return get(api, "/v1/changes", Scope.READ, **params)


@pytest.fixture
def split(api: Api) -> Api:
    """Give a store in which a browser became a person's, and a tablet was split off and given back."""
    take(api.homing, 1, {"anonymousId": "b1"})
    take(api.homing, 2, {"userId": "u1", "context": device("tablet-7c1")})
    take(api.homing, 3, {"userId": "u1", "anonymousId": "b1"})
    said = judge(api, {"kind": "split", "identifiers": ["device_id:tablet-7c1"]})
    undo(api, said["judgement_id"])
    return api


def test_mergers_splits_and_what_brought_them_about_are_told(split: Api) -> None:
    """In order: the browser's id, the tablet's split, and its return."""
    told = read(split)
    person = profile(split, "user_id", "u1")
    browser, tablet = told["changes"][0]["absorbed"][0], told["changes"][1]["into"][0]
    shown = [(c["change"], c["profile_id"], c["absorbed"], c["into"], c["because"]) for c in told["changes"]]
    assert shown == [
        ("merged", person, [browser], [], "events"),
        ("split", person, [], [tablet], "judgement"),
        ("merged", person, [tablet], [], "judgement"),
    ]
    assert (told["changes"][0]["at"], told["next_cursor"]) == ("2026-11-16T12:00:00Z", None)
    for old in (browser, tablet):
        assert get(split, f"/v1/profiles/{old}")["profile_id"] == person


def test_the_feed_is_followed_without_gaps(split: Api) -> None:
    """A page at a time, then from where it ended; what comes later comes behind."""
    whole = read(split)
    first = read(split, limit=2)
    rest = read(split, cursor=first["next_cursor"])
    assert first["changes"] + rest["changes"] == whole["changes"]
    assert (first["next_cursor"], rest["next_cursor"]) == (first["after"], None)
    assert read(split, after=rest["after"]) == {"changes": [], "after": rest["after"], "next_cursor": None}
    take(split.homing, 9, {"anonymousId": "b2"})
    take(split.homing, 10, {"userId": "u1", "anonymousId": "b2"})
    (later,) = read(split, after=rest["after"])["changes"]
    assert later["change"] == "merged"
    assert read(split)["changes"] == [*whole["changes"], later]


def test_the_feed_is_the_same_after_a_rebuild(split: Api, homing: Homing) -> None:
    """To the byte, positions included; and the store verifies whole."""
    before = read(split)
    again(homing)
    assert read(split) == before
    with homing.database.transaction(reads=True) as conn:
        assert verify(conn, People(homing.rules, homing.secret.derive("profiles"))).whole


def test_what_an_erasure_destroyed_the_facts_of_is_kept(split: Api, homing: Homing) -> None:
    """Once an erasure stands in the chain, a rebuild leaves what was told up to it, for nothing can tell it again."""
    before = read(split)

    def erase(conn: Connection) -> None:
        conn.exec_driver_sql(
            "INSERT INTO blocks SELECT max(block) + 1, 'erasures', '[]', '[]', digest, link FROM blocks"
        )
        conn.exec_driver_sql("DELETE FROM facts WHERE seq = 1")

    homing.writer.submit(erase).result(10)
    again(homing)
    assert read(split)["changes"] == before["changes"]


def test_what_becomes_a_hub_is_retired(api: Api) -> None:
    """The id founded on it led to its first person; now it answers no more, and the feed says both."""
    take(api.homing, 0, {"context": device("kiosk")})
    kiosk = profile(api, "device_id", "kiosk")
    for number in range(1, 22):
        take(api.homing, number, {"userId": f"u{number}", "context": device("kiosk")})
    told = [each for each in read(api)["changes"] if kiosk in (each["profile_id"], *each["absorbed"])]
    assert [each["change"] for each in told] == ["merged", "retired"]
    assert api.get(f"/v1/profiles/{kiosk}", key=api.key(Scope.READ)).status_code == 404


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("?after=x", 422, "invalid_cursor"),
        ("?after=-1", 422, "invalid_cursor"),
        ("?cursor=9999999999999999999999", 422, "invalid_cursor"),
        ("?limit=0", 422, "invalid_request"),
        ("?limit=501", 422, "invalid_request"),
        ("?after=999999999999999999", 200, None),
    ],
)
def test_what_is_no_position_is_refused(api: Api, query: str, status: int, code: str | None) -> None:
    """422 with what to give instead."""
    answer = api.get(f"/v1/changes{query}", key=api.key(Scope.READ))
    assert (answer.status_code, answer.json().get("code")) == (status, code)


def test_the_feed_needs_the_scope_read(api: Api) -> None:
    """401 without a key, 403 with every other scope."""
    assert api.get("/v1/changes").status_code == 401
    other = api.key(*(scope for scope in Scope if scope is not Scope.READ))
    assert api.get("/v1/changes", key=other).status_code == 403


@settings(max_examples=25, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
def test_every_id_answers_for_ever(tmp_path_factory: pytest.TempPathFactory, done: list[Any]) -> None:
    """After each step of any history every id ever issued answers as DESIGN says, and the feed says what changed."""
    clock = FixedClock(NOON)
    homing = strict(tmp_path_factory.mktemp("store"), clock)
    try:
        shop, position = Shop(homing, clock), 0
        for number, step in enumerate(done):
            shop.do(number, step)
            position = homing.writer.submit(lambda conn, p=position: _followed(conn, homing, p)).result(30)  # type: ignore[misc]  # p is bound now
        ids = homing.writer.submit(lambda conn: _answers(conn, homing)).result(30)
        again(homing)
        assert homing.writer.submit(lambda conn: _answers(conn, homing)).result(30) == ids
    finally:
        homing.close()


class Follower:
    """Knows of every id it heard of whom it stands for, by the feed alone."""

    def __init__(self) -> None:
        self.current: dict[str, str | None] = {}

    def hear(self, change: Change) -> None:
        """Take the next change in."""
        if change.kind is ChangeKind.SPLIT and change.other is not None:
            self.current[change.other] = change.other
        elif change.kind is ChangeKind.RETIRED:
            self._replace(change.profile_id, None)
        elif change.other is not None:
            self._replace(change.other, change.profile_id)
            self.current[change.profile_id] = change.profile_id

    def _replace(self, old: str, new: str | None) -> None:
        self.current.update({known: new for known, now in self.current.items() if now == old})
        self.current[old] = new


def _drawn(chance: random.Random) -> tuple[Any, ...]:
    """Draw a step: an event of few people in any order, a judgement, an undo."""
    draw = chance.random()
    if draw < 0.72:
        who = {
            name: f"{name[0]}{chance.randrange(4)}" for name in ("user", "browser", "device") if chance.random() < 0.45
        }
        who |= {"email": f"e{chance.randrange(4)}@example.com"} if chance.random() < 0.45 else {}
        return "event", chance.randrange(60), chance.choice([Trust.ASSERTED, Trust.SERVER]), who
    if draw < 0.88:
        return "judge", chance.randrange(4), chance.randrange(4), chance.choice(list(JudgementKind))
    return "undo", chance.randrange(4), None, None


def _follow(folder: Path, seed: int, number: int) -> int:
    """Follow the feed through a drawn history; give how often an id was compared with what it answers."""
    clock = FixedClock(NOON)
    homing = strict(folder, clock)
    chance, shop, follower, position, live, compared = random.Random(seed), Shop(homing, clock), Follower(), 0, set(), 0
    try:
        for step in range(number):
            shop.do(step, _drawn(chance))
            told = homing.writer.submit(lambda conn, p=position: changes.after(conn, p, 1_000)).result(30)  # type: ignore[misc]  # p is bound now
            answers = homing.writer.submit(lambda conn: _answers(conn, homing)).result(30)
            for each in told:
                follower.hear(each.change)
                position = each.position
            live |= {known_as for known_as, now in answers.items() if known_as == now}
            for known_as in live:
                assert follower.current.get(known_as, known_as) == answers[known_as], (seed, step)
            compared += len(live)
    finally:
        homing.close()
    return compared


@pytest.mark.parametrize("seed", range(5))
def test_who_follows_the_feed_knows_what_every_id_answers(tmp_path: Path, seed: int) -> None:
    """With late events, hubs, ttl, judgements, undos: for every id that ever stood for a profile, after every step."""
    assert _follow(tmp_path, seed, 25) > 50


@pytest.mark.long
def test_who_follows_the_feed_for_long_still_knows(tmp_path: Path) -> None:
    """The same over 200 longer histories."""
    for seed in range(1_000, 1_200):
        folder = tmp_path / str(seed)
        folder.mkdir()
        assert _follow(folder, seed, 40) > 50, seed


def _followed(conn: Connection, homing: Homing, position: int) -> int:
    """Check what the last step told; give where the feed ends now."""
    answers = _answers(conn, homing)
    told = changes.after(conn, position, 1_000)
    for each in told:
        change = each.change
        match change.kind:
            case ChangeKind.MERGED:
                assert change.other is not None
                assert answers[change.other] == change.profile_id != change.other
            case ChangeKind.SPLIT:
                assert change.other is not None
                assert answers[change.other] == change.other != change.profile_id
            case ChangeKind.RETIRED:
                assert answers[change.profile_id] is None
    assert all(one.position < other.position for one, other in pairwise(told))
    assert len(feed(conn, str(position), 500).changes) <= len(told)
    return told[-1].position if told else position


def _answers(conn: Connection, homing: Homing) -> dict[str, str | None]:
    """Give what each id ever issued answers with; it must be what R says of it."""
    people = homing.people
    answers = {}
    observe = Observer(homing.rules).observe
    logged = [observe(facts.message(f)) for f in facts.scan(conn) if f.kind is facts.FactKind.MESSAGE]
    wanted = resolve(logged, homing.rules, people.words(conn), key=homing.secret.derive("profiles"))
    live = {profile.profile_id for profile in wanted.profiles}
    holder = {i: profile.profile_id for profile in wanted.profiles for i in profile.identifiers}
    for row in list(conn.execute(issued.select())):
        (founder,) = nodes.read(conn, [row.founder])
        given_up = wanted.redirects.get(row.profile_id, holder.get(Identifier(*founder.identifier)))
        expected = row.profile_id if row.profile_id in live else given_up
        view = finding.view(conn, people, row.profile_id)
        answers[row.profile_id] = None if view is None else view.profile.profile_id
        assert answers[row.profile_id] == expected
        assert view is None or view.redirected_from == (None if expected == row.profile_id else row.profile_id)
    assert live <= answers.keys()
    return answers
