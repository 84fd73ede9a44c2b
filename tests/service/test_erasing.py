"""What was erased is found nowhere, does not come back, and leaves everybody else and every fold as they should be."""

from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Connection

from identity.erasures import tombstone
from identity.identifiers import Identifier
from identity.observations import Trust
from identity.resolve import resolve
from service.clock import FixedClock
from service.erasing import purge
from service.errors import ApiError
from service.ingest import Receipt, ingest
from service.judging import Saying, split_off
from service.people import People
from service.store import facts, nodes, purges
from service.store.facts import FactKind
from service.verify import verify
from service.wiring import Homing
from service.words import read_erasure, read_word
from tests.service.erasure import erase, files_with, rows_with
from tests.service.harness import NOON
from tests.service.test_rebuild import Shop, again, event, few, folds, step, strict, who

names = st.one_of(
    few.map("user_id:u{}".format),
    few.map("device_id:d{}".format),
    few.map("anonymous_id:b{}".format),
    few.map("email:e{}@example.com".format),
)
erasures = st.tuples(st.just("erase"), st.lists(names, min_size=1, max_size=2), st.booleans(), st.none())
splits = st.tuples(st.just("split"), st.lists(names, min_size=1, max_size=3), st.none(), st.none())
logins = st.tuples(
    st.just("event"),
    st.integers(0, 60),
    st.sampled_from([Trust.ASSERTED, Trust.SERVER, Trust.SERVER]),
    st.fixed_dictionaries(
        {"user": few.map("u{}".format)},
        optional={"device": few.map("d{}".format), "email": few.map("e{}@example.com".format)},
    ),
)
"""Where people are few and share devices, there are hubs and refused links."""


@st.composite
def history(draw: st.DrawFn, most: int) -> list[Any]:
    """Give a history in which people are known, judged, and then erased, and others go on."""
    begun = draw(st.lists(st.one_of(logins, step), min_size=most // 3, max_size=most // 3))
    judged = draw(st.lists(st.one_of(splits, step), max_size=most // 6))
    return [*begun, *judged, *draw(st.lists(st.one_of(erasures, logins, splits, step), min_size=1, max_size=most // 2))]


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


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history(30))
def test_folds_after_erasures_are_r_s_and_a_rebuild_s(
    tmp_path_factory: pytest.TempPathFactory, done: list[Any]
) -> None:
    """Whatever happened before and after, purged or cut off: to the last row."""
    live(tmp_path_factory.mktemp("store"), done)


@pytest.mark.long
@settings(max_examples=1_000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history(60))
def test_the_same_of_longer_histories(tmp_path_factory: pytest.TempPathFactory, done: list[Any]) -> None:
    """The same, more often and longer."""
    live(tmp_path_factory.mktemp("store"), done)
