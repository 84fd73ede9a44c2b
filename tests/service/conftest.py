"""Fixtures of the service's tests; what they are made of stands in `harness`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.clock import FixedClock
from service.wiring import Homing
from tests.service.harness import NOON, Api, deployment


@pytest.fixture
def clock() -> FixedClock:
    """Give a clock that stands at Monday noon until it is moved."""
    return FixedClock(NOON)


@pytest.fixture
def homing(tmp_path: Path, clock: FixedClock) -> Iterator[Homing]:
    """Give a whole deployment on a temporary SQLite."""
    opened = deployment(tmp_path, clock)
    yield opened
    opened.close()


@pytest.fixture
def api(homing: Homing) -> Iterator[Api]:
    """Give a client of the deployment's app."""
    client = Api(homing)
    yield client
    client.close()
