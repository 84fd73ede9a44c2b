"""`homing verify` finds whatever happened to either log or to their chain, and names the place.

Its control is SQLite's own integrity check, which sees that a file is well formed and not that it is what was written.
"""

import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from tests.faults.bitflips_damage import KINDS, Damage, Place
from tests.faults.clients import Clients
from tests.faults.programs import Forked
from tests.faults.proofs import Result, Run
from tests.faults.servers import Server
from tests.faults.stores import KEYS
from tests.faults.trials import Trial

SHOP = 1
_RANGE = re.compile(r"rows (\d+) to (\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verdict:
    """What `homing verify` gave: its exit code, the places it named and all that it said."""

    code: int
    places: frozenset[Place]
    said: str

    def found(self, damage: Damage) -> bool:
        """Tell whether it saw the damage, at its place if it has one."""
        if self.code != 1 or "Traceback" in self.said:
            return False
        return bool(self.places & damage.places) if damage.places else True


def prove(run: Run) -> list[Result]:
    """Damage copies of a store so many times, and verify each."""
    store = _store(run)
    whole = _verify(run, store)
    notes = [] if whole.code == 0 else [f"the store is not whole before anything happened to it: {whole.said}"]
    missed = 0
    for number in range(run.cycles):
        copy = Path(shutil.copy(store, run.folder / "damaged.db"))
        damage = KINDS[number % len(KINDS)](copy, run.chance(number))
        verdict = _verify(run, copy)
        missed += _well_formed(copy)
        if not verdict.found(damage):
            notes.append(f"{damage.what}: exit code {verdict.code}, {verdict.said[:300]}")
    return [
        Result(fault="damage to either log, homing verify", cycles=run.cycles, passed=not notes, notes=tuple(notes)),
        Result(fault="damage, SQLite's integrity check", cycles=run.cycles, passed=missed == 0, control=True),
    ]


def _store(run: Run) -> Path:
    """Make a store as a server leaves it: events, decisions and outcomes in many blocks."""
    trial = Trial(run.folder / "store", SHOP, run.chance("store"))
    server = Server(run.folder, db=trial.db)
    server.serve()
    with Clients(lambda: server.address, KEYS, trial.journal) as clients:
        clients.finish()
        server.stop()
    return trial.folder / "homing.db"


def _verify(run: Run, store: Path) -> _Verdict:
    program = Forked(["verify", "--json", "--db", f"sqlite:///{store}"], run.folder, name="verify")
    program.log.unlink(missing_ok=True)
    code = program.wait()
    output = program.output.read_bytes()
    faults: list[dict[str, Any]] = orjson.loads(output)["faults"] if output else []
    said = output.decode(errors="replace") + program.log.read_text(errors="replace")
    return _Verdict(code=code, places=frozenset(_places(faults)), said=said)


def _places(faults: list[dict[str, Any]]) -> Iterator[Place]:
    for fault in faults:
        yield fault["table"], fault["row"]
        if (rows := _RANGE.search(fault["what"])) is not None:
            yield from ((fault["table"], row) for row in range(int(rows[1]), int(rows[2]) + 1))


def _well_formed(store: Path) -> bool:
    try:
        with closing(sqlite3.connect(store)) as conn:
            return bool(conn.execute("PRAGMA integrity_check(1)").fetchone() == ("ok",))
    except sqlite3.DatabaseError:
        return False
