"""What a SQLite store holds as it lies on its disk, read from a copy: before any server has been at it."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.faults.traffic import fact_name

_FACTS = "SELECT source, trust, message_id FROM facts"
_OUTCOMES = "SELECT decision_id FROM decision_log WHERE kind = 'outcome'"
_DECISIONS = "SELECT message_id, decision_id FROM decisions"


def names_left(folder: Path, store: str = "homing.db") -> tuple[set[str], str]:
    """Give the names, as the clients' journal knows them, of all in a store, and what SQLite's check says of it."""
    with TemporaryDirectory() as copied:
        for path in folder.glob(f"{store}*"):
            shutil.copy(path, copied)
        with closing(sqlite3.connect(Path(copied) / store)) as conn:
            (said,) = conn.execute("PRAGMA integrity_check(1)").fetchone()
            names = {fact_name(*row) for row in conn.execute(_FACTS)}
            names |= {f"outcome/{decision_id}" for (decision_id,) in conn.execute(_OUTCOMES)}
            names |= {f"decision/{message_id}/{decision_id}" for message_id, decision_id in conn.execute(_DECISIONS)}
    return names, said
