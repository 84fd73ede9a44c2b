"""`homing rules`: linking rules tried on written cases and on the store, and brought into force."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from identity.cases import simulate as run_case
from identity.errors import IdentityError
from identity.rules import LinkingRules
from service.commands.checking_rules import check, rules_of
from service.commands.options import Chosen, with_settings
from service.commands.results import emit_json, json_option

if TYPE_CHECKING:
    from service.wiring import Homing


@click.group()
def rules() -> None:
    """Try linking rules on a written case or on the store, and bring them into force."""


@rules.command()
@click.argument("case", type=click.Path(path_type=Path))
@json_option
def simulate(case: Path, *, as_json: bool) -> None:
    """Tell who is who in CASE, a JSON file of rules and observations."""
    try:
        found = run_case(_read(case))
    except IdentityError as error:
        raise click.UsageError(f"{case}: {error}") from error
    if as_json:
        emit_json(found)
        return
    for line in _lines(found):
        click.echo(line)


rules.add_command(check)


@rules.command()
@click.argument("file", metavar="[RULES.toml]", type=click.Path(path_type=Path), required=False)
@json_option
@with_settings
def apply(chosen: Chosen, file: Path | None, *, as_json: bool) -> None:
    """Bring rules into force: those of RULES.toml, or those of the settings.

    The log is folded under them beside what is in force, in short transactions: a server goes on answering by the
    former rules, and by these from one moment on. Broken off, it goes on where it was when it is called again.
    """
    settings = chosen.load().settings
    wanted = None if file is None else rules_of(file, settings)
    with chosen.homing() as homing:
        blocks = _apply(homing, homing.wanted if wanted is None else wanted)
        other = wanted is not None and wanted != homing.wanted
    if as_json:
        emit_json({"changed": blocks is not None, "blocks": blocks})
    elif blocks is None:
        click.echo("These rules are in force already.")
    else:
        click.echo(f"In force: {blocks:,} blocks of the log are folded under these rules.")
    if other:
        click.echo(f"The settings still name others: set rules = {str(file)!r}, or `homing serve` goes back.", err=True)


def _apply(homing: "Homing", wanted: LinkingRules) -> int | None:
    """Do it behind a progress bar on stderr; None where there is nothing to do."""
    from service.folds import rules_to_come  # noqa: PLC0415 - the store comes with it, which `simulate` does without
    from service.folds.keep_rules import bring_in  # noqa: PLC0415 - see above

    if not homing.writer.submit(lambda conn: rules_to_come.want(conn, wanted)).result():
        homing.writer.submit(rules_to_come.give_up).result()
        return None
    with click.progressbar(length=1_000, label="folding", file=sys.stderr) as bar:
        for step in bring_in(homing):
            bar.update(int(1_000 * step.share) - bar.pos)
    if not step.done:
        raise click.ClickException("another command wants other rules by now; these are given up")
    return step.head


def _read(path: Path) -> dict[str, Any]:
    try:
        content = orjson.loads(path.read_bytes())
    except OSError as error:
        raise click.UsageError(f"{path} cannot be read: {error.strerror}; name a file of a written case.") from error
    except orjson.JSONDecodeError as error:
        raise click.UsageError(f"{path} is not JSON: {error}.") from error
    if not isinstance(content, dict):
        raise click.UsageError(f"{path} holds no case: a case is a JSON object with its observations.")
    return content


def _lines(found: dict[str, Any]) -> Iterator[str]:
    """Write an answer for a person to read."""
    for place, identifiers in enumerate(found["profiles"]):
        yield f"profile {place}: {', '.join(identifiers)} (founder {found['founders'][place]})"
    for refused in found["refused"]:
        yield f"not linked: {refused['left']} and {refused['right']} ({refused['reason']}, by {refused['by']})"
    for shared in found["shared"]:
        yield f"shared by too many: {shared['identifier']}"
    for owner in found["owners"]:
        whose = "nobody's" if owner["profile"] is None else f"profile {owner['profile']}'s"
        yield f"{owner['identifier']} was {whose} from {owner['from'] or 'ever'} to {owner['to'] or 'now'}"
    for rejected in found["rejected"]:
        yield f"rejected: {rejected['value']} ({rejected['reason']})"
    for warning in found["warnings"]:
        yield f"warning: {warning}"
