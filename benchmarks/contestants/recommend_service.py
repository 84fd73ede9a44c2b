"""The service on a copy of the filled store: every customer fills a cart, then each cart's message is asked for."""

from collections.abc import Sequence
from pathlib import Path

import orjson

from benchmarks.access import make_key
from benchmarks.load import Address, Load, send
from benchmarks.questions import leave_carts, read_customers, requests
from benchmarks.recommend import CONNECTIONS, answered
from benchmarks.records import Figures, Size
from benchmarks.served import at_rest, homing, served
from benchmarks.stores import sqlite_copy
from identity.observations import Trust


def measure(folder: Path, size: Size) -> Figures:
    """Ask for every customer once in each pass."""
    users = read_customers(folder)
    with sqlite_copy(folder) as store:
        key = make_key(store.url, Trust.SERVER)
        with served(homing(store.url), store.folder, store.settings) as address:
            at_rest(address)
            return answered([_pass(address, users, number, key) for number in range(size.passes + 1)])


def _pass(address: Address, users: Sequence[str], number: int, key: dict[str, str]) -> Load:
    """Have the carts filled, then ask."""
    leave_carts(address, users, number, key)
    load = send(address, requests(users, number, key), CONNECTIONS)
    unknown = sum(orjson.loads(body)["profile_id"] is None for body in load.bodies)
    if unknown:
        raise RuntimeError(f"{unknown} of {len(users)} customers were not known")
    return load
