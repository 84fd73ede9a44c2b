"""`homing serve` on the full store: started, then asked for people that are in it."""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import orjson

from benchmarks import filling, startup
from benchmarks.access import make_key
from benchmarks.latencies import waits
from benchmarks.load import Address, get, post, send
from benchmarks.records import Figures, Size
from benchmarks.served import homing, served
from benchmarks.stores import sqlite_itself
from identity.observations import Trust

ASKED = 500
_MEMORY = re.compile(rb"^process_resident_memory_bytes (\S+)", re.MULTILINE)


def measure(folder: Path, size: Size) -> Figures:
    """Start it, ask for people all over the store, then let something happen to others."""
    step = max(1, startup.people(size) // (2 * ASKED))
    some = range(0, startup.people(size), step)
    with sqlite_itself(folder) as store:
        key = make_key(store.url, Trust.SERVER)
        with ready(served(homing(store.url), store.folder, store.settings)) as (address, figures):
            profile = _profiles(address, some[::2], key)
            event = _events(address, some[1::2], key, str(time.time_ns()))
            return {**figures, **waits("profile", profile), **waits("event", event), "used_mib": memory(address)}


@contextmanager
def ready(server: AbstractContextManager[Address]) -> Iterator[tuple[Address, Figures]]:
    """Start a server, its process's start included, until it is ready; give seconds and memory."""
    started = time.perf_counter()
    with server as address:
        send(address, [get("/readyz", {})], 1)
        seconds = time.perf_counter() - started
        yield (
            address,
            {"ready_seconds": seconds, "starts_per_second": 1 / seconds, "ready_mib": memory(address)},
        )


def memory(address: Address) -> float:
    """Give what the server's process holds, in MiB, as it says itself."""
    (told,) = send(address, [get("/metrics", {})], 1).bodies
    found = _MEMORY.search(told)
    if found is None:
        raise RuntimeError("the server does not tell its memory")
    return float(found[1]) / 2**20


def _profiles(address: Address, numbers: Sequence[int], key: Mapping[str, str]) -> list[float]:
    """Ask for the profiles that hold these people's devices; each must hold all that was filled in."""
    paths = [f"/v1/profiles?namespace=device_id&value={filling.device(number, 7)}" for number in numbers]
    load = send(address, [get(path, key) for path in paths], 1)
    for number, body in zip(numbers, load.bodies, strict=True):
        held = {(each["namespace"], each["value"]) for each in orjson.loads(body)["identifiers"]}
        if ("user_id", filling.person(number)) not in held or len(held) <= startup.DEVICES:
            raise RuntimeError("a profile is not the one that was filled in")
    return load.waits


def _events(address: Address, numbers: Sequence[int], key: Mapping[str, str], tag: str) -> list[float]:
    """Let each of these people be seen with a new browser."""
    events = [
        {
            "type": "page",
            "name": "Home",
            "messageId": f"{tag}-{n}",
            "userId": filling.person(n),
            "anonymousId": f"{tag}-{n}",
        }
        for n in numbers
    ]
    load = send(address, [post("/v1/page", orjson.dumps(event), key) for event in events], 1)
    if any(orjson.loads(body)["accepted"] != 1 for body in load.bodies):
        raise RuntimeError("an event was not accepted")
    return load.waits
