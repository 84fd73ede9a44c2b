"""`homing import`: files of events or observations go into the store; run again, it goes on where it was cut off."""

import sys
from pathlib import Path

import click

from identity.observations import Trust
from service.commands.options import Chosen, emit_json, json_option, with_settings
from service.imports.items import Origin
from service.imports.loading import MESSAGES, OBSERVATIONS, Loaded, can_be_loaded, load
from service.keys import NAME, NAMED
from service.wiring import Homing

STEPS = 1_000
"""How finely the progress bar tells the share done."""


def _files(_context: click.Context, _parameter: click.Parameter, value: tuple[Path, ...]) -> tuple[Path, ...]:
    endings = (*MESSAGES, *OBSERVATIONS)
    for path in value:
        if path.is_dir():
            ending = next((each for each in endings if path.name.endswith(each)), OBSERVATIONS[-1])
            raise click.BadParameter(f"{path} is a folder; name the files in it, as {path}/*{ending}.")
        if not can_be_loaded(path):
            allowed = ", ".join(endings)
            raise click.BadParameter(f"{path} has no ending that tells what it is; use one of {allowed}.")
    return value


def _source(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if not NAME.fullmatch(value):
        raise click.BadParameter(f"a source is of {NAMED}")
    return value


@click.command(name="import")
@click.argument(
    "files",
    nargs=-1,
    required=True,
    metavar="FILE...",
    type=click.Path(exists=True, path_type=Path),
    callback=_files,
)
@click.option(
    "--source",
    default="import",
    show_default=True,
    callback=_source,
    help="The source its facts are filed under. An event is known by source, trust and messageId.",
)
@click.option(
    "--trust",
    type=click.Choice(["asserted", "server", "verified"]),
    default="server",
    show_default=True,
    help="How far its facts are trusted, where a row does not say.",
)
@json_option
@with_settings
def import_(chosen: Chosen, files: tuple[Path, ...], source: str, trust: str, *, as_json: bool) -> None:
    """Bring files into the store: Segment messages as NDJSON, observations as CSV or Parquet.

    A row that cannot be taken is listed in FILE.rejects.ndjson with its line and the reason, and the rest goes on. The
    same file again changes nothing, so an import that was cut off is simply run again.
    """
    with chosen.homing(make=True) as homing:
        origin = Origin(source=source, trust=Trust.parse(trust), now=homing.clock.now())
        loaded = [_load(homing, path, origin) for path in files]
    if as_json:
        emit_json({"files": loaded})
    for each in () if as_json else loaded:
        click.echo(_line(each))


def _load(homing: Homing, path: Path, origin: Origin) -> Loaded:
    """Take one file in behind a progress bar on stderr."""
    with click.progressbar(length=STEPS, label=path.name, file=sys.stderr) as bar:
        return load(homing, path, origin, lambda done: bar.update(int(done * STEPS) - bar.pos))


def _line(loaded: Loaded) -> str:
    rejected = "none rejected" if loaded.rejects is None else f"{loaded.rejected:,} rejected, see {loaded.rejects}"
    dropped = f"{loaded.dropped:,} dropped (erased), " if loaded.dropped else ""
    return f"{loaded.file}: {loaded.accepted:,} taken, {loaded.duplicates:,} there before, {dropped}{rejected}"
