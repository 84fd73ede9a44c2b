"""An empty store for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.store.database import Database, open_database
from tests.service.harness import empty_store


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """Give an empty store."""
    path = tmp_path / "store.db"
    path.write_bytes(empty_store())
    opened = open_database(f"sqlite:///{path}")
    yield opened
    opened.close()
