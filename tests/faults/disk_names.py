"""What a SQLite store holds as it lies on its disk, read from a copy: before any server has been at it."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.faults.tally import Tally
from tests.faults.traffic import decision_name, fact_name, outcome_name
from tests.faults.trials import Trial

_FACTS = "SELECT source, trust, message_id FROM facts"
_OUTCOMES = "SELECT decision_id FROM decision_log WHERE kind = 'outcome'"
_DECISIONS = "SELECT message_id, decision_id FROM decisions"


def names_in(conn: sqlite3.Connection) -> set[str]:
    """Give the names, as the clients' journal knows them, of all in a store of any schema."""
    return {
        *(fact_name(*row) for row in conn.execute(_FACTS)),
        *(outcome_name(*row) for row in conn.execute(_OUTCOMES)),
        *(decision_name(*row) for row in conn.execute(_DECISIONS)),
    }


def names_left(folder: Path, store: str = "homing.db") -> tuple[set[str], str]:
    """Give the names of all in a store, and what SQLite's check says of it."""
    with TemporaryDirectory() as copied:
        for path in folder.glob(f"{store}*"):
            shutil.copy(path, copied)
        with closing(sqlite3.connect(Path(copied) / store)) as conn:
            (said,) = conn.execute("PRAGMA integrity_check(1)").fetchone()
            return names_in(conn), said


def missing(trial: Trial, tally: Tally) -> set[str]:
    """Give the names of what a trial's store, whose server has ended, lacks of what was acknowledged."""
    held, said = names_left(trial.folder)
    if said != "ok":
        tally.notes.append(f"{trial.name}: the store is damaged: {said}")
    return trial.journal.acknowledged - held
