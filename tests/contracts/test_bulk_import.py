"""A table taken in bulk is the same store on every kind of database, whole and as `rebuild` makes it."""

from pathlib import Path

import pytest

from service.clock import FixedClock
from service.imports import bulk
from tests.service.harness import NOON, deployment
from tests.service.test_bulk_import import agree, households, put


def test_every_store_takes_it(store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where numbers come from a sequence; a second time there is nothing new."""
    monkeypatch.setattr(bulk, "BLOCK", 30)
    homing = deployment(tmp_path, FixedClock(NOON), url=store)
    frame = households(100, 11)
    frame.write_parquet(tmp_path / "seen.parquet")
    assert [put(homing, tmp_path / "seen.parquet").accepted for _ in range(2)] == [100, 0]
    agree(homing, frame)
    homing.close()
