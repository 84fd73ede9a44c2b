"""A server that is told to stop."""

import signal
import threading
from contextlib import closing
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn

from service.web import serving
from service.web.serving import _Server
from service.wiring import Homing


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


def test_a_served_store_is_checkpointed_by_a_thread_of_its_own(homing: Homing, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread is there while the server runs, and gone once it has stopped."""
    seen: list[bool] = []

    def checkpointed() -> bool:
        return any(thread.name == "homing-checkpoints" for thread in threading.enumerate())

    monkeypatch.setattr(serving, "_log", lambda *, access: None)  # noqa: ARG005 - its signature
    monkeypatch.setattr(serving, "look_at_the_young", lambda: None)
    monkeypatch.setattr(_Server, "run", lambda *_, sockets: seen.append(checkpointed()))  # noqa: ARG005 - its signature
    with closing(serving.bind("127.0.0.1", 0)) as taken:
        serving.run(homing, taken, lambda _: None)
    assert seen == [True]
    assert not checkpointed()
