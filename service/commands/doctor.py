"""`homing doctor`: one look at the whole deployment; it changes nothing, so a store that is missing stays missing."""

import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import click
from sqlalchemy import func, select
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from service import secret
from service.clock import Clock, SystemClock
from service.commands.options import Chosen, emit_json, json_option, with_settings
from service.errors import HomingError
from service.folds import rules_to_come
from service.folds.rules_digest import rules_digest
from service.settings.settings import Settings
from service.store import chain, meta, migrate, models
from service.store.database import Database, database_at
from service.store.schema import blocks, decision_log, decisions, facts, keys, nodes
from service.store.times import from_micros
from service.wiring import linking_rules

MEGABYTE = 1_000_000
MIN_FREE = 200 * MEGABYTE
MAX_WAL = 1_000 * MEGABYTE
MAX_AHEAD = timedelta(minutes=5)
_DURABLE = ("fsync", "full_page_writes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was looked at, whether it is well, and what was seen."""

    name: str
    well: bool
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """What the checks look at."""

    settings: Settings
    database: Database
    conn: Connection
    clock: Clock


@click.command()
@json_option
@with_settings
def doctor(chosen: Chosen, *, as_json: bool) -> None:
    """Look over settings, schema, secret, integrity, sizes, clock and disk; exit 1 on trouble."""
    findings = list(examine(chosen.load().settings, SystemClock()))
    well = all(finding.well for finding in findings)
    if as_json:
        emit_json({"well": well, "findings": findings})
    for finding in () if as_json else findings:
        click.echo(f"{'ok     ' if finding.well else 'TROUBLE'}  {finding.name}: {finding.detail}")
    if not well:
        sys.exit(1)


def examine(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """Check one thing after another; a store that is not there or cannot be opened ends it."""
    database = database_at(settings.db)
    if database.file is not None and not database.file.exists():
        yield Finding(name="store", well=False, detail=f"{database.name} is not there; `homing serve` makes it")
        return
    try:
        with database.transaction(reads=True) as conn:
            patient = Patient(settings=settings, database=database, conn=conn, clock=clock)
            for name, check in {**_CHECKS, **(_OF_SERVER if database.file is None else _OF_FILE)}.items():
                finding = _carefully(name, check, patient)
                yield finding
                if check is _schema and not finding.well:
                    # The others would look for what is not there.
                    return
    except HomingError as error:
        yield Finding(name="store", well=False, detail=str(error))
    finally:
        database.close()


def _carefully(name: str, check: Callable[[Patient], tuple[bool, str]], patient: Patient) -> Finding:
    try:
        well, detail = check(patient)
    except HomingError as error:
        return Finding(name=name, well=False, detail=str(error))
    except DBAPIError as error:
        explained = patient.database.backend.explain(error)
        if not isinstance(explained, HomingError):
            raise
        return Finding(name=name, well=False, detail=str(explained))
    return Finding(name=name, well=well, detail=detail)


def _schema(patient: Patient) -> tuple[bool, str]:
    revision = migrate.current(patient.conn)
    migrate.check(revision, patient.database.name)
    what_to_do = "" if revision == migrate.HEAD else "; run `homing migrate`"
    return revision == migrate.HEAD, f"{revision or 'none'}, this program's is {migrate.HEAD}{what_to_do}"


def _secret(patient: Patient) -> tuple[bool, str]:
    found = secret.known(patient.conn, patient.database.file, patient.settings.secret)
    if found is None:
        return True, "not known yet; the first `homing serve` makes it, or takes HOMING_SECRET"
    path = Path(found.origin)
    if patient.settings.secret is None and stat.S_IMODE(path.stat().st_mode) & 0o077:
        return False, f"{path} can be read by others; run `chmod 600 {path}`"
    return True, f"the one this store was made with, from {found.origin}"


def _rules(patient: Patient) -> tuple[bool, str]:
    rules, coming = linking_rules(patient.settings), rules_to_come.progress(patient.conn)
    told = "" if coming is None else f"; {coming.share:.0%} of the logs are folded under others, which come into force"
    if meta.get(patient.conn, meta.RULES_DIGEST) in {None, rules_digest(rules)}:
        return True, f"{len(rules.namespaces)} namespaces, those the store is folded under{told}"
    if coming is not None and coming.digest == rules_digest(rules):
        return (
            True,
            f"the former ones still answer; {coming.share:.0%} of the logs are folded under those of the settings",
        )
    way = "`homing serve` and `homing rules apply` bring those of the settings into force"
    return False, f"others than those the store is folded under; {way}{told}"


def _folds(patient: Patient) -> tuple[bool, str]:
    stale = meta.get(patient.conn, meta.FOLDS) == meta.STALE
    return not stale, "to be made again at the next start" if stale else "made under today's schema"


def _chain(patient: Patient) -> tuple[bool, str]:
    head = chain.head(patient.conn)
    newest = patient.conn.execute(select(blocks.c.link).where(blocks.c.block == head.block)).scalar()
    if head.block and newest != head.link:
        return False, f"its head is not block {head.block}'s; run `homing verify`"
    return True, f"{head.block:,} blocks; `homing verify` checks them all"


def _learning(patient: Patient) -> tuple[bool, str]:
    shift = meta.get(patient.conn, meta.LEARNER_SHIFT)
    if shift:
        return False, (
            f"held back, for rates moved too far at once: {shift}; find out who told of these outcomes and revoke "
            "their key; if they are right, start once with selector.largest_shift = none"
        )
    newest = models.newest(patient.conn)
    return True, "no run yet" if newest is None else f"run {newest.run:,} of {newest.at:%Y-%m-%d %H:%M}Z decides"


def _durable(patient: Patient) -> tuple[bool, str]:
    off = [name for name in _DURABLE if patient.conn.exec_driver_sql(f"SHOW {name}").scalar_one() == "off"]
    if off:
        return False, f"off: {', '.join(off)}. A power cut may lose what was acknowledged; set it on"
    return True, f"{', '.join(_DURABLE)} are on"


def _writable(patient: Patient) -> tuple[bool, str]:
    asked = "SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on'"
    if patient.conn.exec_driver_sql(asked).scalar_one():
        return False, "the server only reads; give the address of one that writes"
    return True, "the server takes writes"


def _integrity(patient: Patient) -> tuple[bool, str]:
    said = patient.conn.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
    return said == "ok", "quick check passed" if said == "ok" else f"damaged ({said}); go back to a backup"


def _counts(patient: Patient) -> tuple[bool, str]:
    tables = {"facts": facts, "identifiers": nodes, "log entries": decision_log, "decisions": decisions, "keys": keys}
    counted = (
        f"{patient.conn.execute(select(func.count()).select_from(table)).scalar_one():,} {name}"
        for name, table in tables.items()
    )
    return True, ", ".join(counted)


def _wal(patient: Patient) -> tuple[bool, str]:
    store = patient.database.path.resolve()
    path = store.with_name(store.name + "-wal")
    size = path.stat().st_size if path.exists() else 0
    note = "" if size <= MAX_WAL else "; some reader never ends: find it and end it"
    return size <= MAX_WAL, f"{size / MEGABYTE:,.1f} MB{note}"


def _clock(patient: Patient) -> tuple[bool, str]:
    newest = patient.conn.execute(select(func.max(facts.c.received_at))).scalar_one()
    if newest is None:
        return True, f"{patient.clock.now():%Y-%m-%d %H:%M:%S}Z, no facts yet"
    ahead = from_micros(newest) - patient.clock.now()
    if ahead > MAX_AHEAD:
        return False, f"the newest fact came {ahead} after now: this machine's clock is or was wrong"
    return True, f"{patient.clock.now():%Y-%m-%d %H:%M:%S}Z, newest fact received {from_micros(newest):%Y-%m-%d %H:%M}Z"


def _disk(patient: Patient) -> tuple[bool, str]:
    store = patient.database.path.resolve()
    if not (os.access(store, os.W_OK) and os.access(store.parent, os.W_OK)):
        return False, "this user may not write the store and its folder; make both writable"
    free = shutil.disk_usage(store.parent).free
    return free >= MIN_FREE, f"{free / MEGABYTE:,.0f} MB free beside the store"


_Check = Callable[[Patient], tuple[bool, str]]
_CHECKS: dict[str, _Check] = {
    "schema": _schema,
    "secret": _secret,
    "rules": _rules,
    "folds": _folds,
    "chain": _chain,
    "learning": _learning,
    "counts": _counts,
    "clock": _clock,
}
_OF_FILE: dict[str, _Check] = {"integrity": _integrity, "write-ahead log": _wal, "disk": _disk}
_OF_SERVER: dict[str, _Check] = {"durability": _durable, "writing": _writable}
