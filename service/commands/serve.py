"""`homing serve`."""

import click

from service.commands.options import Chosen, with_settings
from service.serving import bind, run
from service.wiring import open_homing


@click.command()
@click.option("--host", help="The address to serve on; 127.0.0.1 unless set otherwise.")
@click.option("--port", type=int, help="The port; 8080 unless set otherwise, 0 for any free one.")
@click.option("--workers", type=int, default=1, show_default=True, help="Processes; one on SQLite.")
@with_settings
def serve(chosen: Chosen, host: str | None, port: int | None, workers: int) -> None:
    """Serve the API until Ctrl-C or SIGTERM; what was acknowledged is kept."""
    if workers != 1:
        raise click.UsageError(f"--workers {workers}: SQLite has one writer, so one worker serves; leave it out.")
    settings = chosen.load(host=host, port=port).settings
    taken = bind(settings.host, settings.port)
    try:
        homing = open_homing(settings)
    except BaseException:
        taken.close()
        raise
    run(homing, taken, lambda url: click.echo(f"Homing listens on {url}"))
    click.echo("Homing stopped; everything acknowledged is in the store", err=True)
