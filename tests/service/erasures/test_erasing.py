"""What was erased is found nowhere, does not come back, and leaves everybody else and every fold as they should be."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Connection

from channel_selector.outcomes import OutcomeKind
from identity.erasures import Graves
from identity.identifiers import Identifier
from identity.judgements import JudgementKind
from identity.observations import Trust
from identity.resolve import resolve
from service.clock import FixedClock
from service.erasures import refolding
from service.erasures.erasing import purge
from service.erasures.refolding import Reached, SaidAt
from service.errors import ApiError
from service.folds.verify import verify
from service.judgements.judging import Saying, split_off
from service.judgements.words import read_erasure, read_word
from service.profiles.people import People
from service.store import facts, nodes, purges
from service.store.facts import FactKind
from service.wiring import Homing
from tests.service.erasure import erase
from tests.service.folds.test_rebuild import Shop, again, few, folds, step, strict
from tests.service.harness import NOON

names = st.one_of(
    few.map("user_id:u{}".format),
    few.map("device_id:d{}".format),
    few.map("anonymous_id:b{}".format),
    few.map("email:e{}@example.com".format),
)
erasures = st.tuples(st.just("erase"), st.lists(names, min_size=1, max_size=2), st.booleans(), st.none())
splits = st.tuples(st.just("split"), st.lists(names, min_size=1, max_size=3), st.none(), st.none())


def crowded(seed: int, most: int) -> list[Any]:
    """Give a history of people who share devices and contacts, are judged, and are erased in between.

    Of even seeds they are so few that everything hangs together, of odd ones there are hubs between components.
    """
    chance = Random(seed)
    people = 4 + 10 * (seed % 2)
    kinds = [
        *["event"] * 12,
        "decide",
        "outcome",
        "judge",
        "undo",
        "learn",
        "forget",
        "split",
        "split",
        "erase",
        "erase",
    ]
    return [_drawn(chance, people, "event" if number < most // 3 else chance.choice(kinds)) for number in range(most)]


def _drawn(chance: Random, people: int, kind: str) -> tuple[Any, ...]:
    """Draw one step of a kind."""
    few = chance.randrange
    if kind == "event":
        trust = chance.choice([Trust.ASSERTED, Trust.SERVER, Trust.SERVER])
        return kind, few(60), trust, _drawn_names(chance, people)
    drawn: dict[str, tuple[Any, ...]] = {
        "decide": (few(people), few(4), chance.random() < 0.5),
        "outcome": (few(6), chance.choice(list(OutcomeKind)), few(30)),
        "judge": (few(people), few(people), chance.choice(list(JudgementKind))),
        "undo": (few(4), None, None),
    }
    some = ["user_id:u{}", "device_id:d{}", "anonymous_id:b{}", "email:e{}@example.com"]
    parted = [chance.choice(some).format(few(people)) for _ in range(1 + few(2))]
    drawn |= dict.fromkeys(("split", "erase"), (parted, chance.random() < 0.5, None))
    return (kind, *drawn.get(kind, (None, None, None)))


def _drawn_names(chance: Random, people: int) -> dict[str, str]:
    few = chance.randrange
    mail = f"e{few(max(4, people // 2))}@example.com"
    told = {"user": f"u{few(people)}", "device": f"d{few(people)}", "browser": f"b{few(people)}", "email": mail}
    return {name: value for name, value in told.items() if chance.random() < (0.7 if name == "user" else 0.45)}


def named(text: str) -> Identifier:
    """Read `namespace:value`."""
    namespace, _, value = text.partition(":")
    return Identifier(namespace, value)


class Erasing(Shop):
    """A shop in which people are erased as well."""

    def do(self, number: int, step: tuple[Any, ...]) -> None:
        """Do one step."""
        kind, first, second, _ = step
        if kind == "split":
            saying = Saying(source="analyst", now=self._clock.now())
            self._said(lambda conn: split_off(conn, self._homing.people, list(map(named, first)), saying))
            return
        if kind != "erase":
            super().do(number, step)
            return
        self._clock.advance(timedelta(minutes=7))
        with suppress(ApiError):
            erase(self._homing, *map(named, first), purged=second)


def as_r_says(conn: Connection, homing: Homing) -> None:
    """Hold the nodes against R of the log."""
    doomed = purges.planned(conn, purges.FACTS)
    logged = [f for f in facts.scan(conn) if f.kind is FactKind.MESSAGE and f.seq not in doomed]
    key = homing.people.key
    wanted = resolve(
        [homing.people.observe(facts.message(f)) for f in logged],
        homing.rules,
        [read_word(f) for f in facts.of_kind(conn, FactKind.JUDGEMENT)],
        erasures=[read_erasure(f) for f in facts.of_kind(conn, FactKind.ERASURE)],
        key=key,
    )
    by_identifier = {i: p.profile_id for p in wanted.profiles for i in p.identifiers}
    stored = nodes.find(conn, list(by_identifier))
    assert {i: node.profile_id for i, node in stored.items()} == by_identifier


def whole(conn: Connection, homing: Homing) -> None:
    """Verify the store, folds included."""
    found = verify(conn, People(homing.rules, homing.people.key))
    assert found.faults == ()


def live(folder: Path, done: list[Any]) -> None:
    """Do a history; then the folds are R's and a rebuild's, purged or not, and the store is whole."""
    clock = FixedClock(NOON)
    homing = strict(folder, clock)
    try:
        shop = Erasing(homing, clock)
        for number, each in enumerate(done):
            shop.do(number, each)
        homing.writer.submit(lambda conn: as_r_says(conn, homing)).result(60)
        before = folds(homing)
        again(homing)
        assert folds(homing) == before
        homing.writer.submit(lambda conn: whole(conn, homing)).result(60)
        while homing.writer.submit(purge).result(60):
            pass
        again(homing)
        assert folds(homing) == before
        homing.writer.submit(lambda conn: whole(conn, homing)).result(60)
    finally:
        homing.close()


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(step, splits, erasures), max_size=20))
def test_folds_after_erasures_are_r_s_and_a_rebuild_s(
    tmp_path_factory: pytest.TempPathFactory, done: list[Any]
) -> None:
    """Whatever happened before and after, purged or cut off: to the last row."""
    live(tmp_path_factory.mktemp("store"), done)


@pytest.mark.parametrize("seed", range(6))
def test_so_they_are_where_everybody_shares_something(tmp_path: Path, seed: int) -> None:
    """With hubs, refused links, splits and decisions touched by the erased."""
    live(tmp_path, crowded(seed, 40))


@pytest.mark.parametrize("trust", [Trust.SERVER, Trust.ASSERTED])
def test_a_hub_at_home_elsewhere_stays_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trust: Trust) -> None:
    """Shared or flooded before the erased's neighbour was ever seen with it, though only that one is folded anew."""
    folded: list[Reached] = []
    whole_refold = refolding.refold

    def watched(conn: Connection, people: People, graves: Graves, found: Reached, said: Sequence[SaidAt]) -> Any:
        folded.append(found)
        return whole_refold(conn, people, graves, found, said)

    monkeypatch.setattr(refolding, "refold", watched)
    crowd = [("event", n, trust, {"user": f"u{n}", "device": "d0"}) for n in range(4)]
    near = [("event", 10 + n, Trust.SERVER, {"user": f"u{n}", "device": "d1"}) for n in (3, 4)]
    live(tmp_path, [*crowd, *near, ("erase", ["user_id:u4"], False, None)])
    (found,) = folded
    assert {hub.identifier.value for hub in found.hubs} == {"d0", "t-d0"}
    assert len(found.facts) == 2


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 300))
def test_the_same_of_longer_histories(tmp_path: Path, seed: int) -> None:
    """The same, more often and longer."""
    live(tmp_path, crowded(seed, 80))
