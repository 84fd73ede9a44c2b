"""The selector beside its peers: how much of the way from chance to the truth each goes, and what it costs."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from math import sqrt
from pathlib import Path
from statistics import mean, stdev

from benchmarks.records import Benchmark, Column, Contestant, Result, Size
from benchmarks.selecting import FEW, Plan

OURS, BEST_PEER = "homing", "squarecb clicks"
STUDENT_95 = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365, 9: 2.306, 10: 2.262}
"""Quantiles of Student's t for so many shops."""
PREFIX = "benchmarks.contestants.select_"


def prepare(folder: Path, size: Size, _stack: ExitStack) -> str:
    """Leave the plan."""
    plan = Plan.of(size)
    plan.write(folder)
    return f"{plan.customers:,} customers, {plan.rounds} messages each, {plan.seeds} shops"


def remark(result: Result) -> str:
    """Tell the difference to the peer to beat, paired shop by shop, where both have played."""
    if not {OURS, BEST_PEER} <= result.runs.keys():
        return ""
    return "\n".join([_difference(result, "gap_few", f"after {FEW} messages"), _difference(result, "gap", "after all")])


def _difference(result: Result, figure: str, when: str) -> str:
    ours, theirs = result.runs[OURS][0], result.runs[BEST_PEER][0]
    names = [name for name in ours if name.startswith(f"{figure}_") and name.removeprefix(f"{figure}_").isdigit()]
    apart = [100 * (ours[name] - theirs[name]) for name in names]
    reach = STUDENT_95[len(apart)] * stdev(apart) / sqrt(len(apart))
    middle = mean(apart)
    return f"{OURS} − {BEST_PEER}, {when}: {middle:+.1f} points, 95 % {middle - reach:+.1f} to {middle + reach:+.1f}"


def _peer(name: str, module: str) -> Contestant:
    return Contestant(name=name, module=f"{PREFIX}{module}")


BENCHMARK = Benchmark(
    name="select",
    title="Policies in the simulated shop, ε = 0.05 where they explore, speeds in processor seconds",
    prepare=prepare,
    contestants=(
        _peer(OURS, "homing"),
        _peer(BEST_PEER, "squarecb"),
        _peer("ε-greedy clicks", "epsilon"),
        _peer("bag clicks", "bag"),
        _peer("LinTS", "lints"),
        _peer("Beta TS, segment", "beta_segment"),
        _peer("Beta TS, customer", "beta_customer"),
        _peer("vendors' rule", "vendors"),
        _peer("best fixed", "fixed"),
        _peer("random", "random"),
    ),
    control=BEST_PEER,
    rate="decisions_per_second",
    columns=(
        Column(figure="gap_few", title=f"gap closed %, {FEW}", digits=1),
        Column(figure="gap", title="all", digits=1),
        Column(figure="conversions", title="bought"),
        Column(figure="decisions_per_second", title="decisions/s"),
        Column(figure="updates_per_second", title="updates/s"),
        Column(figure="bytes_a_customer", title="bytes/customer"),
    ),
    runs=1,
    remark=remark,
)
PEERS = tuple(contestant.module.removeprefix(PREFIX) for contestant in BENCHMARK.contestants)
"""What contestants are called on the command line."""


def case(size: Size, shops: int | None, peers: Sequence[str]) -> tuple[Benchmark, Size]:
    """Give what is measured: all or some of the shops, by all or some of the peers; ValueError for one unknown."""
    unknown = sorted(set(peers) - set(PEERS))
    if unknown:
        raise ValueError(f"there is no peer {unknown[0]}; there are {', '.join(PEERS)}")
    asked = tuple(each for each in BENCHMARK.contestants if not peers or each.module.removeprefix(PREFIX) in peers)
    control = BEST_PEER if any(each.name == BEST_PEER for each in asked) else asked[0].name
    return replace(BENCHMARK, contestants=asked, control=control), replace(size, shops=shops)
