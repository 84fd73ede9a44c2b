"""Several processes serve one address on one PostgreSQL: one that dies is begun anew, and a signal ends them all.

Each is forked before it opens the store, and shares nothing with the others but the address and the store. None
outlives the process that begins them, however that ends.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import NoReturn

log = logging.getLogger("homing.workers")

PAUSE_SECONDS = 1.0
"""A process that ends at once, again and again, is begun anew no sooner than this."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run_workers(number: int, work: Callable[[], None]) -> bool:
    """Run `work` in so many processes until SIGINT or SIGTERM; tell whether all of them ended well."""
    return _Workers(work).run(number)


class _Workers:
    """The parent: it does nothing but wait."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._alive: set[int] = set()
        self._stopping = False
        self._lifeline = os.pipe()

    def run(self, number: int) -> bool:
        for name in _SIGNALS:
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
                if not self._stopping:
                    self._begin()
        return well

    def _begin(self) -> None:
        # Blocked meanwhile, a signal finds the new process a worker already, and never a second parent.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        process = os.fork()
        if process == 0:
            self._be_worker()
        self._alive.add(process)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        if self._stopping:
            _tell(process, signal.SIGTERM)

    def _be_worker(self) -> NoReturn:
        code = 1
        try:
            # A terminal's Ctrl-C is for the parent, which hands it on: told twice, a server would cut its answers off.
            os.setpgid(0, 0)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            threading.Thread(target=self._end_with_parent, daemon=True).start()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            self._work()
            code = 0
        except Exception:
            log.exception("a worker cannot go on")
        finally:
            # Nothing of the parent's is to be cleaned up here.
            os._exit(code)

    def _end_with_parent(self) -> None:
        """Ask this process to stop once the parent is gone: nobody else holds the pipe's other end."""
        reads, writes = self._lifeline
        os.close(writes)
        os.read(reads, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    def _stop(self, sig: int, _frame: FrameType | None) -> None:
        self._stopping = True
        for process in self._alive:
            _tell(process, sig)


def _tell(process: int, sig: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, sig)
