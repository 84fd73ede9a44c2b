"""`homing backup` and `homing restore`: a store's content as one SQLite file, from and into either kind of database."""

import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, mkstemp

import click

from service import secret
from service.commands.options import Chosen, emit_json, json_option, with_settings
from service.durable import sync
from service.errors import HomingError
from service.store import copying, meta
from service.store.database import Database, open_file
from service.store.sqlite import Sqlite, as_one_file, copy_file


class BackupFailed(HomingError):  # noqa: N818 - what happened
    """A backup cannot be written or read; says why."""


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@json_option
@with_settings
def backup(chosen: Chosen, file: Path, *, as_json: bool) -> None:
    """Write one moment of the store into FILE, beside a server that goes on.

    FILE holds personal data, and not the secret: keep that too, somewhere else.
    """
    if file.exists():
        raise _there(file)
    with chosen.database() as database:
        rows, fingerprint = _write(database, file)
    if as_json:
        emit_json({"file": str(file), "rows": rows, "secret_fingerprint": fingerprint})
    else:
        click.echo(f"{rows:,} rows are in {file}")
        click.echo(f"the secret is not; the store is opened with the one of fingerprint {fingerprint}", err=True)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
@with_settings
def restore(chosen: Chosen, file: Path, *, as_json: bool) -> None:
    """Put a backup into the store that --db names, which must be empty: SQLite or PostgreSQL, whichever it came from.

    The secret of the store that was backed up comes first, as HOMING_SECRET or as homing.secret beside the SQLite file.
    """
    settings = chosen.load().settings
    with (
        _opened(file) as kept,
        chosen.database(make=True) as database,
        kept.transaction(reads=True) as source,
        database.transaction() as target,
    ):
        if not copying.is_empty(target):
            raise BackupFailed(f"{database.name} is not empty; restore into a new store")
        secret.settle(source, database.file, settings.secret)
        with click.progressbar(length=copying.count(source), label="restoring", file=sys.stderr) as bar:
            rows = copying.copy(source, target, progress=bar.update)
    if as_json:
        emit_json({"store": database.name, "rows": rows})
    else:
        click.echo(f"{rows:,} rows are in {database.name}; `homing verify` checks them")


def _write(database: Database, file: Path) -> tuple[int, str | None]:
    """Write under another name first: what has the final name is whole, and on the disk."""
    with _unfinished(file) as unfinished:
        made = open_file(unfinished)
        try:
            with database.transaction(reads=True) as source, made.transaction() as target:
                with click.progressbar(length=copying.count(source), label="backing up", file=sys.stderr) as bar:
                    rows = copying.copy(source, target, progress=bar.update)
                fingerprint = meta.get(source, meta.SECRET_FINGERPRINT)
        finally:
            made.close()
        as_one_file(unfinished)
        try:
            # A link, unlike a rename, never replaces.
            os.link(unfinished, file)
        except FileExistsError:
            raise _there(file) from None
        sync(file)
    return rows, fingerprint


def _there(file: Path) -> click.UsageError:
    return click.UsageError(f"{file} is there already; give another name, for a backup never replaces one.")


@contextmanager
def _unfinished(file: Path) -> Iterator[Path]:
    """Make an empty file beside the one wanted, nobody else's to read: two backups into one name do not meet in it."""
    try:
        opened, name = mkstemp(prefix=f".{file.name[:50]}.unfinished-", dir=file.absolute().parent)
    except OSError as error:
        raise BackupFailed(
            f"{file} cannot be written ({error.strerror}); its folder must exist and be writable"
        ) from error
    os.close(opened)
    try:
        yield Path(name)
    finally:
        for ending in ("", "-wal", "-shm", "-journal"):
            Path(name + ending).unlink(missing_ok=True)


@contextmanager
def _opened(file: Path) -> Iterator[Database]:
    """Open a copy of a backup, brought up to today's schema if it is older: the backup itself stays as it is."""
    with TemporaryDirectory(prefix="homing-restore-") as folder:
        copied = Path(folder) / "backup.db"
        try:
            copy_file(file, copied)
        except sqlite3.Error as error:
            raise Sqlite(file).explain(error) from error
        opened = open_file(copied)
        try:
            yield opened
        finally:
            opened.close()
