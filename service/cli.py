"""The command `homing`: 0 done, 1 failed, 2 wrongly used; a failure is one line that says what to do.

A command's module is imported only when the command runs, so that `homing --help` answers at once.
"""

import errno
import sys
from dataclasses import dataclass
from importlib import import_module
from typing import Any, NoReturn

import click

from service.errors import HomingError, SettingsError

FAILED = 1
MISUSED = 2
INTERRUPTED = 130

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a command is, `module:attribute`, and its line in the list of commands."""

    target: str
    help: str


COMMANDS: dict[str, Entry] = {
    "serve": Entry("service.commands.serve:serve", "Serve the API."),
    "demo": Entry("service.commands.demo:demo", "Load the sample shop, serve it, show one recommendation."),
    "import": Entry("service.commands.importing:import_", "Bring messages or observations into the store."),
    "resolve": Entry("service.commands.resolve:resolve", "Tell who is who in files, without a store."),
    "recommend": Entry("service.commands.recommend:recommend", "Tell where and when one message should go."),
    "abandonments": Entry("service.commands.abandonments:abandonments", "List carts left behind."),
    "profile": Entry("service.commands.profile:profile", "Inspect who is who."),
    "rules": Entry("service.commands.rules:rules", "Run linking rules on a written case."),
    "keys": Entry("service.commands.keys:keys", "Create, list and revoke API keys."),
    "config": Entry("service.commands.config:config", "Show the settings and where each came from."),
    "evaluate": Entry("service.commands.evaluate:evaluate", "Tell what a policy would have earned on a log."),
    "simulate": Entry("service.commands.simulate:simulate", "Compare policies in a simulated shop."),
    "rebuild": Entry("service.commands.rebuild:rebuild", "Throw the folds away and make them again from the logs."),
    "verify": Entry("service.commands.verify:verify", "Check the logs, their hash chain and the folds."),
    "backup": Entry("service.commands.backup:backup", "Write one moment of the store into a file."),
    "restore": Entry("service.commands.backup:restore", "Put a backup into an empty store, of either kind."),
    "migrate": Entry("service.commands.migrate:migrate", "Bring the store's schema up to this version."),
    "doctor": Entry("service.commands.doctor:doctor", "Look the deployment over; exit 1 on trouble."),
    "openapi": Entry("service.commands.openapi:openapi", "Print the API's OpenAPI document."),
}
"""Every command: add one line to plug one in."""


class Commands(click.Group):
    """The commands of the table above; they are told apart by name before any of them is imported."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Give the names in the table's order."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        """Import one command; None for a name that is not in the table."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module, _, attribute = entry.target.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """List the commands from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run a command and exit as this file's first line says; never returns."""
        try:
            result = super().main(*args, **{**extra, "standalone_mode": False})
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            sys.exit(MISUSED)
        except click.UsageError as error:
            _fail(_usage(error), MISUSED)
        except click.ClickException as error:
            _fail(error.format_message(), FAILED)
        except click.Abort:
            sys.exit(INTERRUPTED)
        except BrokenPipeError:
            # Whoever read our output has enough; the interpreter must not try to flush into it again.
            sys.stdout = None
            sys.exit(FAILED)
        except OSError as error:
            # Output has no file name; whatever else cannot be written, its command tells of itself.
            if error.errno not in _NO_ROOM or error.filename is not None:
                raise
            sys.stdout = None
            _fail(f"the output cannot be written ({error.strerror}); make room, or send it elsewhere", FAILED)
        except Exception as error:
            if not _meant(error):
                raise
            _fail(str(error), MISUSED if isinstance(error, SettingsError) else FAILED)
        sys.exit(result if isinstance(result, int) else 0)


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--db", metavar="URL", help="The store; sqlite:///homing.db unless set otherwise.")
@click.option("--config", metavar="FILE", help="The settings; homing.toml if it is there.")
@click.version_option(package_name="homing", message="%(prog)s %(version)s")
@click.pass_context
def cli(context: click.Context, db: str | None, config: str | None) -> None:
    """Who is who, where and when: the right person's device, channel and hour."""
    from service.commands.options import Chosen  # noqa: PLC0415 - only a command that runs needs it

    context.obj = Chosen(db=db, config=config)


def main() -> None:
    """Run `homing`."""
    cli.main(prog_name="homing")


def _meant(error: Exception) -> bool:
    """Tell whether an error is one of ours, and its text fit for a person."""
    from identity.errors import IdentityError  # noqa: PLC0415 - the whole core comes with it: not for `--help`

    return isinstance(error, HomingError | IdentityError)


def _usage(error: click.UsageError) -> str:
    command = error.ctx.command_path if error.ctx is not None else "homing"
    told = error.format_message().rstrip()
    return f"{told}{'' if told.endswith(('.', '!', '?')) else '.'} See `{command} --help`."


def _fail(message: str, code: int) -> NoReturn:
    click.echo(f"homing: {' '.join(message.split())}", err=True)
    sys.exit(code)
