"""README names every command, route and setting, and its Python does what it says."""

import io
import re
from contextlib import redirect_stdout
from pathlib import Path

import click
import pytest

from identity.rules import LinkingRules
from service.app import bare_app
from service.cli import COMMANDS, cli
from service.settings.settings import load

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
PYTHON = [block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "segment.analytics" not in block]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_named(name: str) -> None:
    """Each command stands in the table of commands, each of its subcommands beside it."""
    command = cli.get_command(click.Context(cli), name)
    assert f"`homing {name}" in README
    for inner in command.commands if isinstance(command, click.Group) else ():
        assert re.search(rf"`homing {name} [^`]*\b{inner}\b", README), f"{name} {inner}"


@pytest.mark.parametrize("route", sorted(bare_app().openapi()["paths"]))
def test_every_route_is_named(route: str) -> None:
    """Each route of the OpenAPI document stands in the table of routes."""
    assert route in README


def test_every_setting_is_named() -> None:
    """Each setting that `config show` tells stands in the table of settings."""
    shown = load(flags={}, environment={}, config=None).shown
    missing = [one.key for one in shown if not re.search(rf"`{re.escape(one.key)}`", README)]
    assert not missing


def test_every_rule_is_named() -> None:
    """Each rule stands in the chapter on who is who."""
    names = [name for name in LinkingRules.__dataclass_fields__ if name not in ("namespaces", "junk")]
    assert not [name for name in names if f"`{name}`" not in README]


@pytest.mark.parametrize("block", PYTHON, ids=["identity", "selector"])
def test_python_runs(block: str) -> None:
    """Each Python block runs, and prints what its comment says it prints."""
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(compile(block, "README.md", "exec"), {})  # noqa: S102 - our own README
    for wanted in re.findall(r"^# (\[.*)$", block, re.MULTILINE):
        assert printed.getvalue().strip() == wanted
    assert printed.getvalue()
