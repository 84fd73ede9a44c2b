"""One PostgreSQL for all tests of a process; each that asks has a database of its own."""

from collections.abc import Iterator

import pytest

from tests.postgres import PostgresServer


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Give a running PostgreSQL that is quick and forgets at a power cut."""
    with PostgresServer(fsync=False) as server:
        yield server
