"""How commands are told which profile is meant: by its id, or by an identifier that it holds."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click
from sqlalchemy.engine import Connection

from service.people import ProfileView
from service.wiring import Homing

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

    def find(self, conn: Connection, homing: Homing) -> ProfileView:
        """Find the profile."""
        if self.profile_id is not None:
            view = homing.people.view(conn, self.profile_id)
        else:
            view = homing.people.profile_of(conn, self.namespace, self.value)
        if view is None:
            raise click.ClickException("no such profile: this was never seen, or too many persons share it")
        return view


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
