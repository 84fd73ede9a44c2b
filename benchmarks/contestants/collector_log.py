"""The floor: the same bytes into one SQLite table, a row an event, a durable transaction a batch; no index, no HTTP."""

import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from benchmarks import alone
from benchmarks.appending import append, open_log
from benchmarks.latencies import waits
from benchmarks.records import Figures, Size
from benchmarks.traffic import batches, read_events


def measure(folder: Path, size: Size) -> Figures:
    """Append the batches that the service is sent, then the single events."""
    events = read_events(folder)
    full = [[(orjson.dumps(event),) for event in batch.events] for batch in batches(events[: -size.alone])]
    one = [[(orjson.dumps(event.raw),)] for event in events[-size.alone :]]
    with TemporaryDirectory(dir=folder) as name, closing(open_log(Path(name) / "log.db")) as log:
        taken = _append(log, full)
        few = alone.measured(one, partial(_append, log), lambda rows: rows[0][0], Path(name) / "bytes")
    rate = sum(map(len, full)) / sum(taken)
    return {"events_per_second": rate, **waits("batch", taken), **few}


def _append(log: sqlite3.Connection, groups: Sequence[Sequence[tuple[bytes]]]) -> list[float]:
    """Append each group in a transaction of its own; give the seconds that each took."""
    taken = []
    for rows in groups:
        started = time.perf_counter()
        append(log, rows)
        taken.append(time.perf_counter() - started)
    return taken
