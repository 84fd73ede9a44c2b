"""Components that conflict, re-resolved: seconds of work for each of what used to take a replay an event."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from benchmarks import contested
from benchmarks.records import Figures, Size
from identity.component import Component
from identity.hubs import NO_HUBS
from identity.incremental import Incremental
from identity.judgements import Verdicts
from identity.observations import Observation
from identity.ports import MemoryShelf
from identity.resolve import sightings
from identity.rules import LinkingRules

_RULES = LinkingRules()
_OBSERVATIONS = 10_000
_LIMIT, _CAP = 20, 1_000


def measure(_folder: Path, size: Size) -> Figures:
    """Resolve a contested component, then batches that come late, cross hubs, go backwards, and fill a profile."""
    count = _OBSERVATIONS if size.people >= _CAP else _OBSERVATIONS // 10
    parts = [s for o in contested.shared_tablet(count) for s in sightings(o, NO_HUBS)]
    resolved = _seconds(lambda: Component(_RULES, Verdicts(), parts))
    known, crossing = contested.crossings(40, _LIMIT)
    browsers = contested.new_browsers(25)
    return {
        "observations_per_second": count / resolved,
        "contested_s": resolved,
        "late_s": _batch(contested.shared_tablet(2_000), contested.late_logins(400)),
        "crossings_s": _batch(known, crossing),
        "backwards_s": _batch([], contested.shared_tablet(800)[::-1]),
        "at_cap_ms": _batch(contested.full_profile(_CAP), browsers) / len(browsers) * 1_000,
    }


def _batch(before: Iterable[Observation], batch: list[Observation]) -> float:
    """Give the seconds that a batch takes after others."""
    incremental = Incremental(_RULES, MemoryShelf())
    incremental.add_many(before)
    return _seconds(lambda: incremental.add_many(batch))


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
