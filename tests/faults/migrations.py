"""A store of schema 0001 is brought up while processes that do it are killed and clients send: it comes up whole.

`store_0001.sql.gz` is what the program of commit 3253d85 left of 410 events, 8 decisions and their outcomes.
"""

import gzip
import random
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import orjson

from service.store import sqlite
from tests.faults.clients import Clients
from tests.faults.disk_names import names_in
from tests.faults.oracle import undisturbed_of
from tests.faults.programs import Forked, Prepare
from tests.faults.proofs import Result, Run
from tests.faults.servers import Server, forked
from tests.faults.stores import KEYS
from tests.faults.tally import Tally
from tests.faults.traffic import Event, Sender, events, mixed
from tests.faults.trials import Trial

OLD = Path(__file__).with_name("store_0001.sql.gz")
SHOP = 1
"""The clients send another shop's traffic than the old store holds."""
FIRST_QUESTION = 1_000
KILLS_A_STORE = 2
CONTROL_KILLS = 1
LATEST = 0.6
"""Seconds within which a process is killed that is not killed at a point."""
POINTS = ("mid_migration", "mid_migration:2", "before_seal", "before_commit", "after_commit", "mid_rebuild")


def prove(run: Run) -> list[Result]:
    """Kill migrating processes so many times; the control's commit each statement by itself."""
    tally = migrated(run, WELL, run.cycles)
    torn = migrated(run, TORN, CONTROL_KILLS)
    return [
        tally.result("migration interrupted"),
        torn.result("migration that commits half-way", control=True),
    ]


def commit_each_statement() -> None:
    """Make this process begin no transactions on SQLite."""
    vars(sqlite)["_begin"] = lambda _conn: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How stores are brought up: what processes are made like, what is tried, at which points they end."""

    name: str
    prepare: Prepare | None
    attempts: tuple[Callable[["Old"], None], ...]
    points: tuple[str, ...]


def migrated(run: Run, manner: Manner, cycles: int) -> Tally:
    """Bring as many stores up as it takes."""
    tally = Tally()
    for number, kills in tally.stores(run, cycles, KILLS_A_STORE):
        folder = run.folder / f"{manner.name}-{number}"
        with tally.unstuck(folder.name), Old(folder, run.chance(folder.name), manner) as old:
            for _ in range(kills):
                tally.cycles += 1
                old.trial.chance.choice(manner.attempts)(old)
                if _is_half_way(folder / "homing.db"):
                    tally.notes.append(f"{folder.name}: the store was left half-way")
            old.finish(tally)
    return tally


class Old(ExitStack):
    """An old store, its clients, and a server that comes up and dies; used as a context, all have ended at its end."""

    def __init__(self, folder: Path, chance: random.Random, manner: Manner) -> None:
        super().__init__()
        folder.mkdir(parents=True)
        held = _restore(folder / "homing.db")
        # What the old store holds comes again as it was written then, whatever the shop would tell today.
        self._events = [*held, *_others(events(SHOP), held)]
        sent = mixed(SHOP, chance, some=self._events, first_question=FIRST_QUESTION)
        self.trial = Trial(folder, SHOP, chance, db=f"sqlite:///{folder / 'homing.db'}", requests=sent)
        with closing(sqlite3.connect(folder / "homing.db")) as conn:
            # Its clients were told of all that it holds, long ago.
            self.trial.journal.acknowledged |= names_in(conn)
        self.manner = manner
        self.server = self.enter_context(Server(folder, db=self.trial.db, start=forked(manner.prepare)))
        self._clients = self.enter_context(Clients(lambda: self.server.address, KEYS, self.trial.journal))

    def migrate(self, settings: dict[str, str] | None = None, name: str = "migrate") -> Forked:
        """Run `homing migrate`."""
        arguments = ["migrate", "--db", self.trial.db]
        return Forked(arguments, self.trial.folder, settings, name=name, prepare=self.manner.prepare)

    def finish(self, tally: Tally) -> None:
        """Serve, let the clients finish, and judge."""
        tally.took(self.server.serve())
        self._clients.finish()
        tally.stopped(self.trial.name, self.server.stop()[0])
        self.trial.judge(tally, undisturbed_of(self._events))


def _command_at_point(old: Old) -> None:
    """`homing migrate` ends at a point, or is done if there was nothing left to do."""
    process = old.migrate({"HOMING_FAULT_AT": old.trial.chance.choice(old.manner.points)})
    process.wait()


def _server_at_point(old: Old) -> None:
    """`homing serve` ends at a point; where it comes to serve it is killed a little later."""
    old.server.begin({"HOMING_FAULT_AT": old.trial.chance.choice(old.manner.points)})
    old.server.settle()
    time.sleep(old.trial.chance.uniform(0, 0.2))
    if old.server.ended():
        old.server.died()
    else:
        old.server.kill()


def _at_any_time(old: Old) -> None:
    """`homing migrate` is killed at any time, or is done before."""
    process = old.migrate()
    time.sleep(old.trial.chance.uniform(0, LATEST))
    process.kill()
    process.wait()


def _together(old: Old) -> None:
    """Two `homing migrate` and a server start at once; one of the commands is killed, then the server at work."""
    processes = [old.migrate(name=f"migrate-{number}") for number in range(2)]
    old.server.begin()
    time.sleep(old.trial.chance.uniform(0, LATEST))
    processes[0].kill()
    for process in processes:
        process.wait()
    old.server.ready()
    time.sleep(old.trial.chance.uniform(0, 0.2))
    old.server.kill()


def _is_half_way(store: Path) -> bool:
    """Tell whether a store has tables of the newer schema and calls itself of the older, or the other way round."""
    with closing(sqlite3.connect(store)) as conn:
        (version,) = conn.execute("SELECT version_num FROM alembic_version").fetchone()
        newer = conn.execute("SELECT 1 FROM sqlite_master WHERE name = 'blocks'").fetchone() is not None
    return newer is (version == "0001")


def _restore(store: Path) -> list[Event]:
    """Put the old store in place, and give the events that it holds."""
    with closing(sqlite3.connect(store)) as conn:
        conn.executescript(gzip.decompress(OLD.read_bytes()).decode())
        conn.execute("PRAGMA journal_mode = WAL")
        rows = conn.execute("SELECT source, body FROM facts").fetchall()
    return [Event(sender=Sender(source), raw=orjson.loads(body)) for source, body in rows]


def _others(some: Sequence[Event], held: Sequence[Event]) -> list[Event]:
    """Give those events that the old store does not hold."""
    names = {event.name for event in held}
    return [event for event in some if event.name not in names]


WELL = Manner(
    name="migrated",
    prepare=None,
    attempts=(_command_at_point, _server_at_point, _at_any_time, _together),
    points=POINTS,
)
TORN = Manner(name="torn", prepare=commit_each_statement, attempts=(_command_at_point,), points=("mid_migration",))
