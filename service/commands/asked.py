"""How commands name a profile, and a moment of it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import click

from service.events.event_time import read_time
from service.profiles.past import Who
from service.profiles.profile_view import ProfileView

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A profile's id, or (None) an identifier that it holds."""

    profile_id: str | None
    namespace: str
    value: str

    @classmethod
    def of(cls, profile_id: str | None, namespace: str | None, value: str | None) -> "Asked":
        """Read the options; exactly one way of naming is allowed."""
        if (profile_id is None) == (namespace is None) or (namespace is None) != (value is None):
            raise click.UsageError("Name one profile: --id ID, or --namespace NAME with --value VALUE.")
        return cls(profile_id=profile_id, namespace=namespace or "", value=value or "")

    def find(self, looking: Who) -> ProfileView:
        """Find the profile."""
        if self.profile_id is not None:
            return looking.view(self.profile_id)
        return looking.profile_of(self.namespace, self.value)


def _moment(_context: click.Context, _parameter: click.Parameter, value: str | None) -> datetime | None:
    read = None if value is None else read_time(value)
    if value is not None and read is None:
        raise click.BadParameter("must be ISO 8601 like 2026-01-31T12:00:00Z, or seconds since 1970.")
    return read


as_of_option = click.option(
    "--as-of", metavar="MOMENT", callback=_moment, help="By what was known then, though more came since."
)


def asking(command: F) -> F:
    """Add the options that name a profile, and `--pii`."""
    return meaning(click.option("--pii", is_flag=True, help="Show values whole.")(command))


def meaning(command: F) -> F:
    """Add the options that name a profile."""
    for option in (
        click.option("--value", help="With --namespace: the identifier's value."),
        click.option("--namespace", help="With --value: the kind of an identifier it holds, like email."),
        click.option("--id", "profile_id", help="A profile's id; one that was absorbed shows the survivor."),
    ):
        command = option(command)
    return command
