"""While its disk is full or fails a server acknowledges nothing it has not kept, answers reads, and is not ready.

Once the disk is well again the same process goes on by itself, or its successor does if it was killed meanwhile.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from errno import EIO, ENOSPC
from pathlib import Path

from tests.faults.clients import Clients, Line
from tests.faults.disk_names import missing
from tests.faults.disk_troubles import Ballast, Told, Traced, Trouble, can_mount, can_trace, small_disk
from tests.faults.hasty import acknowledge_early
from tests.faults.holdings import opened
from tests.faults.oracle import take
from tests.faults.programs import Prepare, wait_until
from tests.faults.proofs import Result, Run
from tests.faults.servers import Server, Start, forked
from tests.faults.shim import preloaded, watch
from tests.faults.stores import KEYS
from tests.faults.tally import Tally
from tests.faults.traffic import Sender, logins
from tests.faults.trials import Trial

OUTAGES_A_STORE = 5
CONTROL_OUTAGES = 1
REFUSALS = 3
"""An outage lasts until so many requests have been refused…"""
READS = 5
"""…and so many reads have been answered."""
KILLED = 0.3
"""So many of the servers are killed before the outage ends."""

_READ = "/v1/profiles?namespace=user_id&value=asked-0"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """A fault, how it is made, and what servers are forked into: a usual one, and a hasty one."""

    fault: str
    way: str
    troubles: Callable[[Path], AbstractContextManager[Sequence[Trouble]]]
    usual: Prepare | None
    hasty: Prepare


def prove_full(run: Run) -> list[Result]:
    """Fill the disk, so many times."""
    if can_mount(run.folder / "probe"):
        return _prove(run, _Case(fault="disk full", way="tmpfs", troubles=_full, usual=None, hasty=acknowledge_early))
    with preloaded():
        return _prove(run, _Case(fault="disk full", way="shim", troubles=_told_full, usual=watch, hasty=watch_hasty))


def prove_errors(run: Run) -> list[Result]:
    """Have the disk fail, so many times."""
    if can_trace():
        return _prove(run, _Case(fault="EIO", way="strace", troubles=_traced, usual=None, hasty=acknowledge_early))
    with preloaded():
        return _prove(run, _Case(fault="EIO", way="shim", troubles=_told_errors, usual=watch, hasty=watch_hasty))


def watch_hasty() -> None:
    """Let this process be told by the shim, and acknowledge before it keeps."""
    watch()
    acknowledge_early()


@contextmanager
def _full(folder: Path) -> Iterator[Sequence[Trouble]]:
    with small_disk(folder):
        yield [Ballast(folder)]


@contextmanager
def _told_full(folder: Path) -> Iterator[Sequence[Trouble]]:
    folder.mkdir(parents=True)
    yield [Told(folder, "wto", ENOSPC)]


@contextmanager
def _traced(folder: Path) -> Iterator[Sequence[Trouble]]:
    folder.mkdir(parents=True)
    yield [Traced(calls, "EIO") for calls in ("fdatasync", "pwrite64", "fdatasync,pwrite64")]


@contextmanager
def _told_errors(folder: Path) -> Iterator[Sequence[Trouble]]:
    folder.mkdir(parents=True)
    yield [Told(folder, calls, EIO) for calls in ("s", "w", "sw")]


def _prove(run: Run, case: _Case) -> list[Result]:
    tally = _all(run, case, run.cycles, forked(case.usual), "usual")
    hasty = _all(run, case, CONTROL_OUTAGES, forked(case.hasty), "hasty")
    return [
        tally.result(f"{case.fault} ({case.way})"),
        hasty.result(f"{case.fault}, acknowledged before commit", control=True),
    ]


def _all(run: Run, case: _Case, cycles: int, start: Start, name: str) -> Tally:
    tally = Tally()
    for number, outages in tally.stores(run, cycles, OUTAGES_A_STORE):
        store = f"{name}-{number}"
        disk = run.folder / f"{store}-disk"
        with case.troubles(disk) as troubles:
            trial = Trial(disk / store, number, run.chance(store))
            server = Server(run.folder, db=trial.db, name=f"{store}-server", start=start)
            _Store(trial, server, troubles).disturb(tally, outages)
    return tally


class _Store:
    """One store on a disk that has outages, its server and its clients."""

    def __init__(self, trial: Trial, server: Server, troubles: Sequence[Trouble]) -> None:
        self._trial = trial
        self._server = server
        self._troubles = troubles
        self._settings = {name: value for trouble in troubles for name, value in trouble.settings.items()}
        self._missing: set[str] = set()

    def disturb(self, tally: Tally, outages: int) -> None:
        """Make outages while clients send, let them finish, and judge."""
        with opened(self._trial.db) as homing:
            take(homing, logins())  # somebody to read of
        self._server.serve(self._settings)
        with Clients(lambda: self._server.address, KEYS, self._trial.journal) as clients:
            for _ in range(outages):
                if self._trial.spent:
                    break
                self._outage(tally)
                tally.cycles += 1
            clients.finish()
            self._server.stop()
        self._missing |= missing(self._trial, tally)
        before = tally.lost
        self._trial.judge(tally)
        # What is missing once is lost, also where another client happens to have sent it again.
        tally.lost = before + len(self._missing)

    def _outage(self, tally: Tally) -> None:
        trouble = self._trial.chance.choice(self._troubles)
        self._trial.more(self._trial.chance.randint(1, 4))
        trouble.begin(self._server.program.pid)
        try:
            wait_until(lambda: self._get("/readyz") == 503, "/readyz is red while the disk is not well")
            self._refuse()
            wrong = [status for status in (self._get(_READ) for _ in range(READS)) if status != 200]
            tally.notes += [f"{self._trial.name}: a read gave {status}" for status in wrong]
            killed = self._trial.chance.random() < KILLED
            if killed:
                self._server.kill()
        finally:
            trouble.end()
        started = time.monotonic()
        if killed:
            self._missing |= missing(self._trial, tally)
            self._server.serve(self._settings)
        wait_until(lambda: self._get("/readyz") == 200, "/readyz is green once the disk is well")
        tally.took(time.monotonic() - started)

    def _refuse(self) -> None:
        refused = self._trial.journal.refused
        enough = refused.total() + REFUSALS
        wait_until(lambda: refused.total() >= enough or self._trial.spent, "requests are refused")

    def _get(self, path: str) -> int:
        address = self._server.address
        assert address is not None
        line = Line()
        status, _ = line.get(address, path, KEYS[Sender.MAILER])
        line.close()
        return status
