"""The service: `homing serve` on a filled store, sent the traffic as a CDP forwards it: one key, in order."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import orjson

from benchmarks import alone
from benchmarks.access import make_key
from benchmarks.latencies import waits
from benchmarks.load import Address, Load, post, send
from benchmarks.records import Figures, Size
from benchmarks.served import at_rest, homing, served
from benchmarks.stores import Copy, sqlite_copy
from benchmarks.traffic import Batch, Event, batches, read_events
from identity.observations import Trust

Keys = Mapping[Trust, Mapping[str, str]]
"""The headers that show a key, by its trust."""

CONNECTIONS = 8
PATH = "/v1/batch"


def measure(folder: Path, size: Size) -> Figures:
    """Send everything with the server's key."""
    with sqlite_copy(folder) as store:
        return collect(store, size, with_one_key(folder))


def with_one_key(folder: Path) -> list[Event]:
    """Give the events as a CDP forwards them."""
    return [replace(event, trust=Trust.SERVER) for event in read_events(folder)]


def collect(store: Copy, size: Size, events: Sequence[Event]) -> Figures:
    """Send all but the last events in batches on several connections, then those one by one on a single one."""
    keys = {trust: make_key(store.url, trust) for trust in (Trust.ASSERTED, Trust.SERVER)}
    with served(homing(store.url), store.folder, store.settings) as address:
        at_rest(address)
        return sent_to(address, store.folder, size, events, keys)


def sent_to(address: Address, folder: Path, size: Size, events: Sequence[Event], keys: Keys) -> Figures:
    """Send the same to any server that takes it."""
    full, few = list(batches(events[: -size.alone])), list(batches(events[-size.alone :], 1))

    def sent(some: Sequence[Batch], connections: int) -> Load:
        return _checked(send(address, [_request(batch, keys) for batch in some], connections), some)

    many = sent(full, CONNECTIONS)
    one = alone.measured(few, lambda some: sent(some, 1).waits, lambda batch: batch.body, folder / "bytes")
    rate = sum(len(batch.events) for batch in full) / many.seconds
    return {"events_per_second": rate, **waits("batch", many.waits), **one}


def _request(batch: Batch, keys: Keys) -> bytes:
    return post(PATH, batch.body, keys[batch.trust])


def _checked(load: Load, sent: Sequence[Batch]) -> Load:
    """Give the load back if every event was accepted: refusals would be fast."""
    accepted = sum(orjson.loads(body)["accepted"] for body in load.bodies)
    expected = sum(len(batch.events) for batch in sent)
    if accepted != expected:
        raise RuntimeError(f"{accepted} of {expected} events were accepted")
    return load
