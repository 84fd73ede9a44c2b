"""SIGTERM under load: the server ends with exit code 0 within ten seconds, and nothing acknowledged is lost."""

import socket
import time

from tests.faults.clients import Clients
from tests.faults.hasty import acknowledge_early
from tests.faults.proofs import Result, Run
from tests.faults.servers import Server, Start, forked
from tests.faults.stores import KEYS
from tests.faults.tally import Tally
from tests.faults.traffic import Sender
from tests.faults.trials import Trial

STOPS_A_STORE = 10
CONTROL_STOPS = 2
SECONDS = 10.0
"""A stop takes no longer."""


def prove(run: Run) -> list[Result]:
    """Stop servers so many times, and one that acknowledges before it keeps."""
    tally = stopped(run, run.cycles, forked(), "stopped")
    careless = stopped(run, CONTROL_STOPS, forked(acknowledge_early), "careless")
    return [tally.result("SIGTERM"), careless.result("SIGTERM, acknowledged before commit", control=True)]


def stopped(run: Run, cycles: int, start: Start, name: str) -> Tally:
    """Stop servers, of as many stores as it takes."""
    tally = Tally()
    for number, stops in tally.stores(run, cycles, STOPS_A_STORE):
        trial = Trial(run.folder / f"{name}-{number}", number, run.chance(number))
        with tally.unstuck(trial.name), Server(trial.folder, db=trial.db, start=start) as server:
            _disturb(trial, server, tally, stops)
    return tally


def _disturb(trial: Trial, server: Server, tally: Tally, stops: int) -> None:
    with Clients(lambda: server.address, KEYS, trial.journal) as clients:
        for _ in range(stops):
            if trial.spent:
                break
            server.serve()
            trial.more(trial.chance.randint(1, 6))
            time.sleep(trial.chance.uniform(0, 0.03))
            _stop(trial, server, tally)
            tally.cycles += 1
        server.serve()
        clients.finish()
        with _half_asked(server):
            _stop(trial, server, tally)
    trial.judge(tally)


def _half_asked(server: Server) -> socket.socket:
    """Begin a request that is never finished: whoever hangs must not hold a stop up for long."""
    assert server.address is not None
    connection = socket.create_connection(server.address)
    head = f"POST /v1/batch HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEYS[Sender.SHOP]}\r\n"
    connection.sendall(f"{head}Content-Length: 1000\r\n\r\n{{".encode())
    time.sleep(0.1)  # or it would be cut off as one that has asked nothing yet
    return connection


def _stop(trial: Trial, server: Server, tally: Tally) -> None:
    code, seconds = server.stop()
    tally.took(seconds)
    if code != 0 or seconds > SECONDS:
        tally.notes.append(f"{trial.name}: exit code {code} after {seconds:.1f} s")
