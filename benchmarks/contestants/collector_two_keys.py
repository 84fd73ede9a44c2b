"""The service, sent the same by two keys: while the server's batches fill slowly, browsers and apps overtake them.

In the shop's weeks that makes one event in fourteen days late, which costs a replay of whoever it is about.
"""

from pathlib import Path

from benchmarks.contestants.collector_service import collect
from benchmarks.records import Figures, Size
from benchmarks.stores import sqlite_copy
from benchmarks.traffic import read_events


def measure(folder: Path, size: Size) -> Figures:
    """Send each event with the key of whoever saw it."""
    with sqlite_copy(folder) as store:
        return collect(store, size, read_events(folder))
