"""The service among many other profiles: how fast it is, then how long it takes at half of that."""

from pathlib import Path

import numpy as np

from benchmarks.access import make_key
from benchmarks.latencies import percentile, waits
from benchmarks.load import offer, send
from benchmarks.questions import leave_carts, read_customers, requests
from benchmarks.recommend import CONNECTIONS, answered
from benchmarks.records import Figures, Size
from benchmarks.served import at_rest, homing, served
from benchmarks.stores import sqlite_copy
from identity.observations import Trust

LINES = 64
PASSES = 5
"""How many times as many passes are made at half of the rate."""


def measure(folder: Path, size: Size) -> Figures:
    """Ask for every customer once in each pass, each time with a fresh cart."""
    users = read_customers(folder)
    with sqlite_copy(folder) as store:
        key = make_key(store.url, Trust.SERVER)
        with served(homing(store.url), store.folder, store.settings) as address:
            at_rest(address)
            fast = []
            for number in range(size.passes + 1):
                leave_carts(address, users, number, key)
                fast.append(send(address, requests(users, number, key), CONNECTIONS))
            most = answered(fast)["requests_per_second"]
            taken: list[float] = []
            for number in range(size.passes + 1, size.passes * (1 + PASSES) + 1):
                leave_carts(address, users, number, key)
                moments = np.random.default_rng(number).exponential(2 / most, len(users)).cumsum().tolist()
                taken += offer(address, requests(users, number, key), moments, LINES).waits
    late = {"answer_p999_ms": percentile(taken, 0.999)}
    return {"most_per_second": most, "requests_per_second": most / 2, **waits("answer", taken), **late}
