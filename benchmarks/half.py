"""How long recommendations take at half of the rate that the route can do, with a million other profiles in the store.

The rate is taken first, over 8 connections that each wait for their answers. Then requests come at random moments (a
Poisson process), half as often, whether or not others have been answered. What they may take is 10 ms and two
fdatasyncs at the 99th percentile; the control syncs as many bytes as a decision has, twice each, on the same disk.
"""

import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from benchmarks import recommend
from benchmarks.filling import fill
from benchmarks.medians import medians
from benchmarks.records import Benchmark, Column, Contestant, Result, Size
from service.wiring import Homing

SERVICE, SYNCS = "homing serve", "two fdatasyncs"
DECISION_BYTES = 4_096
"""About what a decision adds to the log."""
ALLOWED_MS = 10.0


def prepare(folder: Path, size: Size, stack: ExitStack) -> str:
    """Leave a store that holds the shop, has learned from it, and knows many others."""

    def others(homing: Homing) -> None:
        fill(homing, size.known, progress=partial(print, file=sys.stderr))

    told = recommend.prepare(folder, size, stack, others)
    return f"{told} among {size.known:,} other profiles"


def remark(result: Result) -> str:
    """Compare the slowest of a hundred with what they may take."""
    taken, allowed = medians(result, SERVICE)["answer_p99_ms"], ALLOWED_MS + medians(result, SYNCS)["answer_p99_ms"]
    return f"p99 {taken:.1f} ms, where {ALLOWED_MS:.0f} ms and two fdatasyncs are {allowed:.1f} ms"


BENCHMARK = Benchmark(
    name="half",
    title="The recommendation route at half of the rate it can do, requests at random moments, each decision committed",
    prepare=prepare,
    contestants=(
        Contestant(name=SERVICE, module="benchmarks.contestants.half_service"),
        Contestant(name=SYNCS, module="benchmarks.contestants.half_syncs"),
    ),
    control=SYNCS,
    rate="answer_p99_ms",
    columns=(
        Column(figure="most_per_second", title="at most/s"),
        Column(figure="requests_per_second", title="sent/s"),
        Column(figure="answer_p50_ms", title="p50 ms", digits=2),
        Column(figure="answer_p99_ms", title="p99 ms", digits=2),
        Column(figure="answer_p999_ms", title="p99.9 ms", digits=2),
    ),
    remark=remark,
)
