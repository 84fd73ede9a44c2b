"""The control: others' page views alone."""

import re
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path

import orjson

from benchmarks.access import make_key
from benchmarks.latencies import waits
from benchmarks.load import Address, Load, get, post, send
from benchmarks.records import Figures, Size
from benchmarks.served import at_rest, homing, served
from benchmarks.stores import sqlite_copy
from identity.observations import Trust

CLIENTS = 50
_COMMITS = re.compile(rb'^homing_commit_seconds_bucket\{le="(0\.25|\+Inf)"\} ([0-9.]+)$', re.MULTILINE)


def measure(folder: Path, size: Size) -> Figures:
    """Send no storm."""
    return beside(folder, size, [])


def beside(folder: Path, size: Size, people: Sequence[str]) -> Figures:
    """Send others' page views, and at the same time an identify call for each of these people."""
    with sqlite_copy(folder) as store:
        key = make_key(store.url, Trust.SERVER)
        first = datetime.now(UTC) - timedelta(milliseconds=len(people))
        storm = [post("/v1/identify", _identify(who, n, first), key) for n, who in enumerate(people)]
        others = [post("/v1/page", _page(number), key) for number in range(10 * size.alone)]
        with served(homing(store.url), store.folder, store.settings) as address, ThreadPoolExecutor(1) as pool:
            at_rest(address)
            stormy = pool.submit(send, address, storm, CLIENTS) if storm else None
            calm = send(address, others, 1)
            seconds = None if stormy is None else _accepted(stormy.result()).seconds
            slow = _slow_commits(address)
    waited = _accepted(calm).waits
    return {
        "storm_seconds": seconds or 0.0,
        **waits("others", waited if seconds is None else _within(seconds, waited)),
        "commits_over_250_ms": slow,
    }


def _within(seconds: float, waited: Sequence[float]) -> list[float]:
    """Give those waits, one after another, that began before so much time had passed."""
    began = accumulate(waited, initial=0.0)
    return [wait for wait, when in zip(waited, began, strict=False) if when < seconds]


def _identify(person: str, number: int, first: datetime) -> bytes:
    """Stamp a call as clients do, to the millisecond; those of fifty clients at once overtake one another."""
    at = (first + timedelta(milliseconds=number)).isoformat(timespec="milliseconds")
    return orjson.dumps({"userId": person, "anonymousId": f"browser-in-the-storm-{number}", "timestamp": at})


def _page(number: int) -> bytes:
    return orjson.dumps({"name": "Home", "anonymousId": f"somebody-else-{number}", "timestamp": _now()})


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _accepted(load: Load) -> Load:
    """Give the load back if every event was accepted: refusals would be fast."""
    if any(orjson.loads(body)["accepted"] != 1 for body in load.bodies):
        raise RuntimeError("not every event was accepted")
    return load


def _slow_commits(address: Address) -> float:
    """Count the groups of jobs that took longer than 250 ms, their commit included."""
    (metrics,) = send(address, [get("/metrics", {})], 1).bodies
    counts = {found[1]: float(found[2]) for found in _COMMITS.finditer(metrics)}
    return counts[b"+Inf"] - counts[b"0.25"]
