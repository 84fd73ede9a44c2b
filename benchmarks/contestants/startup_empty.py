"""The control: `homing serve` on a store that it has still to make."""

from pathlib import Path

from benchmarks.contestants.startup_full import ready
from benchmarks.records import Figures, Size
from benchmarks.served import homing, served
from benchmarks.stores import empty_sqlite


def measure(folder: Path, _size: Size) -> Figures:
    """Start it."""
    with empty_sqlite(folder) as store, ready(served(homing(store.url), store.folder, store.settings)) as (_, figures):
        return figures
