"""SIGKILL at random moments and at named points: what was acknowledged is there, once, and all else as undisturbed."""

import signal
import time
from enum import StrEnum

from tests.faults.clients import Clients
from tests.faults.hasty import acknowledge_early
from tests.faults.programs import wait_until
from tests.faults.proofs import Result, Run
from tests.faults.servers import Server, Start, forked
from tests.faults.stores import KEYS
from tests.faults.tally import Tally
from tests.faults.trials import Trial

KILLS_A_STORE = 20
CONTROL_KILLS = 2
LATEST_START = 0.5
"""Seconds into its start within which a starting server is killed; it takes about so long."""

POINTS = ("before_append", "after_append", "before_seal", "before_commit", "after_commit")
"""Where a server ends itself when it comes there, told by HOMING_FAULT_AT…"""
VISITS = 12
"""…for the so-many-th time at most."""


class Moment(StrEnum):
    """When a server is killed."""

    AT_WORK = "at work"
    STARTING = "starting"
    NAMED = "at a named point"


MOMENTS = (Moment.AT_WORK, Moment.STARTING, Moment.NAMED, Moment.NAMED)
"""How often each is chosen."""


def prove(run: Run) -> list[Result]:
    """Kill servers so many times, and one that acknowledges before it keeps."""
    tally = killed(run, "killed", run.cycles, forked(), MOMENTS)
    careless = killed(run, "careless", CONTROL_KILLS, forked(acknowledge_early), (Moment.AT_WORK,))
    return [tally.result("SIGKILL"), careless.result("SIGKILL, acknowledged before commit", control=True)]


def killed(run: Run, name: str, cycles: int, start: Start, moments: tuple[Moment, ...]) -> Tally:
    """Kill servers, of as many stores as it takes."""
    tally = Tally()
    for number, kills in tally.stores(run, cycles, KILLS_A_STORE):
        trial = Trial(run.folder / f"{name}-{number}", number, run.chance(number))
        with tally.unstuck(trial.name), Server(trial.folder, db=trial.db, start=start) as server:
            _disturb(trial, server, tally, kills, moments)
    return tally


def _disturb(trial: Trial, server: Server, tally: Tally, kills: int, moments: tuple[Moment, ...]) -> None:
    """Kill while clients send, let them finish, and judge."""
    with Clients(lambda: server.address, KEYS, trial.journal) as clients:
        for _ in range(kills):
            if trial.spent:
                break
            _kill(trial, server, tally, trial.chance.choice(moments))
            tally.cycles += 1
        tally.took(server.serve())
        clients.finish()
        code, _ = server.stop()
    tally.stopped(trial.name, code)
    trial.judge(tally)


def _kill(trial: Trial, server: Server, tally: Tally, moment: Moment) -> None:
    if moment is Moment.STARTING:
        server.begin()
        time.sleep(trial.chance.uniform(0, LATEST_START))
        server.kill()
    elif moment is Moment.NAMED:
        point = f"{trial.chance.choice(POINTS)}:{trial.chance.randint(1, VISITS)}"
        server.begin({"HOMING_FAULT_AT": point})
        server.settle()
        wait_until(lambda: server.ended() or trial.journal.done, "a server comes to its named point")
        if not server.ended():
            server.kill()  # nothing is left to send that would lead it there
        elif (code := server.died()) != -signal.SIGKILL:
            tally.notes.append(f"{trial.name}: exit code {code} at {point}")
    else:
        tally.took(server.serve())
        trial.more(trial.chance.randint(1, 4))
        time.sleep(trial.chance.uniform(0, 0.03))
        server.kill()
