"""`homing migrate`: the schema is brought up at every opening; this does that alone, and says so."""

import click

from service.commands.options import Chosen, emit_json, json_option, with_settings
from service.store.database import database_at, open_database
from service.store.migrate import HEAD


@click.command()
@json_option
@with_settings
def migrate(chosen: Chosen, *, as_json: bool) -> None:
    """Bring the store's schema up to this version, in one transaction; make the store if there is none."""
    database = database_at(chosen.load().settings.db)
    before = database.revision()
    open_database(database.url).close()
    if as_json:
        emit_json({"from": before, "to": HEAD})
    elif before == HEAD:
        click.echo(f"{database.name} is at schema {HEAD} already")
    else:
        click.echo(f"{database.name} went from schema {before or 'none'} to {HEAD}")
