"""`homing profile erase | export`: somebody is erased for good, or given all that is kept of them."""

import sys
from collections.abc import Iterator
from pathlib import Path

import click
import orjson
from sqlalchemy.engine import Connection

from identity.identifiers import Identifier
from service.commands.asked import Asked, meaning
from service.commands.options import Chosen, emit_json, json_anyway, json_option, named, with_settings
from service.erasures import erasing, erasure_answers
from service.erasures.erasing import Erasing
from service.erasures.exporting import Export
from service.erasures.exporting import export as export_profile
from service.profiles.past import who
from service.schemas.erasures import ErasureShown
from service.wiring import Homing

SOURCE = "analyst"
"""The source under which an erasure said at the command line stands in the log."""


@click.command()
@click.argument("identifiers", metavar="[NAMESPACE:VALUE]...", nargs=-1)
@meaning
@click.option("--dry-run", is_flag=True, help="Tell what would be erased, and erase nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@with_settings
def erase(
    chosen: Chosen,
    identifiers: tuple[str, ...],
    profile_id: str | None,
    namespace: str | None,
    value: str | None,
    *,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Erase everybody who holds one of these identifiers, for good: profile, events, decisions, outcomes.

    The person's devices begin anew, other people's profiles stay. What is imported or sent of the erased later is
    dropped, unless a server tells of something that happened after the erasure. At a terminal it asks before it does,
    unless told --yes.
    """
    asked = None if identifiers else Asked.of(profile_id, namespace, value)
    if identifiers and (profile_id, namespace, value) != (None, None, None):
        raise click.UsageError(
            "Name whom to erase in one way: NAMESPACE:VALUE..., or --id, or --namespace and --value."
        )
    with chosen.homing() as homing:
        given = frozenset(named(homing, text) for text in identifiers) if asked is None else _members(homing, asked)
        if dry_run or (not (yes or as_json) and sys.stdin.isatty()):
            tried = _planned(homing, given)
            _tell(tried, as_json=as_json)
            if dry_run:
                return
            click.confirm("Erase that for good?", abort=True, err=True)
        _tell(_erased(homing, given), as_json=as_json)


@click.command()
@meaning
@click.option("--out", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="A file instead of here.")
@json_anyway
@with_settings
def export(
    chosen: Chosen, profile_id: str | None, namespace: str | None, value: str | None, *, out: Path | None
) -> None:
    """Write all that is kept of a person as JSON, nothing masked: what an erasure would destroy."""
    asked = Asked.of(profile_id, namespace, value)
    with chosen.homing() as homing:

        def job(conn: Connection) -> Export:
            return export_profile(conn, homing, asked.find, homing.clock.now())

        found = homing.writer.submit(job).result()
    if out is None:
        emit_json(found.model_dump(by_alias=True))
        return
    try:
        out.touch(mode=0o600)
        out.write_bytes(orjson.dumps(found.model_dump(by_alias=True), option=orjson.OPT_INDENT_2) + b"\n")
    except OSError as error:
        raise click.ClickException(f"{out} cannot be written ({error.strerror}); name another file") from error


def _members(homing: Homing, asked: Asked) -> frozenset[Identifier]:
    def job(conn: Connection) -> frozenset[Identifier]:
        return frozenset(asked.find(who(homing.people, conn, None)).profile.identifiers)

    return homing.writer.submit(job).result()


def _planned(homing: Homing, given: frozenset[Identifier]) -> ErasureShown:
    now = homing.clock.now()
    plan = homing.writer.submit(lambda conn: erasing.cover(conn, homing, given, now)).result()
    return erasure_answers.planned(plan, now, homing.database)


def _erased(homing: Homing, given: frozenset[Identifier]) -> ErasureShown:
    asked = Erasing(given=given, source=SOURCE, now=homing.clock.now())
    name, plan = homing.writer.submit(lambda conn: erasing.erase(conn, homing, asked)).result()
    erasing.purge_at_once(homing)
    found = homing.writer.submit(lambda conn: erasing.stands(conn, name)).result()
    if found is None:
        raise click.ClickException("the erasure is gone from the log; run `homing verify`")
    return erasure_answers.told(found, homing.database, plan)


def _tell(told: ErasureShown, *, as_json: bool) -> None:
    if as_json:
        emit_json(told.model_dump())
        return
    for line in _lines(told):
        click.echo(line)


def _lines(told: ErasureShown) -> Iterator[str]:
    """Write an erasure for a person to read."""
    counts = (
        ", ".join(f"{number:,} {kind}" for kind, number in told.covered.items() if number) or "nothing known so far"
    )
    if told.erasure_id is None:
        yield f"This would be erased: {counts}."
    else:
        yield f"{told.erasure_id}: {counts} erased at {told.at:%Y-%m-%d %H:%M}Z."
    if told.open_decisions:
        be = "would be" if told.erasure_id is None else "are"
        yield f"{len(told.open_decisions):,} decisions not sent yet {be} suppressed: {', '.join(told.open_decisions)}"
    if told.erasure_id is not None:
        yield "It may still be found in:"
        yield from (f"  {place}" for place in told.remains)
