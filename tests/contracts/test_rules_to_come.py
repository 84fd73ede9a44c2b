"""Other rules come into force in a store of either kind, for all who work on it, and whoever dies on the way."""

import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from identity.loaded_rules import load_rules
from identity.observations import Trust
from service.clock import FixedClock
from service.events.ingest import ingest
from service.folds import rules_to_come
from service.folds.keep_rules import bring_in
from service.store import faults, locks
from service.wiring import Homing
from tests.service.folds.test_rebuild import HISTORY, Shop, again, event, folds
from tests.service.folds.test_rules_to_come import APART, job, slowly, step
from tests.service.harness import SECRET, deployment

ROOT = Path(__file__).parents[2]
TRUSTS = (Trust.ASSERTED, Trust.SERVER)


def shopped(homing: Homing, clock: FixedClock) -> Shop:
    """Give a shop after its history."""
    shop = Shop(homing, clock)
    for number, each in enumerate(HISTORY):
        shop.do(number, each)
    return shop


def test_other_rules_come_into_force(homing: Homing, clock: FixedClock) -> None:
    """Twice, since indexes have names: who is who is then what a rebuild makes of it, and takes in what comes."""
    shop = shopped(homing, clock)
    for number, rules in enumerate((APART, load_rules({"hub_limit": 2}), APART)):
        assert job(homing, lambda conn, rules=rules: rules_to_come.want(conn, rules))
        assert [each.done for each in bring_in(slowly(homing), sleep=lambda _: None)][-1]
        assert homing.rules == rules
        for place, each in enumerate(HISTORY):
            shop.do(100 * (number + 1) + place, each)
        made = folds(homing)
        again(homing)
        assert folds(homing) == made


def test_replicas_go_by_the_rules_in_force(postgresql_store: str, tmp_path: Path, clock: FixedClock) -> None:
    """One makes the folds, the other does not; from the switch on both go by the same rules, in one transaction."""
    one, other = (slowly(deployment(tmp_path, clock, url=postgresql_store)) for _ in range(2))
    shop, beside = shopped(one, clock), Shop(other, clock)
    job(other, lambda conn: rules_to_come.want(conn, APART))
    with one.database.transaction() as held:
        assert locks.try_once(held, rules_to_come._MAKER)
        waits = step(other)
        assert waits is not None
        assert (waits.waits, waits.block) == (True, 0)
    numbers = count(1_000)
    while (found := step(other)) is not None and not found.done:
        if found.block < 5:
            shop.do(next(numbers), HISTORY[found.block])
    beside.do(next(numbers), HISTORY[2])
    shop.do(next(numbers), HISTORY[3])
    assert one.rules == other.rules == APART
    made = folds(one)
    again(other)
    assert folds(other) == made
    one.close()
    other.close()


def test_replicas_go_on_while_others_switch(postgresql_store: str, tmp_path: Path, clock: FixedClock) -> None:
    """Two that write and one that brings rules in, all at once: nothing fails, nothing is lost, nothing is twice."""
    replicas = [deployment(tmp_path, clock, url=postgresql_store) for _ in range(3)]
    done = threading.Event()
    failed: list[BaseException] = []

    def write(homing: Homing, first: int) -> None:
        try:
            for number in count(first):
                who = {"user": f"u{number % 5}", "device": f"d{number % 7}", "browser": f"b{number % 3}"}
                message = event(number, number % 50, TRUSTS[number % 2], who)
                homing.writer.submit(partial(ingest, people=homing.people, messages=[message])).result(60)
                time.sleep(0.005)
                if done.is_set() and number > first + 30:
                    return
        except BaseException as error:  # noqa: BLE001 - it is raised in the test
            failed.append(error)

    threads = [threading.Thread(target=write, args=(replicas[n], 10_000 * n)) for n in range(2)]
    for thread in threads:
        thread.start()
    for rules in (APART, load_rules({"hub_limit": 2})):
        replicas[2].writer.submit(partial(rules_to_come.want, rules=rules)).result(60)
        list(bring_in(replicas[2], sleep=lambda _: None))
    done.set()
    for thread in threads:
        thread.join(60)
    assert not failed, failed
    made = folds(replicas[0])
    assert replicas[0].rules == replicas[2].rules
    again(replicas[1])
    assert folds(replicas[1]) == made
    for each in replicas:
        each.close()


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """Give a file of other rules."""
    path = tmp_path / "other.toml"
    path.write_text('hub_limit = 1\ndevice_owner = "newest_login"\n[namespaces.device_id]\nlimit = 1\n')
    return path


@pytest.mark.parametrize("point", ["after_switch", "in_force"])
def test_whoever_is_killed_on_the_way_leaves_a_whole_store(
    point: str, store: str, tmp_path: Path, rules: Path, clock: FixedClock
) -> None:
    """The store goes by the former rules until the switch is committed, then by the others; nothing is half done."""
    homing = deployment(tmp_path, clock, url=store)
    shopped(homing, clock)
    former, in_force = folds(homing), homing.rules
    homing.close()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HOMING_")}
    environment |= {"HOMING_SECRET": SECRET, "PYTHONPATH": str(ROOT), faults.VARIABLE: point}
    command = [
        sys.executable,
        "-c",
        "from service.cli import main; main()",
        "rules",
        "apply",
        str(rules),
        "--db",
        store,
    ]
    killed = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, check=False)  # noqa: S603 - our own program
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    homing = deployment(tmp_path, clock, url=store)
    switched = point != "after_switch"
    assert homing.rules == (APART if switched else in_force)
    assert (folds(homing) == former) != switched
    assert job(homing, lambda conn: rules_to_come.want(conn, APART)) != switched
    assert switched or [each.done for each in bring_in(homing, sleep=lambda _: None)][-1]
    made = folds(homing)
    again(homing)
    assert folds(homing) == made
    homing.close()
