"""`homing profile split | join | undo | judgements`: an analyst's word, tried out first if wanted, and taken back."""

from collections.abc import Callable
from typing import Any, TypeVar

import click
from sqlalchemy.engine import Connection

from identity.judgements import JudgementKind
from service.commands.options import Chosen, emit_json, json_option, named, with_settings
from service.commands.sentences import of_judged, of_judgement
from service.judgements import judging
from service.judgements.judgement_answers import Teller
from service.judgements.judging import Judged, Saying
from service.schemas.judgements import JudgedShown
from service.wiring import Homing

SOURCE = "analyst"
"""The source under which a word said at the command line stands in the log."""

F = TypeVar("F", bound=Callable[..., Any])


def _saying(command: F) -> F:
    """Add what all that change something share."""
    for option in (
        click.option("--pii", is_flag=True, help="Show values whole."),
        click.option("--dry-run", is_flag=True, help="Tell what would change, and change nothing."),
    ):
        command = option(command)
    return command


_REASON = click.option("--reason", default="", help="Why; kept with the judgement.")


@click.command()
@click.option(
    "--identifier", "parted", metavar="NAMESPACE:VALUE", required=True, multiple=True, help="Who goes; repeatable."
)
@_REASON
@_saying
@json_option
@with_settings
def split(chosen: Chosen, parted: tuple[str, ...], reason: str, *, dry_run: bool, pii: bool, as_json: bool) -> None:
    """Part identifiers from the rest of the profile that holds them."""
    with chosen.homing() as homing:
        some = [named(homing, text) for text in parted]
        saying = _now(homing, reason, dry_run=dry_run)
        told = _told(
            homing, lambda conn: judging.split_off(conn, homing.people, some, saying), dry_run=dry_run, pii=pii
        )
    _print(told, as_json=as_json)


@click.command()
@click.argument("left", metavar="NAMESPACE:VALUE")
@click.argument("right", metavar="NAMESPACE:VALUE")
@click.option("--never", is_flag=True, help="The contrary: they never are one person's.")
@_REASON
@_saying
@json_option
@with_settings
def join(
    chosen: Chosen, left: str, right: str, reason: str, *, never: bool, dry_run: bool, pii: bool, as_json: bool
) -> None:
    """Say that two identifiers belong together, or (--never) that they never do."""
    kind = JudgementKind.CANNOT_LINK if never else JudgementKind.MUST_LINK
    with chosen.homing() as homing:
        ends = named(homing, left), named(homing, right)
        saying = _now(homing, reason, dry_run=dry_run)
        told = _told(
            homing, lambda conn: judging.link(conn, homing.people, kind, ends, saying), dry_run=dry_run, pii=pii
        )
    _print(told, as_json=as_json)


@click.command()
@click.argument("judgement_id")
@_saying
@json_option
@with_settings
def undo(chosen: Chosen, judgement_id: str, *, dry_run: bool, pii: bool, as_json: bool) -> None:
    """Let a judgement count no more; what it overruled counts again."""
    with chosen.homing() as homing:
        saying = _now(homing, "", dry_run=dry_run)
        told = _told(
            homing, lambda conn: judging.undo(conn, homing.people, judgement_id, saying), dry_run=dry_run, pii=pii
        )
    _print(told, as_json=as_json, undone=True)


@click.command()
@click.option("--pii", is_flag=True, help="Show values whole.")
@json_option
@with_settings
def judgements(chosen: Chosen, *, pii: bool, as_json: bool) -> None:
    """List the judgements in force, oldest first."""
    with chosen.homing() as homing:
        found = homing.writer.submit(lambda conn: judging.standing(conn, homing.people)).result()
        teller = Teller(homing.people.id_of, pii=pii)
        told = [teller.judgement(each) for each in found]
    if as_json:
        emit_json({"judgements": [each.model_dump() for each in told]})
        return
    for each in told:
        click.echo(of_judgement(each))


def _now(homing: Homing, reason: str, *, dry_run: bool) -> Saying:
    return Saying(source=SOURCE, now=homing.clock.now(), reason=reason, dry_run=dry_run)


def _told(homing: Homing, job: Callable[[Connection], Judged], *, dry_run: bool, pii: bool) -> JudgedShown:
    return Teller(homing.people.id_of, pii=pii).judged(homing.writer.submit(job).result(), dry_run=dry_run)


def _print(told: JudgedShown, *, as_json: bool, undone: bool = False) -> None:
    if as_json:
        emit_json(told.model_dump())
        return
    for line in of_judged(told, undone=undone):
        click.echo(line)
