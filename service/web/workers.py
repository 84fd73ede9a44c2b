"""Several processes serve one address on one PostgreSQL: one that dies is begun anew, and a signal ends them all.

Each is forked before it opens the store, and shares nothing with the others but the address and the store. None
outlives the parent, however that ends: it would hold the address against whoever comes next.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

log = logging.getLogger("homing.workers")

PAUSE_SECONDS = 1.0
"""A process that ends at once, again and again, is begun anew no sooner than this."""

_ENDING = (signal.SIGINT, signal.SIGTERM)


def run_workers(number: int, work: Callable[[], None]) -> bool:
    """Run `work` in so many processes until SIGINT or SIGTERM; tell whether all of them ended well."""
    return _Workers(work).run(number)


class _Workers:
    """The parent: it does nothing but wait."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
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
            self._alive.discard(process)
            if self._stopping:
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
            threading.Thread(target=self._follow, name="homing-parent", daemon=True).start()
            self._work()
            code = 0
        except Exception:
            log.exception("a worker cannot go on")
        finally:
            # Nothing of the parent's is to be cleaned up here.
            os._exit(code)

    def _follow(self) -> None:
        """End this worker in good order once the parent is gone."""
        os.read(self._life, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    def _stop(self, sig: int, _frame: FrameType | None) -> None:
        self._stopping = True
        for process in self._alive:
            os.kill(process, sig)
