"""Identity without a store or a network: at once, one by one, and beside mere connected components of the same."""

from benchmarks.collector import prepare
from benchmarks.records import Benchmark, Column, Contestant

BENCHMARK = Benchmark(
    name="identity",
    title="Observations resolved in memory",
    prepare=prepare,
    contestants=(
        Contestant(name="resolve", module="benchmarks.contestants.identity_resolve"),
        Contestant(name="incremental", module="benchmarks.contestants.identity_incremental"),
        Contestant(name="networkx", module="benchmarks.contestants.identity_components"),
    ),
    control="networkx",
    rate="observations_per_second",
    columns=(Column(figure="observations_per_second", title="observations/s"),),
)
