"""Other rules come into force at once: until then the former ones answer, then it is as if folded from the first."""

from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import inspect, select

from identity.loaded_rules import load_rules
from identity.rules import LinkingRules
from service.clock import FixedClock
from service.folds import rules_to_come
from service.folds.keep_rules import bring_in, keep_rules
from service.folds.rules_to_come import Folded
from service.folds.verify import verify
from service.profiles import finding
from service.profiles.people import People
from service.profiles.profile_view import ProfileView
from service.store import chain, statements
from service.store.chain import BlockKind
from service.store.schema import former_ids
from service.wiring import Homing
from tests.service.folds.test_rebuild import HISTORY, Shop, again, folds, steps, strict
from tests.service.harness import NOON, Api, deployment

APART = load_rules({"hub_limit": 1, "namespaces": {"device_id": {"limit": 1}}, "device_owner": "newest_login"})


def job(homing: Homing, work: Any) -> Any:
    """Run a job of the writer."""
    return homing.writer.submit(work).result(30)


def slowly(homing: Homing) -> Homing:
    """Let each step fold one block of the chain."""
    homing.rules_to_come._elapsed = count(step=1_000).__next__
    homing.rules_to_come._last = 0
    return homing


def step(homing: Homing) -> Folded | None:
    """Fold a little more."""
    found: Folded | None = job(homing, homing.rules_to_come.step)
    return found


def profiles(homing: Homing) -> list[Any]:
    """Read who is who."""
    return [row[1:5] for row in folds(homing)["nodes"]]


few = steps.map(lambda some: some[:8])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=few, during=few, after=few)
def test_other_rules_are_in_force_as_if_folded_from_the_first(
    tmp_path_factory: pytest.TempPathFactory, before: list[Any], during: list[Any], after: list[Any]
) -> None:
    """Whatever came in before, while the log was folded, and since, with caches lost in between."""
    clock = FixedClock(NOON)
    homing = slowly(strict(tmp_path_factory.mktemp("store"), clock))
    try:
        shop = Shop(homing, clock)
        numbers = count()
        for each in before:
            shop.do(next(numbers), each)
        assert job(homing, lambda conn: rules_to_come.want(conn, APART))
        for each in during:
            shop.do(next(numbers), each)
            if next(numbers) % 3 == 0:
                homing.rules_to_come._people = homing.rules_to_come._at = None
            step(homing)
        list(bring_in(homing, sleep=lambda _: None))
        for each in after:
            shop.do(next(numbers), each)
        job(homing, homing.people.begin)
        assert homing.rules == APART
        made = folds(homing)
        again(homing)
        assert folds(homing) == made
    finally:
        homing.close()


def test_the_former_rules_answer_until_the_switch(tmp_path: Path, clock: FixedClock) -> None:
    """Profiles stay as they are, and what comes in is taken in under the former rules; then all is under the others."""
    homing = slowly(strict(tmp_path, clock))
    shop = Shop(homing, clock)
    for number, each in enumerate(HISTORY):
        shop.do(number, each)
    former, rules = profiles(homing), homing.rules
    assert job(homing, lambda conn: rules_to_come.want(conn, APART))
    told = [step(homing) for _ in range(5)]
    assert [each.block for each in told if each is not None] == [1, 2, 3, 4, 5]
    assert (profiles(homing), homing.rules) == (former, rules)
    for found in bring_in(homing, sleep=lambda _: None):
        assert (homing.rules == APART) == found.done
    assert homing.rules == APART
    assert profiles(homing) != former
    assert step(homing) is None
    assert not job(homing, lambda conn: rules_to_come.want(conn, APART))
    homing.close()


def test_a_store_opened_again_goes_on_where_it_was(tmp_path: Path, clock: FixedClock) -> None:
    """What was folded is not folded again; wanting the same changes nothing, wanting others begins anew."""
    homing = slowly(strict(tmp_path, clock))
    shop = Shop(homing, clock)
    for number, each in enumerate(HISTORY):
        shop.do(number, each)
    job(homing, lambda conn: rules_to_come.want(conn, APART))
    for _ in range(4):
        step(homing)
    homing.close()
    homing = slowly(strict(tmp_path, clock))
    assert job(homing, lambda conn: rules_to_come.want(conn, APART))
    found = step(homing)
    assert found is not None
    assert found.block == 5
    job(homing, lambda conn: rules_to_come.want(conn, LinkingRules()))
    assert job(homing, rules_to_come.progress).block == 0
    assert job(homing, rules_to_come.give_up)
    assert not job(homing, rules_to_come.give_up)
    assert not job(homing, lambda conn: [n for n in inspect(conn).get_table_names() if n.startswith(statements.NEXT)])
    homing.close()


def test_ids_of_former_rules_answer_for_ever(tmp_path: Path, clock: FixedClock) -> None:
    """Each id issued leads to the profile that holds its founder, after a switch, a rebuild, and back again."""
    homing = strict(tmp_path, clock)
    shop = Shop(homing, clock)
    for number, each in enumerate(HISTORY):
        shop.do(number, each)
    issued = {row[0]: row[1] for row in folds(homing)["issued"]}
    founders = {row[0]: row[1:3] for row in folds(homing)["nodes"]}
    first = homing.rules
    for rules in (APART, LinkingRules(), first):
        job(homing, lambda conn, rules=rules: rules_to_come.want(conn, rules))
        assert [each.done for each in bring_in(homing, sleep=lambda _: None)][-1]
        for _ in range(2):
            held = {row[1:3]: row[4] for row in folds(homing)["nodes"]}
            for old, founder in issued.items():
                view: ProfileView | None = job(homing, lambda conn, old=old: finding.view(conn, homing.people, old))
                assert (None if view is None else view.profile.profile_id) == held[founders[founder]]
                assert view is None or view.redirected_from == (None if view.profile.profile_id == old else old)
            left = job(homing, lambda conn: {row.profile_id for row in conn.execute(select(former_ids))})
            assert left.isdisjoint(row[0] for row in folds(homing)["issued"])
            again(homing)
            assert job(homing, lambda conn: {row.profile_id for row in conn.execute(select(former_ids))}) == left
    homing.close()


def test_an_erasure_lets_the_folds_to_come_begin_anew(tmp_path: Path, clock: FixedClock) -> None:
    """Nothing that was folded before it is kept; and nothing happens where no folds are made."""
    homing = slowly(strict(tmp_path, clock))
    shop = Shop(homing, clock)
    for number, each in enumerate(HISTORY):
        shop.do(number, each)
    job(homing, rules_to_come.start_over)
    assert job(homing, rules_to_come.progress) is None
    job(homing, lambda conn: rules_to_come.want(conn, APART))
    for _ in range(3):
        step(homing)
    job(homing, lambda conn: chain.note(conn, BlockKind.ERASURES, [(99, bytes(32))]))
    blocks = [each.block for each in bring_in(homing, sleep=lambda _: None)]
    assert 0 in blocks
    assert blocks[-1] == len(blocks[blocks.index(0) :]) - 1
    homing.close()


def test_who_serves_brings_the_rules_of_the_settings_into_force(tmp_path: Path, clock: FixedClock) -> None:
    """While it is served, and says how far it is; what is learned and kept of customers goes by them, too."""
    homing = deployment(tmp_path, clock)
    shop = Shop(homing, clock)
    for number, each in enumerate(HISTORY):
        shop.do(number, each)
    homing.close()
    homing = slowly(strict(tmp_path, clock))
    api = Api(homing)
    assert api.get("/readyz").json() == {"status": "ready"}
    job(homing, lambda conn: rules_to_come.want(conn, homing.wanted))
    step(homing)
    share = homing.rules_to_come.last
    assert share is not None
    assert api.get("/readyz").json() == {"status": "ready", "rules": {"resolved": round(share.share, 4)}}
    assert f"homing_rules_resolved {share.share}" in api.get("/metrics").text
    assert homing.customer_rules.linking is homing.rules
    api.run(keep_rules(homing))
    assert homing.rules == homing.wanted
    assert homing.customer_rules.linking is homing.rules
    assert "homing_rules_resolved 1.0" in api.get("/metrics").text
    api.run(keep_rules(homing))
    api.close()
    homing.close()


def test_a_switched_store_is_whole(tmp_path: Path, clock: FixedClock) -> None:
    """`verify` finds the folds to follow from the logs, under the rules in force."""
    homing = strict(tmp_path, clock)
    shop = Shop(homing, clock)
    for number, each in enumerate(HISTORY):
        shop.do(number, each)
    job(homing, lambda conn: rules_to_come.want(conn, APART))
    list(bring_in(homing, sleep=lambda _: None))
    with homing.database.transaction(reads=True) as conn:
        found = verify(conn, People(APART, homing.secret.derive("profiles")))
    assert found.whole, found.faults
    homing.close()
