"""What commands share: where the store and the settings are.

The store and all that stands on it are imported when a command opens them, for some commands never do.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, TypeVar

import click

from service.commands.results import emit_json, json_anyway, json_option
from service.errors import ApiError, StoreError

if TYPE_CHECKING:
    from identity.identifiers import Identifier
    from service.settings.settings import Configuration
    from service.store.database import Database
    from service.wiring import Homing

__all__ = ["Chosen", "config_option", "db_option", "emit_json", "json_anyway", "json_option", "named", "with_settings"]

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What the command line says of the store and the settings' file, before the command or after it."""

    db: str | None = None
    config: str | None = None

    def load(self, **flags: object) -> "Configuration":
        """Read all settings; `flags` are further ones of this command (None: not given)."""
        from service.settings.settings import load  # noqa: PLC0415 - see above

        return load(flags={"db": self.db, **flags}, environment=os.environ, config=self.config)

    @contextmanager
    def database(self, *, make: bool = False) -> Iterator["Database"]:
        """Open the store alone, for commands that need nothing else.

        StoreError where there is none, unless it is to be made.
        """
        from service.store.database import open_database  # noqa: PLC0415 - see above

        settings = self.load().settings
        if not make:
            _look_for_store(settings.db)
        database = open_database(settings.db)
        try:
            yield database
        finally:
            database.close()

    @contextmanager
    def homing(self, *, make: bool = False, to_rebuild: bool = False) -> Iterator["Homing"]:
        """Open the whole deployment, beside a server that may be running; `to_rebuild`: whatever rules it has.

        StoreError where there is no store, unless it is to be made.
        """
        from service.wiring import open_homing  # noqa: PLC0415 - see above

        settings = self.load().settings
        if not make:
            _look_for_store(settings.db)
        homing = open_homing(settings, to_rebuild=to_rebuild)
        try:
            yield homing
        finally:
            homing.close()


def _look_for_store(url: str) -> None:
    """Raise StoreError where there is no store: a mistyped name must not make an empty one."""
    from service.store.database import database_at  # noqa: PLC0415 - see above

    database = database_at(url)
    if database.revision() is None:
        raise StoreError("store_missing", f"{database.name}: there is no store; look at --db")


def named(homing: "Homing", text: str) -> "Identifier":
    """Read `NAMESPACE:VALUE`; a wrong one is a wrong use of the command."""
    from service.profiles.named import read_name  # noqa: PLC0415 - see above

    try:
        return read_name(text, homing.rules)
    except ApiError as error:
        raise click.UsageError(error.message) from error


def db_option(command: F) -> F:
    """Add `--db`."""
    return click.option("--db", metavar="URL", help="The store; sqlite:///homing.db unless set otherwise.")(command)


def config_option(command: F) -> F:
    """Add `--config`."""
    return click.option("--config", metavar="FILE", help="The settings; homing.toml if it is there.")(command)


def with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Add `--db` and `--config`, and hand what they say to the command as its first argument, a `Chosen`.

    Both may stand before the command's name as well; what stands after it counts.
    """

    def configured(context: click.Context, /, db: str | None, config: str | None, **arguments: Any) -> None:
        before: Chosen = context.find_object(Chosen) or Chosen()
        chosen = Chosen(db=before.db if db is None else db, config=before.config if config is None else config)
        command(chosen, **arguments)

    return db_option(config_option(update_wrapper(click.pass_context(configured), command)))
