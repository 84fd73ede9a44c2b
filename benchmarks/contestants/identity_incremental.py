"""`Incremental`: one observation after the other, profiles right after each."""

import time
from pathlib import Path

from benchmarks.records import Figures, Size
from benchmarks.traffic import observations, read_events
from identity.incremental import Incremental
from identity.ports import MemoryShelf
from identity.rules import LinkingRules


def measure(folder: Path, _size: Size) -> Figures:
    """Add all observations, oldest first."""
    rules = LinkingRules()
    seen = observations(read_events(folder), rules)
    incremental = Incremental(rules, MemoryShelf())
    started = time.perf_counter()
    for observation in seen:
        incremental.add(observation)
    return {"observations_per_second": len(seen) / (time.perf_counter() - started)}
