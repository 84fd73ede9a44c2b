"""What all tests share: one PostgreSQL in a process, a database for each that asks, the same examples everywhere."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from service.store.database import open_database
from tests.postgres import PostgresServer

# A slow machine is no fault, so no example has a deadline. `make test-long` searches among others each time.
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, print_blob=True)
settings.load_profile("same")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Give a running PostgreSQL that is quick and forgets at a power cut."""
    with PostgresServer(fsync=False) as server:
        yield server


@pytest.fixture(scope="session")
def migrated(postgres: PostgresServer) -> str:
    """Give the name of an empty store's database, to be copied."""
    name = postgres.create()
    open_database(postgres.url_of(name)).close()
    return name


@pytest.fixture
def postgresql_store(postgres: PostgresServer, migrated: str) -> Iterator[str]:
    """Give the address of an empty store in a database."""
    name = postgres.create(template=migrated)
    yield postgres.url_of(name)
    postgres.drop(name)


@pytest.fixture
def empty_database(postgres: PostgresServer) -> Iterator[str]:
    """Give the address of a database without a table."""
    name = postgres.create()
    yield postgres.url_of(name)
    postgres.drop(name)
