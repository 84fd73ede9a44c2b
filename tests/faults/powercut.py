"""The power goes at any moment, in the middle of a write too: what was acknowledged is on the disk that is left.

The disk is `disk.Disk`: it keeps what was synced, and of the rest what chance will. Where SQLite syncs at checkpoints
only (`powercut_normal`), or where nobody listens when a sync fails, acknowledged things must get lost: or this disk is
a better one than the shops'.
"""

import signal
import time
from dataclasses import dataclass

from tests.faults.clients import Clients
from tests.faults.disk import Disk, put_back
from tests.faults.disk_names import missing
from tests.faults.powercut_normal import watch_careless
from tests.faults.programs import Prepare, stuck, wait_until
from tests.faults.proofs import Result, Run
from tests.faults.servers import Server, forked
from tests.faults.shim import environment, preloaded, watch
from tests.faults.stores import KEYS
from tests.faults.tally import Tally
from tests.faults.trials import Trial

CUTS_A_STORE = 20
CONTROL_CUTS = 10

CHANGES = 1_500
"""The power goes at one of so many changes of the disk, counted from the start of the server…"""

MOMENT = 0.3
"""…or within so many seconds after it serves."""

EVERY_THIRD_SYNC = "5 s 3"
"""What the shim is told for syncs to fail with EIO (see shim.c)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """Servers on such disks: what is done to each process, which calls fail, whether it hears of syncs that do."""

    name: str
    prepare: Prepare = watch
    fault: str = ""
    deaf: bool = False


def prove(run: Run) -> list[Result]:
    """Cut the power so many times; as a control that of a careless server."""
    with preloaded():
        tally = _all_cut(run, _Case(name="full"))
        careless = _until_lost(run, _Case(name="normal", prepare=watch_careless))
    return [tally.result("power cut"), careless.result("power cut, synchronous=NORMAL", control=True)]


def prove_failing(run: Run) -> list[Result]:
    """Cut the power of disks whose every third sync fails; as a control that of a server which does not hear of it."""
    with preloaded():
        tally = _all_cut(run, _Case(name="failing", fault=EVERY_THIRD_SYNC))
        deaf = _until_lost(run, _Case(name="deaf", fault=EVERY_THIRD_SYNC, deaf=True))
    return [tally.result("failed syncs, power cut"), deaf.result("failed syncs unheard, power cut", control=True)]


def _all_cut(run: Run, case: _Case) -> Tally:
    tally = Tally()
    for number, cuts in tally.stores(run, run.cycles, CUTS_A_STORE):
        _Store(run, case, number).disturb(tally, cuts)
    return tally


def _until_lost(run: Run, case: _Case) -> Tally:
    """Cut until something is lost; in vain no oftener than the proof itself, which may be a short one."""
    tally = Tally()
    for number, cuts in tally.stores(run, max(run.cycles, CONTROL_CUTS), CUTS_A_STORE):
        _Store(run, case, number).until_lost(tally, cuts)
        if tally.lost:
            break
    return tally


class _Store:
    """One store on a disk whose power goes, its server and its clients."""

    def __init__(self, run: Run, case: _Case, number: int) -> None:
        self._case = case
        self._notes, self._fault = run.folder / "notes", run.folder / "fault"
        name = f"{case.name}-{number}"
        self._trial = Trial(run.folder / name, number, run.chance(name))
        self._server = Server(run.folder, db=self._trial.db, name=f"{name}-server", start=forked(case.prepare))
        self._missing: set[str] = set()

    def disturb(self, tally: Tally, cuts: int) -> None:
        """Cut the power while clients send, let them finish, and judge."""
        with self._clients() as clients:
            self._cuts(tally, cuts)
            if not self._missing:
                self._finish(clients, tally)
        if self._missing:
            self._count(tally)

    def until_lost(self, tally: Tally, cuts: int) -> None:
        """Cut the power while clients send, until something is lost."""
        with self._clients():
            self._cuts(tally, cuts)
        self._count(tally)

    def _clients(self) -> Clients:
        return Clients(lambda: self._server.address, KEYS, self._trial.journal)

    def _cuts(self, tally: Tally, cuts: int) -> None:
        for _ in range(cuts):
            if self._trial.spent or self._missing:
                break
            self._cut(tally)
            tally.cycles += 1

    def _count(self, tally: Tally) -> None:
        tally.acknowledged += len(self._trial.journal.acknowledged)
        tally.lost += len(self._missing)

    def _finish(self, clients: Clients, tally: Tally) -> None:
        tally.took(self._server.serve())
        clients.finish()
        self._server.stop()
        self._trial.judge(tally)

    def _cut(self, tally: Tally) -> None:
        disk = Disk(self._trial.folder, self._notes)
        self._serve_until(self._trial.chance.randint(1, CHANGES) if self._trial.chance.random() < 0.5 else None)
        disk.play()
        put_back(self._trial.folder, disk.cut(self._trial.chance).files)
        self._missing |= missing(self._trial, tally)

    def _serve_until(self, change: int | None) -> None:
        """Serve until that change of the disk, else for a moment; the power may go before it serves."""
        case = self._case
        given = environment(self._trial.folder, self._notes, cut_at=change, fault=self._fault, deaf=case.deaf)
        self._fault.write_text("")
        self._server.begin(given)
        self._server.settle()
        if self._server.program.code() not in {None, -signal.SIGKILL}:
            raise stuck(self._server.program, "did not start on what a cut had left")
        # A server is not expected to start on a disk that fails.
        self._fault.write_text(case.fault)
        if change is None:
            time.sleep(self._trial.chance.uniform(0, MOMENT))
        else:
            wait_until(lambda: self._server.ended() or self._trial.spent, "the power goes")
        self._server.kill()
