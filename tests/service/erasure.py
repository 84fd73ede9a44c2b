"""Deployments in which somebody is erased: what is done to them, and where an erased value would be found."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Connection

from identity.identifiers import Identifier
from service.erasures import erasing
from service.erasures.erasing import Erasing, Plan
from service.store.schema import metadata
from service.wiring import Homing


def erase(homing: Homing, *given: Identifier, purged: bool = True) -> tuple[str, Plan]:
    """Erase somebody; the bodies too, unless the purge is left for later."""
    asked = Erasing(given=frozenset(given), source="privacy", now=homing.clock.now())
    found = homing.writer.submit(lambda conn: erasing.erase(conn, homing, asked)).result(60)
    if purged:
        erasing.purge_at_once(homing)
    return found


def rows_with(homing: Homing, value: str) -> list[str]:
    """Name the tables that have a value anywhere in a row."""

    def job(conn: Connection) -> list[str]:
        return [t.name for t in metadata.sorted_tables if any(holds(row, value) for row in conn.execute(select(t)))]

    return homing.writer.submit(job).result(60)


def holds(row: Iterable[Any], value: str) -> bool:
    """Tell whether any column holds a value."""
    return any(value.encode() in (c if isinstance(c, bytes) else str(c).encode()) for c in row if c is not None)


def files_with(folder: Path, value: str) -> list[str]:
    """Name the files of a store that have the bytes of a value."""
    return sorted(path.name for path in folder.glob("homing.db*") if value.encode() in path.read_bytes())
