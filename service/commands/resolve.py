"""`homing resolve`: who is who in files, without a store."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from service import secret
from service.clock import SystemClock
from service.commands.options import Chosen, emit_json, json_option, with_settings
from service.resolving import batch
from service.settings.settings import Settings
from service.store.location import sqlite_path
from service.wiring import linking_rules

_UNITS = {"MIB": 2**20, "GIB": 2**30, "TIB": 2**40, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([MGT]I?B)", re.IGNORECASE)


def _size(_context: click.Context, _parameter: click.Parameter, value: str | None) -> int | None:
    """Read a size in bytes."""
    if value is None:
        return None
    read = _SIZE.fullmatch(value.strip())
    size = 0 if read is None else int(float(read[1]) * _UNITS[read[2].upper()])
    if size < batch.LEAST:
        raise click.BadParameter(f"{value!r} is none; write a size like 4GiB, of {batch.LEAST // 2**20}MiB at least")
    return size


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option(
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the profiles go: .parquet, .csv or .ndjson. refused.parquet and summary.json appear beside it.",
)
@click.option("--rules", metavar="FILE", help="Linking rules as TOML; those of the settings unless given.")
@click.option(
    "--explain", is_flag=True, help="Also write links.parquet: every pair seen together, and what became of it."
)
@click.option(
    "--engine",
    type=click.Choice(["local", "spark"]),
    default="local",
    show_default=True,
    help="This machine, or a Spark cluster (needs homing[spark]).",
)
@click.option(
    "--memory",
    callback=_size,
    metavar="SIZE",
    help="What to take at most, as 4GiB or 1500MiB; the rest waits beside the output. Replaying contested components "
    "and --explain may take more. Default: 0.6 of the machine's.",
)
@click.option("--master", default="local[*]", show_default=True, help="The cluster, for --engine spark.")
@json_option
@with_settings
def resolve(
    chosen: Chosen,
    inputs: tuple[str, ...],
    out: Path,
    rules: str | None,
    *,
    engine: str,
    memory: int | None,
    master: str,
    explain: bool,
    as_json: bool,
) -> None:
    """Tell who is who in INPUT: Parquet, CSV or NDJSON files (or globs) of observations or of links.

    Observations: the columns observation, namespace, value, one row an identifier; links: left, right, each
    namespace:value. Both may have observed_at and trust. A row that names nobody is counted in summary.json with its
    reason. The same secret gives the same profile ids as a store.
    """
    settings = chosen.load(rules=rules).settings
    known = secret.for_output(out, _store(settings), settings.secret)
    asked = batch.Batch(
        inputs=batch.found(inputs),
        out=out,
        rules=linking_rules(settings),
        key=known.derive("profiles"),
        now=SystemClock().now(),
        explain=explain,
        held=None if memory is None else batch.Held.within(memory),
        ready=lambda: secret.keep(known),
    )
    steps = batch.Steps(lambda step: click.echo(f"{step} …", err=True))
    summary = batch.run(asked, steps) if engine == "local" else _on_spark(asked, steps, master)
    if as_json:
        emit_json(summary)
        return
    click.echo(
        f"{out}: {summary['identifiers']:,} identifiers of {summary['profiles']:,} profiles, "
        f"from {summary['rows']:,} rows"
    )
    for line in _notes(summary, out):
        click.echo(line)


def _on_spark(asked: batch.Batch, steps: batch.Steps, master: str) -> dict[str, Any]:
    """Run on a cluster."""
    if asked.explain:
        raise click.UsageError("--explain works with --engine local alone.")
    try:
        from service.resolving.spark import run  # noqa: PLC0415 - an extra, and it takes a second
    except ImportError as error:
        raise click.ClickException("--engine spark needs pyspark: pip install 'homing[spark]'") from error
    return run(asked, steps, master)


def _notes(summary: Mapping[str, Any], out: Path) -> list[str]:
    """Say what a person should look at."""
    rejected, hubs = sum(summary["rejected"].values()), summary["hubs"]
    told = []
    if rejected:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in summary["rejected"].items())
        told.append(f"{rejected:,} identifiers name nobody: {reasons}")
    if summary["refused"]:
        told.append(f"{summary['refused']:,} links refused, see {out.with_name(batch.REFUSED)}")
    if hubs["shared"] or hubs["flooded"]:
        told.append(f"{hubs['shared'] + hubs['flooded']:,} hubs link nobody, see {out.with_name(batch.SUMMARY)}")
    return told


def _store(settings: Settings) -> Path | None:
    """Give the store's file, if the settings name one."""
    try:
        return sqlite_path(settings.db)
    except ValueError:
        return None
