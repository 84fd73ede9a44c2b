"""One PostgreSQL for all tests of a process; each that asks has a database of its own."""

from collections.abc import Iterator

import pytest

from service.store.database import open_database
from tests.postgres import PostgresServer


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
