"""`python -m benchmarks [NAME…] [--quick] [--json]`: the table on stdout, progress on stderr."""

import click
import orjson

from benchmarks import collector, evidence, identity, recommend, select
from benchmarks.interleaved import ContestantFailed, run
from benchmarks.machine import this_machine
from benchmarks.records import FULL, QUICK, Benchmark, Result
from benchmarks.table import document, table

BENCHMARKS = {
    each.name: each
    for each in (
        collector.BENCHMARK,
        recommend.BENCHMARK,
        identity.BENCHMARK,
        evidence.BENCHMARK,
        select.BENCHMARK,
    )
}
HOURS_LONG = frozenset({evidence.BENCHMARK.name, select.BENCHMARK.name})
"""Benchmarks that run only if they are named."""


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(BENCHMARKS)), metavar="[NAME]...")
@click.option("--quick", is_flag=True, help="A small shop, one round: to see that it works.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, every run in it.")
def main(names: tuple[str, ...], *, quick: bool, as_json: bool) -> None:
    """Measure Homing beside its controls: collector, recommend, identity; evidence and select (long) if named."""
    machine = this_machine()
    results: list[Result] = []
    for name in names or [name for name in BENCHMARKS if name not in HOURS_LONG]:
        result = _run(BENCHMARKS[name], quick=quick)
        results.append(result)
        if not as_json:
            click.echo(f"{table(result)}\n")
    click.echo(orjson.dumps(document(machine, results), option=orjson.OPT_INDENT_2) if as_json else str(machine))


def _run(benchmark: Benchmark, *, quick: bool) -> Result:
    try:
        return run(benchmark, QUICK if quick else FULL, lambda told: click.echo(told, err=True))
    except ContestantFailed as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main(prog_name="python -m benchmarks")
