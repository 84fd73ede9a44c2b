"""`store` is an empty store of each kind in turn; `twins` is the same deployment over each of them at once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.clock import FixedClock
from service.store.database import Database, open_database
from service.wiring import Homing
from tests.contracts.twins import Twins
from tests.service.harness import NOON, Api, deployment, empty_store

STORES = ("sqlite", "postgresql")


@pytest.fixture
def sqlite_store(tmp_path: Path) -> str:
    """Give the address of an empty store in a file."""
    path = tmp_path / "homing.db"
    path.write_bytes(empty_store())
    return f"sqlite:///{path}"


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> str:
    """Give the address of an empty store, of each kind in turn."""
    url: str = request.getfixturevalue(f"{request.param}_store")
    return url


@pytest.fixture(params=STORES)
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give an address where a store can be made, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'new.db'}"
    url: str = request.getfixturevalue("empty_database")
    return url


@pytest.fixture
def database(store: str) -> Iterator[Database]:
    """Give an empty store, open."""
    opened = open_database(store)
    yield opened
    opened.close()


@pytest.fixture
def clock() -> FixedClock:
    """Give a clock that stands at Monday noon until it is moved."""
    return FixedClock(NOON)


@pytest.fixture
def homing(store: str, tmp_path: Path, clock: FixedClock) -> Iterator[Homing]:
    """Give a whole deployment."""
    opened = deployment(tmp_path, clock, url=store)
    yield opened
    opened.close()


@pytest.fixture
def twins(sqlite_store: str, postgresql_store: str, tmp_path: Path, clock: FixedClock) -> Iterator[Twins]:
    """Give one deployment over each store, with the same secret and the same clock."""
    opened = [deployment(tmp_path, clock, url=url) for url in (sqlite_store, postgresql_store)]
    both = Twins([Api(each) for each in opened], clock)
    yield both
    both.close()
