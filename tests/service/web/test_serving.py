"""A server that is told to stop."""

import signal
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn

from service.web.serving import _Server


@pytest.mark.parametrize(("apart", "forced"), [(0.5, False), (1.5, True)])
def test_signals_that_come_together_are_one(apart: float, forced: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker hears Ctrl-C from the terminal and from its parent: only a later one cuts off what is being answered."""
    now = [100.0]
    monkeypatch.setattr("service.web.serving.time.monotonic", lambda: now[0])
    homing: Any = SimpleNamespace(
        readiness=SimpleNamespace(stop=lambda: None), settings=SimpleNamespace(drain=timedelta(0))
    )
    server = _Server(uvicorn.Config(lambda: None), homing, lambda _: None)
    server.handle_exit(signal.SIGINT, None)
    now[0] += apart
    server.handle_exit(signal.SIGINT, None)
    assert server.should_exit
    assert server.force_exit is forced
