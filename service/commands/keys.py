"""`homing keys`: who may call, and what for. A key's text is shown once, when it is made."""

import click

from identity.observations import Trust
from service import keys as service_keys
from service.clock import SystemClock
from service.commands.options import Chosen, emit_json, json_option, with_settings
from service.errors import HomingError
from service.keys import KeyRefused, NewKey, Scope
from service.store import keys as rows
from service.store.keys import KeyRow


@click.group()
def keys() -> None:
    """Create, list and revoke API keys."""


def _scopes(_context: click.Context, _parameter: click.Parameter, value: tuple[str, ...]) -> frozenset[Scope]:
    names = [name.strip() for part in value for name in part.split(",")]
    wrong = [name for name in names if name not in set(Scope)]
    if wrong:
        raise click.BadParameter(f"{wrong[0]!r} is no scope; there are {', '.join(Scope)}.")
    return frozenset(map(Scope, names))


@keys.command()
@click.option(
    "--scope", "scopes", multiple=True, required=True, callback=_scopes, help="What it may do; commas for several."
)
@click.option(
    "--trust",
    type=click.Choice(["asserted", "server"]),
    default="server",
    show_default=True,
    help="asserted: public, in a browser; server: secret.",
)
@click.option("--name", default="key", show_default=True, help="What people call it.")
@click.option("--source", help="The source that its facts are filed under; its name if left out.")
@json_option
@with_settings
def create(
    chosen: Chosen, scopes: frozenset[Scope], trust: str, name: str, source: str | None, *, as_json: bool
) -> None:
    """Make a key and show it, this once."""
    with chosen.database(make=True) as database, database.transaction() as conn:
        try:
            made = service_keys.create(
                conn, name=name, scopes=scopes, trust=Trust.parse(trust), at=SystemClock().now(), source=source
            )
        except KeyRefused as error:
            raise click.UsageError(str(error)) from error
    if as_json:
        emit_json(_made(made))
    else:
        click.echo(made.text)
        click.echo(f"{made.caller.key_id}: keep it now, it is not shown again", err=True)


@keys.command(name="list")
@json_option
@with_settings
def list_(chosen: Chosen, *, as_json: bool) -> None:
    """List all keys, the revoked too; their texts are not kept."""
    with chosen.database() as database, database.transaction(reads=True) as conn:
        kept = rows.every(conn)
    if as_json:
        emit_json([_listed(row) for row in kept])
    for row in () if as_json else kept:
        state = "live" if row.revoked_at is None else f"revoked {row.revoked_at:%Y-%m-%d %H:%M}Z"
        click.echo(f"{row.id}  {row.trust.name.lower():8}  {row.scopes.replace(' ', ',')}  {row.name}  {state}")


@keys.command()
@click.argument("key_id")
@json_option
@with_settings
def revoke(chosen: Chosen, key_id: str, *, as_json: bool) -> None:
    """Revoke a key for good, by its id; a running server refuses it within a second."""
    with chosen.database() as database, database.transaction() as conn:
        known = rows.revoke(conn, key_id, SystemClock().now())
    if not known:
        raise HomingError(f"there is no key {key_id}; `homing keys list` shows the ids")
    if as_json:
        emit_json({"id": key_id, "revoked": True})
    else:
        click.echo(f"{key_id} is revoked")


def _made(made: NewKey) -> dict[str, object]:
    caller = made.caller
    return {
        "id": caller.key_id,
        "key": made.text,
        "scopes": sorted(caller.scopes),
        "trust": caller.trust.name.lower(),
        "source": caller.source,
    }


def _listed(row: KeyRow) -> dict[str, object]:
    return {
        "id": row.id,
        "name": row.name,
        "source": row.source,
        "scopes": row.scopes.split(),
        "trust": row.trust.name.lower(),
        "created_at": row.created_at,
        "revoked_at": row.revoked_at,
    }
