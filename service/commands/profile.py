"""`homing profile`: who is who, and why; values are masked unless asked for whole."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import click
import orjson
from sqlalchemy.engine import Connection

from identity.graph import Graph, to_graphml, to_node_link
from service.commands.asked import Asked, as_of_option, asking
from service.commands.erasing import erase, export
from service.commands.histories import changes, history
from service.commands.judging import join, judgements, split, undo
from service.commands.options import Chosen, emit_json, json_option, named, with_settings
from service.commands.sentences import of_explanation
from service.judgements.judgement_answers import Teller
from service.profiles.graphs import profile_graph
from service.profiles.past import who
from service.profiles.portrait import portrait
from service.profiles.profile_answers import Shower
from service.schemas.profiles import ProfileShown


@click.group()
def profile() -> None:
    """Inspect who is who, and judge it."""


for command in (split, join, undo, judgements, history, changes, erase, export):
    profile.add_command(command)


@profile.command()
@asking
@as_of_option
@json_option
@with_settings
def show(
    chosen: Chosen,
    profile_id: str | None,
    namespace: str | None,
    value: str | None,
    as_of: datetime | None,
    *,
    pii: bool,
    as_json: bool,
) -> None:
    """Show a profile: identifiers, devices, endpoints, consents."""
    asked = Asked.of(profile_id, namespace, value)
    with chosen.homing() as homing:
        seen = homing.writer.submit(lambda conn: portrait(conn, homing, asked.find, as_of)).result()
        found = Shower(homing.rules, pii=pii).profile(seen)
    if as_json:
        emit_json(found.model_dump(by_alias=True))
        return
    for line in _lines(found):
        click.echo(line)


@profile.command()
@click.option("--from", "from_", metavar="NAMESPACE:VALUE", required=True, help="One identifier.")
@click.option("--to", metavar="NAMESPACE:VALUE", required=True, help="The other.")
@click.option("--pii", is_flag=True, help="Show values whole.")
@as_of_option
@json_option
@with_settings
def explain(chosen: Chosen, from_: str, to: str, as_of: datetime | None, *, pii: bool, as_json: bool) -> None:
    """Tell why two identifiers are in one profile, or why not: the way between them and its weakest cut."""
    with chosen.homing() as homing:
        left, right = named(homing, from_), named(homing, to)
        found = homing.writer.submit(lambda conn: who(homing.people, conn, as_of).explain(left, right)).result()
        told = Teller(homing.people.id_of, pii=pii).explanation(found)
    if as_json:
        emit_json(told.model_dump())
        return
    for line in of_explanation(told):
        click.echo(line)


@profile.command()
@asking
@as_of_option
@click.option("--format", "written", type=click.Choice(["graphml", "json"]), help="json unless told otherwise.")
@click.option("--out", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="A file instead of here.")
@json_option
@with_settings
def graph(
    chosen: Chosen,
    profile_id: str | None,
    namespace: str | None,
    value: str | None,
    as_of: datetime | None,
    *,
    written: str | None,
    out: Path | None,
    pii: bool,
    as_json: bool,
) -> None:
    """Write a profile's identifiers and links as a graph: node-link JSON, or GraphML for Gephi and the like."""
    if as_json and written == "graphml":
        raise click.UsageError("--json and --format graphml exclude each other; give one of them.")
    asked = Asked.of(profile_id, namespace, value)
    with chosen.homing() as homing:

        def job(conn: Connection) -> Graph:
            looking = who(homing.people, conn, as_of)
            view = asked.find(looking)
            return profile_graph(looking.component_of(view), view, homing.people.id_of, pii=pii)

        found = homing.writer.submit(job).result()
    text = to_graphml(found) if written == "graphml" else _json(found)
    if out is None:
        click.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{out} cannot be written ({error.strerror}); name another file") from error


def _json(found: Graph) -> str:
    return orjson.dumps(to_node_link(found), option=orjson.OPT_INDENT_2).decode() + "\n"


def _today(found: ProfileShown) -> str:
    if found.profile_id_today is None:
        return "nobody is known under this id"
    return "the same id" if found.profile_id_today == found.profile_id else f"part of {found.profile_id_today}"


def _lines(found: ProfileShown) -> Iterator[str]:
    """Write a profile for a person to read."""
    yield f"{found.profile_id}  {'person' if found.is_person else 'nobody known by name'}"
    if found.redirected_from is not None:
        yield f"  {found.redirected_from} was absorbed by it"
    if found.as_of is not None:
        yield f"  as of {found.as_of:%Y-%m-%d %H:%M:%S}Z; today {_today(found)}"
    yield f"  confidence {found.confidence:.2f}, timezone {found.timezone or 'unknown'}"
    for known in found.identifiers:
        yield (
            f"  {known.namespace:14} {known.value:28} {known.trust:9} seen {known.observations:,} times, "
            f"last {known.last_seen:%Y-%m-%d %H:%M}Z"
        )
    for device in found.devices:
        about = " ".join(filter(None, (device.kind, device.model, device.system))) or "unknown kind"
        yield f"  device         {device.device_id:28} {about}, last {device.last_seen:%Y-%m-%d %H:%M}Z"
    for endpoint in found.endpoints:
        can = "deliverable" if endpoint.deliverable else f"not deliverable: {endpoint.reason}"
        yield f"  endpoint       {endpoint.channel:28} {can}"
    for consent in found.consents:
        yield f"  consent        {consent.channel or 'every channel':28} {consent.purpose} {consent.state}"
    for warning in found.warnings:
        yield f"  warning        {warning.message}"
