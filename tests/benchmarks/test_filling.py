"""A filled store is the one that ingest would have made: `verify` folds its log again and finds no difference."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks import filling
from service.clock import FixedClock
from service.folds.verify import verify
from service.store import chain, facts
from tests.service.harness import deployment


@pytest.mark.parametrize(("events", "devices"), [(40, 0), (9, 19)])
def test_a_filled_store_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, events: int, devices: int) -> None:
    """Log, chain, message ids and who is who, also over several jobs."""
    monkeypatch.setattr(filling, "JOB", 7)
    homing = deployment(tmp_path, FixedClock(datetime(2026, 11, 21, tzinfo=UTC)))

    filling.fill(homing, events, devices)

    found = homing.writer.submit(lambda conn: verify(conn, homing.people)).result()
    assert found.whole, found.faults
    assert found.facts == events
    assert homing.writer.submit(facts.last_seq).result() == events
    assert homing.writer.submit(chain.head).result().block == -(-events // 7)
    homing.close()
