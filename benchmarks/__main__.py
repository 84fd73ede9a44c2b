"""`python -m benchmarks [NAME…] [--quick] [--json] [--edges …] [--png FILE]`: tables on stdout, progress on stderr."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
import orjson

from benchmarks import choose, collector, evidence, half, identity, recommend, resolve, select, startup, storm
from benchmarks.chart import draw
from benchmarks.interleaved import ContestantFailed, run
from benchmarks.machine import this_machine
from benchmarks.records import FULL, QUICK, Benchmark, Result, Size
from benchmarks.selecting import MOST_SHOPS
from benchmarks.table import document, table

BENCHMARKS = {
    each.name: each
    for each in (
        collector.BENCHMARK,
        recommend.BENCHMARK,
        half.BENCHMARK,
        identity.BENCHMARK,
        startup.BENCHMARK,
        resolve.BENCHMARK,
        evidence.BENCHMARK,
        select.BENCHMARK,
        storm.BENCHMARK,
        choose.BENCHMARK,
    )
}
HOURS_LONG = frozenset(
    each.name
    for each in (
        half.BENCHMARK,
        resolve.BENCHMARK,
        evidence.BENCHMARK,
        select.BENCHMARK,
        storm.BENCHMARK,
        choose.BENCHMARK,
    )
)
"""Benchmarks that run only if they are named; `half` and `choose` take but minutes."""

_SHARES = {"without": (0.0,), "with": (resolve.CONTESTED,), "both": (0.0, resolve.CONTESTED)}
_PEERS = (*resolve.PEERS, *select.PEERS)
_LETTERS = {"K": 1_000, "M": 1_000_000}


class Count(click.ParamType[int]):
    """A number, in thousands or millions with K or M behind it; 100 at least."""

    name = "count"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read it."""
        if isinstance(value, int):
            return value
        text = str(value).upper()
        digits, unit = (text[:-1], _LETTERS[text[-1]]) if text[-1:] in _LETTERS else (text, 1)
        if not digits.isdigit() or int(digits) * unit < 100:
            self.fail(f"{value!r} is no number of links; write one like 400, 500K or 10M", param, ctx)
        return int(digits) * unit


class Names(click.ParamType[tuple[str, ...]]):
    """Some peers, commas between them, or none."""

    name = "names"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Read them."""
        if isinstance(value, tuple):
            return value
        names = () if value == "none" else tuple(name.strip() for name in value.split(","))
        unknown = [name for name in names if name not in _PEERS]
        if unknown:
            self.fail(f"{unknown[0]!r} is none of {', '.join(_PEERS)}", param, ctx)
        return names


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(BENCHMARKS)), metavar="[NAME]...")
@click.option("--quick", is_flag=True, help="A small shop, one round: to see that it works.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, every run in it.")
@click.option("--edges", multiple=True, type=Count(), help="Links that `resolve` is measured with, as 10M; repeatable.")
@click.option(
    "--peers",
    type=Names(),
    help=f"Beside whom `resolve` is measured (none, or of {','.join(resolve.PEERS)}), and who plays in `select` (of "
    f"{','.join(select.PEERS)}).",
)
@click.option(
    "--contested", type=click.Choice(["without", "with", "both"]), default="both", help="Which links `resolve` gets."
)
@click.option("--rounds", type=click.IntRange(1), help="How often each contestant of `resolve` runs.")
@click.option("--png", type=click.Path(dir_okay=False, path_type=Path), help="Also draw what `resolve` took.")
@click.option("--seeds", type=click.IntRange(2, MOST_SHOPS), help="Shops that `select` is played in; ten otherwise.")
def main(
    names: tuple[str, ...],
    *,
    quick: bool,
    as_json: bool,
    edges: tuple[int, ...],
    peers: tuple[str, ...] | None,
    contested: str,
    rounds: int | None,
    png: Path | None,
    seeds: int | None,
) -> None:
    """Measure Homing beside its controls: the first four of them, or those that are named."""
    machine = this_machine()
    results: list[Result] = []
    wanted = names or tuple(name for name in BENCHMARKS if name not in HOURS_LONG)
    part = resolve.Part(edges=edges, peers=_of(resolve.PEERS, peers), contested=_SHARES[contested], rounds=rounds)
    asked = [] if peers is None else list(_of(select.PEERS, peers))
    try:
        select_case = select.case(QUICK if quick else FULL, seeds, asked)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    for benchmark, size in _cases(wanted, part, select_case, quick=quick):
        result = _run(benchmark, size)
        results.append(result)
        if not as_json:
            click.echo(f"{table(result)}\n")
    if png is not None:
        draw(results, png)
    click.echo(orjson.dumps(document(machine, results), option=orjson.OPT_INDENT_2) if as_json else str(machine))


def _of(known: Iterable[str], asked: tuple[str, ...] | None) -> tuple[str, ...]:
    """Give those of a benchmark's peers that are asked for: all of them unless any are named."""
    return tuple(name for name in known if asked is None or name in asked)


def _cases(
    names: tuple[str, ...], part: resolve.Part, select_case: tuple[Benchmark, Size], *, quick: bool
) -> list[tuple[Benchmark, Size]]:
    size = QUICK if quick else FULL
    found: list[tuple[Benchmark, Size]] = []
    for name in names:
        benchmark = BENCHMARKS[name]
        if benchmark is select.BENCHMARK:
            found.append(select_case)
        else:
            found += resolve.cases(size, part, quick=quick) if benchmark is resolve.BENCHMARK else [(benchmark, size)]
    return found


def _run(benchmark: Benchmark, size: Size) -> Result:
    try:
        return run(benchmark, size, lambda told: click.echo(told, err=True))
    except ContestantFailed as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main(prog_name="python -m benchmarks")
