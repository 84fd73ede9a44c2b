"""`homing profile`: who is who; values are masked unless asked for whole."""

from collections.abc import Iterator
from dataclasses import dataclass

import click
from sqlalchemy.engine import Connection

from service.commands.options import Chosen, emit_json, json_option, with_settings
from service.profile_answers import Shower
from service.reach import reach
from service.schemas.profiles import ProfileShown
from service.wiring import Homing


@click.group()
def profile() -> None:
    """Inspect who is who."""


@profile.command()
@click.option("--id", "profile_id", help="A profile's id; one that was absorbed shows the survivor.")
@click.option("--namespace", help="With --value: the kind of an identifier it holds, like email.")
@click.option("--value", help="With --namespace: the identifier's value.")
@click.option("--pii", is_flag=True, help="Show values whole.")
@json_option
@with_settings
def show(
    chosen: Chosen, profile_id: str | None, namespace: str | None, value: str | None, *, pii: bool, as_json: bool
) -> None:
    """Show a profile: identifiers, devices, endpoints, consents."""
    if (profile_id is None) == (namespace is None) or (namespace is None) != (value is None):
        raise click.UsageError("Name one profile: --id ID, or --namespace NAME with --value VALUE.")
    with chosen.homing() as homing:
        asked = _Asked(profile_id=profile_id, namespace=namespace or "", value=value or "")
        found = homing.writer.submit(lambda conn: _find(conn, homing, asked, pii=pii)).result()
    if found is None:
        raise click.ClickException("no such profile: this was never seen, or too many persons share it")
    if as_json:
        emit_json(found.model_dump(by_alias=True))
        return
    for line in _lines(found):
        click.echo(line)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A profile's id, or (None) an identifier that it holds."""

    profile_id: str | None
    namespace: str
    value: str


def _find(conn: Connection, homing: Homing, asked: _Asked, *, pii: bool) -> ProfileShown | None:
    if asked.profile_id is not None:
        view = homing.people.view(conn, asked.profile_id)
    else:
        view = homing.people.profile_of(conn, asked.namespace, asked.value)
    if view is None:
        return None
    return Shower(homing.rules, pii=pii).profile(view, reach(conn, view, homing.customer_rules))


def _lines(found: ProfileShown) -> Iterator[str]:
    """Write a profile for a person to read."""
    yield f"{found.profile_id}  {'person' if found.is_person else 'nobody known by name'}"
    if found.redirected_from is not None:
        yield f"  {found.redirected_from} was absorbed by it"
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
