"""`homing serve`."""

import sys
from contextlib import closing
from functools import partial

import click

from service.commands.options import Chosen, with_settings
from service.learning.learner import keep_learning
from service.store.database import database_at
from service.web.serving import address, bind, run
from service.web.workers import beside, run_workers
from service.wiring import open_homing


@click.command()
@click.option("--host", help="The address to serve on; 127.0.0.1 unless set otherwise.")
@click.option("--port", type=int, help="The port; 8080 unless set otherwise, 0 for any free one.")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Processes; one on SQLite, several on PostgreSQL.",
)
@with_settings
def serve(chosen: Chosen, host: str | None, port: int | None, workers: int) -> None:
    """Serve the API until Ctrl-C or SIGTERM; what was acknowledged is kept."""
    settings = chosen.load(host=host, port=port).settings
    if workers != 1 and database_at(settings.db).file is not None:
        raise click.UsageError(f"--workers {workers}: SQLite has one writer, so one worker serves; leave it out.")
    # Forked first, the learner does not hold the address.
    with beside(partial(keep_learning, settings)), closing(bind(settings.host, settings.port)) as taken:
        # The schema is brought up, and whatever cannot be is told, before there are several processes.
        homing = open_homing(settings)
        if workers == 1:
            run(homing, taken, lambda url: click.echo(f"Homing listens on {url}"))
            well = True
        else:
            homing.close()
            click.echo(f"Homing listens on {address(taken)}, {workers} workers")
            well = run_workers(workers, lambda: run(open_homing(settings), taken, lambda _: None))
    click.echo("Homing stopped; everything acknowledged is in the store", err=True)
    sys.exit(0 if well else 1)
