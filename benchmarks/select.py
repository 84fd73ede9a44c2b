"""The selector beside its peers: how much of the way from chance to the truth each goes, and what it costs."""

from contextlib import ExitStack
from math import sqrt
from pathlib import Path
from statistics import mean, stdev

from benchmarks.records import Benchmark, Column, Contestant, Result, Size
from benchmarks.selecting import FEW, Plan

OURS, BEST_PEER = "homing", "squarecb clicks"
STUDENT_95 = {2: 12.706, 10: 2.262}
"""Quantiles of Student's t for so many shops."""


def prepare(folder: Path, size: Size, _stack: ExitStack) -> str:
    """Leave the plan."""
    plan = Plan.of(size)
    plan.write(folder)
    return f"{plan.customers:,} customers, {plan.rounds} messages each, {plan.seeds} shops"


def remark(result: Result) -> str:
    """Tell the difference to the peer to beat, paired shop by shop."""
    return "\n".join([_difference(result, "gap_few", f"after {FEW} messages"), _difference(result, "gap", "after all")])


def _difference(result: Result, figure: str, when: str) -> str:
    ours, theirs = result.runs[OURS][0], result.runs[BEST_PEER][0]
    names = [name for name in ours if name.startswith(f"{figure}_") and name.removeprefix(f"{figure}_").isdigit()]
    apart = [100 * (ours[name] - theirs[name]) for name in names]
    reach = STUDENT_95[len(apart)] * stdev(apart) / sqrt(len(apart))
    middle = mean(apart)
    return f"{OURS} − {BEST_PEER}, {when}: {middle:+.1f} points, 95 % {middle - reach:+.1f} to {middle + reach:+.1f}"


def _peer(name: str, module: str) -> Contestant:
    return Contestant(name=name, module=f"benchmarks.contestants.{module}")


BENCHMARK = Benchmark(
    name="select",
    title="Policies in the simulated shop, ε = 0.05 where they explore, speeds in processor seconds",
    prepare=prepare,
    contestants=(
        _peer(OURS, "select_homing"),
        _peer(BEST_PEER, "select_squarecb"),
        _peer("ε-greedy clicks", "select_epsilon"),
        _peer("bag clicks", "select_bag"),
        _peer("LinTS", "select_lints"),
        _peer("Beta TS, segment", "select_beta_segment"),
        _peer("Beta TS, customer", "select_beta_customer"),
        _peer("vendors' rule", "select_vendors"),
        _peer("best fixed", "select_fixed"),
        _peer("random", "select_random"),
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
