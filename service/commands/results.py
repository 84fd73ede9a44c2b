"""How commands tell their results; light, for a command that needs no store imports nothing else."""

from collections.abc import Callable
from typing import Any, TypeVar

import click
import orjson

F = TypeVar("F", bound=Callable[..., Any])


def json_option(command: F) -> F:
    """Add `--json`, as the argument `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")(command)


def json_anyway(command: F) -> F:
    """Accept `--json` for a command that prints nothing else, so that callers may say it of all."""
    return click.option("--json", is_flag=True, expose_value=False, help="The result is JSON without it, too.")(command)


def emit_json(result: object) -> None:
    """Print a result as one JSON document, indented."""
    click.echo(orjson.dumps(result, option=orjson.OPT_INDENT_2).decode())
