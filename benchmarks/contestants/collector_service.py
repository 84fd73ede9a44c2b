"""The service: `homing serve` on a store of its own, sent the traffic as a CDP forwards it: one key, in order."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from benchmarks.access import make_key
from benchmarks.latencies import waits
from benchmarks.load import Load, post, send
from benchmarks.records import Figures, Size
from benchmarks.served import homing, served
from benchmarks.traffic import Batch, Event, batches, read_events
from identity.observations import Trust

CONNECTIONS = 8
PATH = "/v1/batch"


def measure(folder: Path, size: Size) -> Figures:
    """Send everything with the server's key."""
    return collect(folder, size, [replace(event, trust=Trust.SERVER) for event in read_events(folder)])


def collect(folder: Path, size: Size, events: Sequence[Event]) -> Figures:
    """Send all but the last events in batches on several connections, then those one by one on a single one."""
    full, alone = list(batches(events[: -size.alone])), list(batches(events[-size.alone :], 1))
    with TemporaryDirectory(dir=folder) as name:
        store = Path(name) / "homing.db"
        keys = {trust: make_key(store, trust) for trust in (Trust.ASSERTED, Trust.SERVER)}
        with served(homing(store), Path(name)) as address:
            many = _checked(send(address, [_request(batch, keys) for batch in full], CONNECTIONS), full)
            few = _checked(send(address, [_request(batch, keys) for batch in alone], 1), alone)
    rate = sum(len(batch.events) for batch in full) / many.seconds
    return {"events_per_second": rate, **waits("batch", many.waits), **waits("alone", few.waits)}


def _request(batch: Batch, keys: dict[Trust, dict[str, str]]) -> bytes:
    return post(PATH, batch.body, keys[batch.trust])


def _checked(load: Load, sent: list[Batch]) -> Load:
    """Give the load back if every event was accepted: refusals would be fast."""
    accepted = sum(orjson.loads(body)["accepted"] for body in load.bodies)
    expected = sum(len(batch.events) for batch in sent)
    if accepted != expected:
        raise RuntimeError(f"{accepted} of {expected} events were accepted")
    return load
