"""`homing config`: what the deployment is set to."""

import click
import orjson

from service.commands.options import Chosen, emit_json, json_option, with_settings


@click.group()
def config() -> None:
    """Show the settings."""


@config.command()
@json_option
@with_settings
def show(chosen: Chosen, *, as_json: bool) -> None:
    """Show every setting's value and where it came from; secrets are only told to be there."""
    shown = chosen.load().shown
    if as_json:
        emit_json({one.key: {"value": one.value, "source": one.source} for one in shown})
        return
    width = max(len(one.key) for one in shown)
    for one in shown:
        value = one.value if one.value == "(hidden)" else orjson.dumps(one.value, default=str).decode()
        click.echo(f"{one.key:{width}}  {value}  ({one.source})")
