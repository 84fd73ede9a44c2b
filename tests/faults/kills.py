"""SIGKILL at random moments and at named points: what was acknowledged is there, once, and all else as undisturbed."""

import random
import signal
import time
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from service.rebuild import rebuild
from tests.faults.clients import Clients
from tests.faults.hasty import acknowledge_early
from tests.faults.holdings import Holdings, holdings, opened
from tests.faults.journal import Journal
from tests.faults.judging import Findings, judge
from tests.faults.oracle import undisturbed
from tests.faults.programs import PATIENCE, wait_until
from tests.faults.proofs import Result, Run
from tests.faults.servers import Server, Start, forked
from tests.faults.stores import KEYS, fresh
from tests.faults.traffic import mixed

KILLS_A_STORE = 20
SHOPS = 10
"""So many different shops; each store takes in one of them."""

POINTS = ("before_append", "after_append", "before_commit", "after_commit")
"""Where a server ends itself, told by HOMING_FAULT_AT."""

CONTROL_KILLS = 3


class Moment(StrEnum):
    """When a server is killed."""

    AT_WORK = "at work"
    STARTING = "starting"
    NAMED = "at a named point"


MOMENTS = (Moment.AT_WORK, Moment.STARTING)


@dataclass(slots=True, kw_only=True)
class Tally:
    """What came of the stores so far."""

    kills: int = 0
    acknowledged: int = 0
    lost: int = 0
    twice: int = 0
    same: bool = True
    worst_start: float = 0.0
    notes: list[str] = field(default_factory=list)

    def add(self, name: str, journal: Journal, findings: Findings) -> None:
        """Count one store's findings."""
        self.acknowledged += len(journal.acknowledged)
        self.lost += findings.lost
        self.twice += findings.twice
        self.same = self.same and findings.same
        self.notes += [f"{name}: {wrong}" for wrong in journal.wrong[:3]]
        if not findings.clean:
            self.notes.append(f"{name}: {findings}")

    def result(self, fault: str, *, control: bool = False) -> Result:
        """Give the line of the table."""
        clean = self.lost == 0 and self.twice == 0 and self.same and not self.notes
        return Result(
            fault=fault,
            cycles=self.kills,
            acknowledged=self.acknowledged,
            lost=self.lost,
            twice=self.twice,
            same_digest=self.same,
            worst_seconds=self.worst_start,
            passed=clean,
            notes=() if control else tuple(self.notes),
            control=control,
        )


def prove(run: Run) -> list[Result]:
    """Kill servers so many times, and one that acknowledges before it keeps."""
    tally = killed(run, run.cycles, forked())
    careless = killed(run, CONTROL_KILLS, forked(acknowledge_early), (Moment.AT_WORK,))
    return [tally.result("SIGKILL"), careless.result("SIGKILL, acknowledged before commit", control=True)]


def killed(run: Run, cycles: int, start: Start, moments: tuple[Moment, ...] = MOMENTS) -> Tally:
    """Kill servers of as many stores as it takes."""
    tally, number = Tally(), 0
    while tally.kills < cycles:
        chance = run.chance(number)
        folder = run.folder / f"{'-'.join(m.name.lower() for m in moments)}-{number}"
        store = Store(folder, number % SHOPS, start, chance)
        store.disturb(tally, min(KILLS_A_STORE, cycles - tally.kills), moments)
        run.say(f"{tally.kills:,} of {cycles:,} kills, {tally.acknowledged:,} acknowledged, {tally.lost} lost")
        number += 1
    return tally


class Store:
    """One store, its server and its clients."""

    def __init__(self, folder: Path, shop: int, start: Start, chance: random.Random) -> None:
        self._db = fresh(folder)
        self._name = folder.name
        self._shop = shop
        self._chance = chance
        self._server = Server(folder, db=self._db, start=start)
        self._journal = Journal(mixed(shop, chance), chance)

    def disturb(self, tally: Tally, kills: int, moments: tuple[Moment, ...]) -> None:
        """Kill while clients send, let them finish, and judge."""
        with Clients(lambda: self._server.address, KEYS, self._journal) as clients:
            for _ in range(kills):
                if self._journal.left < KILLS_A_STORE:
                    break
                self._kill(tally, self._chance.choice(moments))
                tally.kills += 1
            self._serve(tally)
            clients.finish()
            code, _ = self._server.stop()
        if code != 0:
            tally.notes.append(f"{self._name}: exit code {code} after SIGTERM")
        held, rebuilt = _held(self._db)
        tally.add(self._name, self._journal, judge(self._journal, held, undisturbed(self._shop)))
        if rebuilt.digest != held.digest:
            tally.notes.append(f"{self._name}: rebuilt, the profiles are others")

    def _kill(self, tally: Tally, moment: Moment) -> None:
        if moment is Moment.STARTING:
            self._server.begin()
            time.sleep(self._chance.uniform(0, 0.5))
            self._server.kill()
        elif moment is Moment.NAMED:
            self._serve(tally, f"{self._chance.choice(POINTS)}:{self._chance.randint(1, 12)}")
            if (code := self._server.died()) != -signal.SIGKILL:
                tally.notes.append(f"{self._name}: exit code {code} at a named point")
        else:
            self._serve(tally)
            enough = self._journal.requests + self._chance.randint(1, 4)
            wait_until(lambda: self._journal.requests >= enough, "requests are acknowledged", PATIENCE)
            time.sleep(self._chance.uniform(0, 0.03))
            self._server.kill()

    def _serve(self, tally: Tally, fault_at: str | None = None) -> None:
        started = time.monotonic()
        self._server.serve({} if fault_at is None else {"HOMING_FAULT_AT": fault_at})
        tally.worst_start = max(tally.worst_start, time.monotonic() - started)


def _held(db: str) -> tuple[Holdings, Holdings]:
    """Give what a store holds as it was left, and once its folds are made again."""
    homing = opened(db)
    try:
        left = holdings(homing)
        homing.writer.submit(lambda conn: rebuild(conn, homing.people)).result(PATIENCE)
        return left, holdings(homing)
    finally:
        homing.close()
