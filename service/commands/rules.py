"""`homing rules`: linking rules tried on written cases (CONTRACT 5), without a store."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import orjson

from identity.cases import simulate as run_case
from identity.errors import IdentityError
from service.commands.results import emit_json, json_option


@click.group()
def rules() -> None:
    """Run linking rules on a written case."""


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
