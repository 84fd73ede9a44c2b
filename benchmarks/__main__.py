"""`python -m benchmarks [NAME…] [--quick] [--json] [--rows …] [--png FILE]`: tables on stdout, progress on stderr."""

from pathlib import Path

import click
import orjson

from benchmarks import choose, collector, evidence, identity, recommend, resolve, select, startup
from benchmarks.chart import draw
from benchmarks.interleaved import ContestantFailed, run
from benchmarks.machine import this_machine
from benchmarks.records import FULL, QUICK, Benchmark, Result, Size
from benchmarks.table import document, table

BENCHMARKS = {
    each.name: each
    for each in (
        collector.BENCHMARK,
        recommend.BENCHMARK,
        identity.BENCHMARK,
        startup.BENCHMARK,
        resolve.BENCHMARK,
        evidence.BENCHMARK,
        select.BENCHMARK,
        choose.BENCHMARK,
    )
}
HOURS_LONG = frozenset({resolve.BENCHMARK.name, evidence.BENCHMARK.name, select.BENCHMARK.name, choose.BENCHMARK.name})
"""Benchmarks that run only if they are named; `choose` takes but minutes."""


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(BENCHMARKS)), metavar="[NAME]...")
@click.option("--quick", is_flag=True, help="A small shop, one round: to see that it works.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, every run in it.")
@click.option(
    "--rows", multiple=True, type=click.IntRange(100), help="Links that `resolve` is measured with; repeatable."
)
@click.option("--png", type=click.Path(dir_okay=False, path_type=Path), help="Also draw what `resolve` took.")
def main(names: tuple[str, ...], *, quick: bool, as_json: bool, rows: tuple[int, ...], png: Path | None) -> None:
    """Measure Homing beside its controls: the first four of them, or those that are named."""
    machine = this_machine()
    results: list[Result] = []
    wanted = names or tuple(name for name in BENCHMARKS if name not in HOURS_LONG)
    for benchmark, size in _cases(wanted, rows, quick=quick):
        result = _run(benchmark, size)
        results.append(result)
        if not as_json:
            click.echo(f"{table(result)}\n")
    if png is not None:
        draw(results, png)
    click.echo(orjson.dumps(document(machine, results), option=orjson.OPT_INDENT_2) if as_json else str(machine))


def _cases(names: tuple[str, ...], rows: tuple[int, ...], *, quick: bool) -> list[tuple[Benchmark, Size]]:
    size = QUICK if quick else FULL
    found: list[tuple[Benchmark, Size]] = []
    for name in names:
        benchmark = BENCHMARKS[name]
        found += resolve.cases(size, rows, quick=quick) if benchmark is resolve.BENCHMARK else [(benchmark, size)]
    return found


def _run(benchmark: Benchmark, size: Size) -> Result:
    try:
        return run(benchmark, size, lambda told: click.echo(told, err=True))
    except ContestantFailed as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main(prog_name="python -m benchmarks")
