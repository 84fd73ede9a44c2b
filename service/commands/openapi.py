"""`homing openapi`: the document that the service serves, made without a store."""

import click

from service.app import bare_app
from service.commands.results import emit_json, json_anyway


@click.command()
@json_anyway
def openapi() -> None:
    """Print the API's OpenAPI document as JSON."""
    emit_json(bare_app().openapi())
