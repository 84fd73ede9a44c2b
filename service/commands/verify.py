"""`homing verify`: nothing is changed; exit 1 names what is not as it was written."""

import sys
from dataclasses import asdict

import click
from sqlalchemy.engine import Connection

from service import secret
from service.commands.options import Chosen, emit_json, json_option, with_settings
from service.folds import rules_digest
from service.folds.verify import verify as check
from service.profiles.people import People
from service.settings.settings import Settings
from service.store import copying
from service.store.database import Database
from service.store.schema import decision_log, facts
from service.wiring import linking_rules

SHOWN = 20


@click.command()
@click.option("--chain-only", is_flag=True, help="Leave out the folds, which take as long as `homing rebuild`.")
@json_option
@with_settings
def verify(chosen: Chosen, *, chain_only: bool, as_json: bool) -> None:
    """Check both logs against their hash chain, and the folds against the logs; exit 1 on a fault.

    A server may go on running: one moment of the store is looked at. Note the head it prints somewhere else: a store
    whose end was cut off together with its chain is found by that alone.
    """
    settings = chosen.load().settings
    with chosen.database() as database, database.transaction(reads=True) as conn:
        people = None if chain_only else _people(conn, database, settings)
        with click.progressbar(
            length=copying.count(conn, (facts, decision_log)), label="checking", file=sys.stderr
        ) as bar:
            found = check(conn, people, bar.update)
    if as_json:
        emit_json({"whole": found.whole, **asdict(found)})
    for fault in () if as_json else found.faults[:SHOWN]:
        place = fault.table if fault.row is None else f"{fault.table} {fault.row}"
        click.echo(f"FAULT  {place}: {fault.what}")
    if not as_json:
        told = "whole" if found.whole else f"{len(found.faults)} faults; go back to a backup"
        click.echo(f"{found.facts:,} facts, {found.entries:,} log entries, {found.blocks:,} blocks: {told}")
        click.echo(f"head {found.head}")
    for name, rows in () if as_json else found.unfinished.items():
        click.echo(f"erasure {name} is unfinished: {rows:,} rows to destroy; a running server goes on with it")
    if not found.whole:
        sys.exit(1)


def _people(conn: Connection, database: Database, settings: Settings) -> People:
    rules = rules_digest.of_store(conn, database.name, linking_rules(settings))
    kept = secret.known(conn, database.file, settings.secret)
    # A store that was never used holds no ids that a secret could tell.
    return People(rules, b"" if kept is None else kept.derive("profiles"))
