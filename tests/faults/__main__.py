"""`python -m tests.faults [--long] [NAME…]`: run the proofs, print one table; exit code 1 if any does not hold."""

import sys
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import click
import orjson

from tests.faults.proofs import PROOFS, Result, Run
from tests.faults.table import table

SEED = 20251118


def _names(_context: click.Context, _parameter: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    for name in value:
        if name not in PROOFS:
            raise click.BadParameter(f"{name!r} is no proof; there are {', '.join(PROOFS)}.")
    return value or tuple(PROOFS)


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...", callback=_names)
@click.option("--long", "long", is_flag=True, help="As many cycles as the proof is worth, not as CI has time for.")
@click.option("--cycles", type=click.IntRange(min=1), help="So many cycles of each, whatever else is said.")
@click.option("--seed", type=int, default=SEED, show_default=True, help="What chance is seeded with.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Keep the table in this file too.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
def main(names: tuple[str, ...], *, long: bool, cycles: int | None, seed: int, out: Path | None, as_json: bool) -> None:
    """Run the fault proofs NAME (all of them if none is named) and print what came of them."""
    folder = Path(mkdtemp(prefix="homing-faults-"))
    results: list[Result] = []
    for name in names:
        proof = PROOFS[name]
        number = cycles if cycles is not None else (proof.long if long else proof.ci)
        click.echo(f"{name}: {proof.shows}, {number:,} cycles", err=True)
        started = time.monotonic()
        results += proof.prove(Run(cycles=number, folder=folder / name, seed=seed))
        click.echo(f"{name}: {time.monotonic() - started:.0f} s", err=True)
    click.echo(orjson.dumps([asdict(result) for result in results]).decode() if as_json else table(results))
    if long or out is not None:
        _keep(results, out, seed)
    if all(result.holds for result in results):
        rmtree(folder)
        sys.exit(0)
    click.echo(f"the stores and the servers' logs are in {folder}", err=True)
    sys.exit(1)


def _keep(results: list[Result], out: Path | None, seed: int) -> None:
    now = datetime.now(UTC)
    path = Path(f"fault-proofs-{now:%Y%m%d-%H%M}.txt") if out is None else out
    path.write_text(f"{now:%Y-%m-%d %H:%M}Z, seed {seed}\n\n{table(results)}\n", encoding="utf-8")
    click.echo(f"kept in {path.absolute()}", err=True)


if __name__ == "__main__":
    main()
