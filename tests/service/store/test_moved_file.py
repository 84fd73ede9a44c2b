"""What is acknowledged is found again: a store whose file was moved away takes nothing more."""

from pathlib import Path

import pytest

from service.errors import StoreError
from service.store import meta, sqlite
from service.store.database import open_database
from service.store.watch import Watch
from service.store.writer import Writer


def test_a_moved_file_is_written_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Moved or deleted while open, the store refuses every job; put back, it goes on."""
    monkeypatch.setattr(sqlite, "LOOK_SECONDS", 0.0)
    path = tmp_path / "homing.db"
    database = open_database(f"sqlite:///{path}")
    opened = Writer(database, Watch())
    try:
        opened.submit(lambda conn: meta.put(conn, "a", "1")).result(10)
        path.rename(tmp_path / "away.db")
        for _ in range(2):
            with pytest.raises(StoreError) as refused:
                opened.submit(lambda conn: meta.put(conn, "a", "2")).result(10)
            assert refused.value.code == "store_gone"
        (tmp_path / "away.db").rename(path)
        assert opened.submit(lambda conn: meta.get(conn, "a")).result(10) == "1"
    finally:
        opened.close(10)
        database.close()
