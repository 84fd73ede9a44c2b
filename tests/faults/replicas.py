"""Three replicas on one PostgreSQL, which is stopped at once or of which one is killed: nothing lost, nothing twice.

No client is shown anything but a request to come again, and any replica gives the same answer, never an old one.
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from functools import partial

import orjson

from benchmarks.load import Address
from tests.faults.clients import Clients, Line
from tests.faults.deaf import hear_nothing
from tests.faults.hasty import acknowledge_early
from tests.faults.kills import POINTS, VISITS
from tests.faults.oracle import undisturbed_of
from tests.faults.probe import STALE_SECONDS, Probe
from tests.faults.proofs import Result, Run
from tests.faults.servers import Server, Start, forked
from tests.faults.stores import KEYS, prepare
from tests.faults.tally import Tally
from tests.faults.traffic import Sender, events, mixed
from tests.faults.trials import Trial
from tests.postgres import PostgresServer

REPLICAS = 3
FAULTS_A_STORE = 4
CONTROL_FAULTS = 1
SENT = 400
"""So many of a shop's events are sent, a part of them before each fault, so that there is always load."""
PAUSE = (0.05, 0.6)
"""Seconds from there to the fault, at least and at most."""
LONG_OUTAGE = 6.5
"""Seconds, longer than a writer waits before it tells its clients; one outage in eight is that long."""
COMPARED = 15
"""So many people are asked for at each replica in the end."""
PEACE_SECONDS = 300.0


class Fault(StrEnum):
    """What happens."""

    STOP = "PostgreSQL is stopped"
    KILL = "a replica is killed"
    NONE = "nothing"


def prove_stops(run: Run) -> list[Result]:
    """Stop PostgreSQL so many times; the control's replicas do not listen to each other."""
    tally = disturbed(run, "stopped", run.cycles, forked(), (Fault.STOP,))
    deaf = disturbed(run, "deaf", CONTROL_FAULTS, forked(hear_nothing), (Fault.NONE,))
    return [
        tally.result("PostgreSQL stopped, 3 replicas"),
        deaf.result("replicas that hear nothing of each other", control=True),
    ]


def prove_kills(run: Run) -> list[Result]:
    """Kill replicas, and stop PostgreSQL between; the control's replicas acknowledge before they keep."""
    tally = disturbed(run, "killed", run.cycles, forked(), (Fault.KILL, Fault.KILL, Fault.STOP))
    careless = disturbed(run, "careless", CONTROL_FAULTS, forked(acknowledge_early), (Fault.KILL,))
    return [
        tally.result("SIGKILL of a replica, 3 replicas"),
        careless.result("SIGKILL of a replica, acknowledged before commit", control=True),
    ]


def disturbed(run: Run, name: str, cycles: int, start: Start, faults: Sequence[Fault]) -> Tally:
    """Disturb as many stores as it takes, on one PostgreSQL that keeps its word."""
    tally = Tally()
    with PostgresServer(fsync=True) as postgres:
        for number, count in tally.stores(run, cycles, FAULTS_A_STORE):
            db = postgres.url_of(postgres.create())
            prepare(db)
            trial = Trial(run.folder / f"{name}-{number}", number, run.chance(number), db=db, requests=())
            with tally.unstuck(trial.name), replicas(trial, start) as servers:
                _disturb(trial, servers, tally, count, partial(_let_happen, faults, servers, postgres, trial.chance))
        if (deadlocks := postgres.log().count("deadlock detected")) > 0:
            tally.notes.append(f"PostgreSQL's log tells of {deadlocks} deadlocks")
    return tally


@contextmanager
def replicas(trial: Trial, start: Start) -> Iterator[list[Server]]:
    """Give replicas that serve."""
    with ExitStack() as stack:
        servers = [
            stack.enter_context(Server(trial.folder, db=trial.db, name=f"replica-{number}", start=start))
            for number in range(REPLICAS)
        ]
        for server in servers:
            server.begin()
        for server in servers:
            server.ready()
        yield servers


def _disturb(trial: Trial, servers: list[Server], tally: Tally, count: int, happen: Callable[[], None]) -> None:
    probe = Probe(servers, trial.journal, trial.chance)
    some = events(trial.shop)[:SENT]
    requests = mixed(trial.shop, trial.chance, some=some)
    share = len(requests) // (count + 1)
    with Clients(lambda: _any(servers, trial.chance), KEYS, trial.journal) as clients, probe:
        for part in range(count):
            trial.journal.add(requests[part * share : (part + 1) * share])
            time.sleep(trial.chance.uniform(*PAUSE))
            happen()
            tally.cycles += 1
        trial.journal.add(requests[count * share :])
        clients.finish(PEACE_SECONDS)
    tally.took(probe.stalest)
    if probe.stalest > STALE_SECONDS or probe.reads == 0:
        tally.notes.append(f"{trial.name}: stale {probe.stalest:.2f} s after, in {probe.reads} reads")
    if not _alike(servers, trial.shop):
        tally.notes.append(f"{trial.name}: the replicas give different answers")
    for server in servers:
        tally.stopped(trial.name, server.stop()[0])
    trial.judge(tally, undisturbed_of([*some, *probe.written]))


def _let_happen(
    faults: Sequence[Fault], servers: Sequence[Server], postgres: PostgresServer, chance: random.Random
) -> None:
    fault = chance.choice(faults)
    if fault is Fault.STOP:
        postgres.stop("immediate")
        time.sleep(LONG_OUTAGE if chance.random() < 1 / 8 else chance.uniform(0, 1))
        postgres.start()
    elif fault is Fault.KILL:
        server = chance.choice(servers)
        server.kill()
        time.sleep(chance.uniform(0, 0.3))
        if chance.random() < 1 / 2:
            # It comes back to end itself at a named point, as after a commit of which nobody was told.
            server.begin({"HOMING_FAULT_AT": f"{chance.choice(POINTS)}:{chance.randint(1, VISITS)}"})
            server.settle()
            server.died()
        server.serve()


def _any(servers: Sequence[Server], chance: random.Random) -> Address | None:
    there = [server.address for server in servers if server.address is not None]
    return chance.choice(there) if there else None


def _alike(servers: Sequence[Server], shop: int) -> bool:
    """Ask every replica for the same people."""
    people = sorted({str(event.raw["userId"]) for event in events(shop) if "userId" in event.raw})[:COMPARED]
    answers = []
    for server in servers:
        assert server.address is not None
        line, address = Line(), server.address
        paths = [f"/v1/profiles?namespace=user_id&value={user_id}" for user_id in people]
        answers.append([_shown(line.get(address, path, KEYS[Sender.MAILER])) for path in paths])
        line.close()
    return all(answer == answers[0] for answer in answers)


def _shown(answer: tuple[int, bytes]) -> tuple[int, object]:
    return answer[0], orjson.loads(answer[1])
