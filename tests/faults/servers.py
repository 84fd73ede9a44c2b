"""`homing serve` as a process that is started, killed and started again; its address is known while it serves."""

import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.load import Address
from benchmarks.served import announced
from tests.faults.programs import PATIENCE, Forked, Prepare, stuck, wait_until

Start = Callable[[list[str], Path, Mapping[str, str], str], Forked]
"""Starts a program: its arguments, folder, environment and name; see `forked`."""


def forked(prepare: Prepare | None = None) -> Start:
    """Give the usual way to start a server; `prepare` makes it a worse one."""
    return lambda arguments, folder, settings, name: Forked(arguments, folder, settings, name=name, prepare=prepare)


class Server:
    """One `homing serve`; its store is `homing.db` of the folder unless `db` names another."""

    def __init__(
        self, folder: Path, *, db: str | None = None, name: str = "server", start: Start | None = None
    ) -> None:
        self._folder = folder
        self._db = f"sqlite:///{folder / 'homing.db'}" if db is None else db
        self._name = name
        self._start = forked() if start is None else start
        self._program: Forked | None = None
        self.address: Address | None = None
        """Where it answers; None while it does not."""

    def __enter__(self) -> Self:
        """Use it; it runs once it is started."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave no process behind."""
        self.address = None
        if not self.ended():
            self.program.kill()
            self.program.wait()

    @property
    def program(self) -> Forked:
        """The process, which may have ended."""
        assert self._program is not None, "the server was never started"
        return self._program

    def begin(self, settings: Mapping[str, str] | None = None) -> None:
        """Start the process and go on at once; `settings` are further ones of its environment."""
        arguments = ["serve", "--db", self._db, "--port", "0"]
        given = {} if settings is None else dict(settings)
        self._program = self._start(arguments, self._folder, given, self._name)

    def serving(self) -> bool:
        """Tell whether it has said where it answers, and take note of that."""
        if self.address is None:
            self.address = announced(self.program.output.read_text())
        return self.address is not None

    def settle(self) -> bool:
        """Wait until it serves or has ended of itself; tell whether it came to serve. Stuck if it does neither."""
        wait_until(lambda: self.serving() or self.ended(), f"{self._name} serves or ends")
        return self.serving()

    def ready(self) -> None:
        """Wait until it serves; Stuck if it ends before or takes too long."""
        if not self.settle():
            raise stuck(self.program, f"ended with {self.program.code()} before it served")

    def serve(self, settings: Mapping[str, str] | None = None) -> float:
        """Start the process and wait until it serves; give the seconds that took."""
        started = time.monotonic()
        self.begin(settings)
        self.ready()
        return time.monotonic() - started

    def ended(self) -> bool:
        """Tell whether the process has ended."""
        return self._program is None or self._program.code() is not None

    def kill(self) -> None:
        """End it without a chance to do anything more."""
        self.address = None
        self.program.kill()
        assert self.program.wait() == -signal.SIGKILL

    def died(self, seconds: float = PATIENCE) -> int:
        """Wait until it ends of itself, and give its exit code."""
        code = self.program.wait(seconds)
        self.address = None
        return code

    def stop(self) -> tuple[int, float]:
        """Let it end in peace; give its exit code and the seconds it took."""
        started = time.monotonic()
        os.kill(self.program.pid, signal.SIGTERM)
        code = self.program.wait()
        self.address = None
        return code, time.monotonic() - started
