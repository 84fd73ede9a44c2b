"""Processes that a server consists of: one that dies is begun anew, and a signal ends them all.

Each is forked before it opens the store, and shares nothing with the others but the address and the store. None
outlives the parent, however that ends: it would hold the address against whoever comes next.
"""

import logging
import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

log = logging.getLogger("homing.workers")

PAUSE_SECONDS = 1.0
"""A process that ends at once, again and again, is begun anew no sooner than this."""

NICE = 10
"""The server comes first, where it and what is done beside it want the same processor."""

_ENDING = (signal.SIGINT, signal.SIGTERM)


def run_workers(number: int, work: Callable[[], None]) -> bool:
    """Run `work` in so many processes until SIGINT or SIGTERM; tell whether all of them ended well."""
    return _Workers(work).run(number)


@contextmanager
def beside(work: Callable[[], None]) -> Iterator[None]:
    """Have `work` done in a process of its own until the block ends, begun anew should it die.

    To be entered before there are threads. The process between does nothing but wait, so that it may fork at any time.
    """
    life, held = os.pipe()
    keeper = os.fork()
    if keeper == 0:
        os.close(held)
        os.nice(NICE)
        _Workers(work, life).run(1)
        os._exit(0)
    os.close(life)
    try:
        yield
    finally:
        os.kill(keeper, signal.SIGTERM)
        os.waitpid(keeper, 0)
        os.close(held)


class _Workers:
    """The parent: it does nothing but wait. `above` can be read from once the parent's own parent is gone."""

    def __init__(self, work: Callable[[], None], above: int | None = None) -> None:
        self._work = work
        self._above = above
        self._alive: set[int] = set()
        self._stopping = False
        # Whoever reads it waits until the parent, which alone holds the other end, is gone.
        self._life, self._held = os.pipe()

    def run(self, number: int) -> bool:
        for name in _ENDING:
            signal.signal(name, self._stop)
        for _ in range(number):
            self._begin()
        well = True
        while self._alive:
            process, status = os.wait()
            if process not in self._alive:
                continue
            self._alive.discard(process)
            if self._stopping or self._orphaned():
                well = well and status == 0
            else:
                log.warning("a worker ended with status %d; another one takes its place", status)
                time.sleep(PAUSE_SECONDS)
                self._begin()
        return well

    def _begin(self) -> None:
        if self._stopping:
            return
        # A signal that comes meanwhile waits: until this one is known here, and has let go of these handlers there.
        signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
        process = os.fork()
        if process == 0:
            self._be_worker()
        self._alive.add(process)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)

    def _be_worker(self) -> NoReturn:
        code = 1
        try:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
            os.close(self._held)
            for life in (self._life, self._above):
                if life is not None:
                    threading.Thread(target=_follow, args=(life,), name="homing-parent", daemon=True).start()
            self._work()
            code = 0
        except Exception:
            log.exception("a worker cannot go on")
        finally:
            # Nothing of the parent's is to be cleaned up here.
            os._exit(code)

    def _orphaned(self) -> bool:
        """Tell whether the parent's own parent is gone."""
        return self._above is not None and bool(select.select([self._above], [], [], 0)[0])

    def _stop(self, sig: int, _frame: FrameType | None) -> None:
        self._stopping = True
        for process in self._alive:
            os.kill(process, sig)


def _follow(life: int) -> None:
    """End this worker in good order once whoever holds the other end is gone."""
    os.read(life, 1)
    os.kill(os.getpid(), signal.SIGTERM)
