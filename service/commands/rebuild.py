"""`homing rebuild`: the folds are made again from the logs; what people see changes with the rules alone."""

import sys

import click

from service.commands.options import Chosen, emit_json, json_option, with_settings
from service.folds.rebuild import Rebuilt, to_fold
from service.folds.rebuild import rebuild as fold_again
from service.wiring import Homing


@click.command()
@json_option
@with_settings
def rebuild(chosen: Chosen, *, as_json: bool) -> None:
    """Throw the folds away and make them again from the logs, under the rules of the settings, in one transaction.

    A server that runs beside it cannot write meanwhile, and tells its clients to come again; then it goes by those
    rules, too. `homing rules apply` brings rules into force without that wait.
    """
    with chosen.homing(to_rebuild=True) as homing:
        made = _rebuild(homing)
    if as_json:
        emit_json(made)
    else:
        click.echo(
            f"{made.facts:,} facts and {made.entries:,} log entries gave {made.identifiers:,} identifiers "
            f"in {made.profiles:,} profiles"
        )


def _rebuild(homing: Homing) -> Rebuilt:
    """Do it behind a progress bar on stderr."""
    length = homing.writer.submit(to_fold).result()
    with click.progressbar(length=length, label="folding", file=sys.stderr) as bar:
        return homing.writer.submit(lambda conn: fold_again(conn, homing.people, bar.update)).result()
