"""An empty store for each test, and its writer."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.store.database import Database, open_database
from service.store.writer import Writer
from tests.contracts.writing import Seen, watching
from tests.service.harness import empty_store


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """Give an empty store."""
    path = tmp_path / "store.db"
    path.write_bytes(empty_store())
    opened = open_database(f"sqlite:///{path}")
    yield opened
    opened.close()


@pytest.fixture
def writer(database: Database) -> Iterator[Writer]:
    """Give a writer on an empty store."""
    made = watching(database, Seen())
    yield made
    made.close(10)
