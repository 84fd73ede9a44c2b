"""The power goes while a store is made, with its secret, and while it is backed up: what was told to be there is there.

After any cut the same command, run again, does its work: no power cut leaves a store that only a person can mend.
"""

import os
import sqlite3
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import orjson

from tests.faults import shim
from tests.faults.disk import Disk, put_back
from tests.faults.disk_names import names_left
from tests.faults.disk_notes import read_notes
from tests.faults.programs import Forked, Prepare
from tests.faults.proofs import Result, Run
from tests.faults.tally import Tally
from tests.faults.traffic import events

EVENTS = 40
SHOP = 1
STORE, SECRET, BACKUP = "homing.db", "homing.secret", "backup.db"
CONTROL_CYCLES = 20
"""The control is cut no oftener; half of the cuts that come after a command was done spare what it did not sync."""

BEYOND = 2
"""So many times the changes that a command makes are drawn from: half of the commands get to their end."""


def prove(run: Run) -> list[Result]:
    """Cut the power under commands so many times; as a control under commands whose own syncs do nothing."""
    with shim.preloaded():
        tally = _cut(run, "synced", watch_alone)
        careless = _cut(replace(run, cycles=CONTROL_CYCLES), "unsynced", watch_unsynced, until_lost=True)
    return [
        tally.result("power cut, first start and backup"),
        careless.result("the same, files not synced", control=True),
    ]


def watch_alone() -> None:
    """Note what this process does to its disk; it has no secret but the one on it."""
    del os.environ["HOMING_SECRET"]
    shim.watch()


def watch_unsynced() -> None:
    """Have this process sync nothing but what SQLite does."""
    os.fsync = _nothing
    watch_alone()


def _nothing(fd: object) -> None:
    """Do as if."""


def _cut(run: Run, name: str, prepare: Prepare, *, until_lost: bool = False) -> Tally:
    tally = Tally()
    folder = run.folder / name
    folder.mkdir(parents=True)
    (folder / "events.ndjson").write_bytes(b"\n".join(orjson.dumps(event.raw) for event in events(SHOP)[:EVENTS]))
    changes = _Commands(folder, prepare, run.chance(), None).changes()
    while tally.cycles < run.cycles and not (until_lost and tally.lost):
        commands = _Commands(folder, prepare, run.chance(f"{name} {tally.cycles}"), changes)
        commands.cut(tally)
        tally.cycles += 1
    run.say(f"{name}: {tally.cycles:,} cycles, {tally.acknowledged:,} acknowledged, {tally.lost} lost")
    return tally


@dataclass(frozen=True, slots=True, kw_only=True)
class _Changes:
    """How many changes of the disk a command makes that nothing happens to."""

    importing: int
    backing_up: int


class _Commands:
    """An empty disk, and commands that make a store on it, one after another."""

    def __init__(self, folder: Path, prepare: Prepare, chance: Random, changes: _Changes | None) -> None:
        self._folder = folder
        self._disk = folder / "disk"
        self._prepare = prepare
        self._chance = chance
        self._changes = changes
        self._disk.mkdir(exist_ok=True)
        put_back(self._disk, {})

    def changes(self) -> _Changes:
        """Count the changes that undisturbed commands make."""
        counts = []
        for arguments in (self._import, self._backup):
            Disk(self._disk, self._notes)
            code, said = self._run(arguments, None)
            assert code == 0, said
            counts.append(sum(1 for _ in read_notes(self._notes)))
        return _Changes(importing=counts[0], backing_up=counts[1])

    def cut(self, tally: Tally) -> None:
        """Cut the power under an import and, once that was done, under a backup; then see what is there."""
        assert self._changes is not None
        imported = self._cut_under(self._import, self._changes.importing)
        secret = self._read(SECRET)
        if imported:
            tally.acknowledged += 1
            self._expect(tally, self._facts(STORE) == EVENTS, "what was imported is there")
        elif self._chance.random() < 0.5:
            # Only a cut that came over the first command can come over its successor too.
            self._cut_under(self._import, self._changes.importing)
        self._again(tally, self._import)
        self._expect(tally, not imported or self._read(SECRET) == secret != b"", "the secret is the same")
        saved = self._cut_under(self._backup, self._changes.backing_up)
        tally.acknowledged += saved
        there = (self._disk / BACKUP).exists()
        self._expect(tally, there or not saved, "the backup is there")
        self._expect(tally, not there or self._facts(BACKUP) == EVENTS, "a backup that is there is whole")
        if not there:
            self._again(tally, self._backup)
        self._again(tally, ["verify", "--db", self._url(STORE)])

    # --- commands --------------------------------------------------------------------------------------------------

    @property
    def _import(self) -> list[str]:
        return ["import", str(self._folder / "events.ndjson"), "--db", self._url(STORE)]

    @property
    def _backup(self) -> list[str]:
        return ["backup", str(self._disk / BACKUP), "--db", self._url(STORE)]

    @property
    def _notes(self) -> Path:
        return self._folder / "notes"

    def _url(self, name: str) -> str:
        return f"sqlite:///{self._disk / name}"

    def _cut_under(self, arguments: list[str], changes: int) -> bool:
        """Run a command until the power goes, then cut it; tell whether the command had ended well before."""
        disk = Disk(self._disk, self._notes)
        code, _ = self._run(arguments, self._chance.randint(1, changes * BEYOND))
        disk.play()
        put_back(self._disk, disk.cut(self._chance).files)
        return code == 0

    def _again(self, tally: Tally, arguments: list[str]) -> None:
        code, said = self._run(arguments, None)
        self._expect(tally, code == 0, f"`homing {arguments[0]}` does its work after the cut: {said}")

    def _run(self, arguments: list[str], cut_at: int | None) -> tuple[int, str]:
        settings = shim.environment(self._disk, self._notes, cut_at=cut_at)
        program = Forked(arguments, self._folder, settings, name="command", prepare=self._prepare)
        return program.wait(), program.log.read_text(errors="replace")[-300:]

    # --- what is there ---------------------------------------------------------------------------------------------

    def _expect(self, tally: Tally, true: bool, what: str) -> None:
        if not true:
            tally.lost += 1
            tally.notes.append(f"cycle {tally.cycles}: not so: {what}")

    def _read(self, name: str) -> bytes:
        path = self._disk / name
        return path.read_bytes() if path.exists() else b""

    def _facts(self, name: str) -> int:
        """Count the facts of a store on the disk; 0 where there is no whole store."""
        try:
            names, said = names_left(self._disk, name)
        except sqlite3.DatabaseError:
            return 0
        return len(names) if said == "ok" else 0
