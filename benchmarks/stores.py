"""Stores filled once for a benchmark, and a copy for each run: SQLite's is a folder, PostgreSQL's a database.

PostgreSQL's programs are those of the tests (`tests.postgres`), synced as in earnest; its log stays in the same memory
and on the same disk as the server that is measured.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from benchmarks.filling import fill
from service.settings.settings import load
from service.wiring import Homing, open_homing
from tests.postgres import PostgresServer

FILLED = "filled"
STORE = "homing.db"
_DATABASES = "databases.json"
_SECRET = {"HOMING_SECRET": "only the benchmarks' own, 32 characters or more"}

Fill = Callable[[Homing], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A filled store that one run may change: its address, a folder to run in, and the settings that open it."""

    url: str
    folder: Path
    settings: Mapping[str, str]


def with_messages(number: int) -> Fill:
    """Give what fills a store with so many messages."""
    return lambda homing: fill(homing, number)


def fill_sqlite(folder: Path, work: Fill) -> None:
    """Leave a filled SQLite store in the folder."""
    (folder / FILLED).mkdir()
    _filled(f"sqlite:///{folder / FILLED / STORE}", work)


def fill_postgresql(folder: Path, work: Fill, copies: int, stack: ExitStack) -> None:
    """Start a PostgreSQL and leave the addresses of filled databases in the folder; it ends with the stack."""
    server = stack.enter_context(PostgresServer(settings={"shared_buffers": "256MB", "max_wal_size": "4GB"}))
    template = server.create()
    _filled(server.url_of(template), work)
    urls = [server.url_of(server.create(template=template)) for _ in range(copies)]
    (folder / _DATABASES).write_bytes(orjson.dumps(urls))


@contextmanager
def sqlite_copy(folder: Path) -> Iterator[Copy]:
    """Give a copy of the filled SQLite store for the length of the block, on the disk as any store that lies there.

    Else the first sync of the file would write all of it, in the middle of what is measured.
    """
    with TemporaryDirectory(dir=folder) as name:
        store = shutil.copytree(folder / FILLED, Path(name) / FILLED) / STORE
        with store.open("rb") as copied:
            os.fsync(copied.fileno())
        yield Copy(url=f"sqlite:///{store}", folder=Path(name), settings=_SECRET)


@contextmanager
def sqlite_itself(folder: Path) -> Iterator[Copy]:
    """Give the filled SQLite store itself, where it is too large to be copied for runs that hardly change it."""
    with TemporaryDirectory(dir=folder) as name:
        yield Copy(url=f"sqlite:///{folder / FILLED / STORE}", folder=Path(name), settings=_SECRET)


@contextmanager
def empty_sqlite(folder: Path) -> Iterator[Copy]:
    """Give a store without anything in it."""
    with TemporaryDirectory(dir=folder) as name:
        yield Copy(url=f"sqlite:///{Path(name) / STORE}", folder=Path(name), settings=_SECRET)


@contextmanager
def postgresql_copy(folder: Path) -> Iterator[Copy]:
    """Give one of the filled databases, each once."""
    url, *rest = orjson.loads((folder / _DATABASES).read_bytes())
    (folder / _DATABASES).write_bytes(orjson.dumps(rest))
    with TemporaryDirectory(dir=folder) as name:
        yield Copy(url=url, folder=Path(name), settings=_SECRET)


def _filled(url: str, work: Fill) -> None:
    homing = open_homing(load(flags={"db": url}, environment=_SECRET).settings)
    work(homing)
    homing.close()
