"""How far intervals of off-policy estimates can be relied on, for logs of a learning policy as for uniform ones."""

from contextlib import ExitStack
from pathlib import Path

from benchmarks.records import Benchmark, Column, Contestant, Size


def prepare(_folder: Path, size: Size, _stack: ExitStack) -> str:
    """Tell what is simulated; the contestants do it."""
    return (
        f"coverage in % of {size.logs} logs of {size.log_rounds:,} rounds, three candidates fixed before each: "
        "their lowest and highest"
    )


BENCHMARK = Benchmark(
    name="evidence",
    title="95 % intervals of a candidate's value",
    prepare=prepare,
    contestants=(
        Contestant(name="uniform log", module="benchmarks.contestants.evidence_uniform"),
        Contestant(name="greedy log", module="benchmarks.contestants.evidence_greedy"),
        Contestant(name="Thompson log", module="benchmarks.contestants.evidence_thompson"),
    ),
    control="uniform log",
    rate="logs_per_second",
    columns=(
        Column(figure="dr_lowest", title="DR", digits=1),
        Column(figure="dr_highest", title="to", digits=1),
        Column(figure="dr_anytime_lowest", title="DR anytime", digits=1),
        Column(figure="ips_anytime_lowest", title="IPS anytime", digits=1),
        Column(figure="ips_lowest", title="IPS", digits=1),
        Column(figure="ips_highest", title="to", digits=1),
        Column(figure="snips_lowest", title="SNIPS", digits=1),
        Column(figure="snips_highest", title="to", digits=1),
        Column(figure="switch_dr_lowest", title="Switch-DR", digits=1),
        Column(figure="switch_dr_highest", title="to", digits=1),
    ),
    runs=1,
)
