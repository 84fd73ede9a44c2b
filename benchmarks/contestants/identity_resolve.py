"""`resolve`: all observations at once."""

import time
from pathlib import Path

from benchmarks.records import Figures, Size
from benchmarks.traffic import observations, read_events
from identity.resolve import resolve
from identity.rules import LinkingRules


def measure(folder: Path, _size: Size) -> Figures:
    """Resolve once, attribution and intervals included."""
    rules = LinkingRules()
    seen = observations(read_events(folder), rules)
    started = time.perf_counter()
    resolve(seen, rules)
    return {"observations_per_second": len(seen) / (time.perf_counter() - started)}
