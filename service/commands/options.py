"""What commands share: where the store and the settings are, and how results are told."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import update_wrapper
from typing import Any, TypeVar

import click
import orjson

from service.settings import Configuration, load
from service.store.database import Database, open_database
from service.wiring import Homing, open_homing

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What the command line says of the store and the settings' file, before the command or after it."""

    db: str | None = None
    config: str | None = None

    def load(self, **flags: object) -> Configuration:
        """Read all settings; `flags` are further ones of this command (None: not given)."""
        return load(flags={"db": self.db, **flags}, environment=os.environ, config=self.config)

    @contextmanager
    def database(self) -> Iterator[Database]:
        """Open the store alone, for commands that need nothing else."""
        database = open_database(self.load().settings.db)
        try:
            yield database
        finally:
            database.close()

    @contextmanager
    def homing(self) -> Iterator[Homing]:
        """Open the whole deployment, beside a server that may be running."""
        homing = open_homing(self.load().settings)
        try:
            yield homing
        finally:
            homing.close()


def db_option(command: F) -> F:
    """Add `--db`."""
    return click.option("--db", metavar="URL", help="The store; sqlite:///homing.db unless set otherwise.")(command)


def config_option(command: F) -> F:
    """Add `--config`."""
    return click.option("--config", metavar="FILE", help="The settings; homing.toml if it is there.")(command)


def json_option(command: F) -> F:
    """Add `--json`, as the argument `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")(command)


def with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Add `--db` and `--config`, and hand what they say to the command as its first argument, a `Chosen`.

    Both may stand before the command's name as well; what stands after it counts.
    """

    def configured(context: click.Context, /, db: str | None, config: str | None, **arguments: Any) -> None:
        before: Chosen = context.find_object(Chosen) or Chosen()
        chosen = Chosen(db=before.db if db is None else db, config=before.config if config is None else config)
        command(chosen, **arguments)

    return db_option(config_option(update_wrapper(click.pass_context(configured), command)))


def emit_json(result: object) -> None:
    """Print a result as one JSON document, indented."""
    click.echo(orjson.dumps(result, option=orjson.OPT_INDENT_2).decode())
