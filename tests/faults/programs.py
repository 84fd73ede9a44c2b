"""`homing` as a process of its own, which ends when it likes, when it is told to, or when it is killed."""

import importlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from benchmarks.served import environment
from service.store import faults
from tests.service.harness import SECRET

PATIENCE = 60.0
"""Seconds after which a process that does not do what it should has failed the proof."""

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.faults.warm"])

Prepare = Callable[[], None]
"""Called in a forked process before the program begins, to make it a worse one: for controls. A module's function."""


class Stuck(Exception):  # noqa: N818 - what the process is
    """A process did not do in time what it should have; the message has the end of its log."""


class Forked:
    """A running `homing`, forked from a process that has imported it already: it starts within tenths of a second.

    What it prints is in `NAME.out` and `NAME.log` of its folder.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        folder: Path,
        settings: Mapping[str, str] | None = None,
        *,
        name: str = "homing",
        prepare: Prepare | None = None,
    ) -> None:
        self.output, self.log = folder / f"{name}.out", folder / f"{name}.log"
        self.output.write_bytes(b"")
        become = _Become(
            arguments=tuple(arguments),
            folder=folder,
            environment=environment({"HOMING_SECRET": SECRET, **(settings or {})}),
            streams=(self.output, self.log),
            prepare=prepare,
        )
        self._process: ForkServerProcess = _CONTEXT.Process(target=_run, args=(become,), daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        """The process."""
        assert self._process.pid is not None
        return self._process.pid

    def code(self) -> int | None:
        """Give its exit code, negative for the signal that ended it; None while it runs."""
        return self._process.exitcode

    def kill(self) -> None:
        """Have it end without a chance to do anything more, unless it has ended."""
        if self.code() is None:
            os.kill(self.pid, signal.SIGKILL)

    def wait(self, seconds: float = PATIENCE) -> int:
        """Wait for its end and give its exit code; Stuck if it does not end."""
        self._process.join(seconds)
        if (code := self._process.exitcode) is None:
            raise stuck(self, "did not end")
        return code


def wait_until(true: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Wait until something is so; Stuck if that takes too long."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise Stuck(f"{what}: not within {seconds:g} s")
        time.sleep(0.002)


def stuck(program: Forked, what: str) -> Stuck:
    """Tell what a program did not do, with the end of what it said."""
    said = program.log.read_text(errors="replace")[-2_000:] if program.log.exists() else ""
    return Stuck(f"process {program.pid} {what}: {said}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Become:
    """What a forked process is to be; `streams` are the files of its stdout and stderr."""

    arguments: tuple[str, ...]
    folder: Path
    environment: dict[str, str]
    streams: tuple[Path, Path]
    prepare: Prepare | None


def _run(become: _Become) -> None:
    """Become the program, in the forked process."""
    threading.Thread(target=_end_with_the_proof, daemon=True).start()
    os.chdir(become.folder)
    os.environ.clear()
    os.environ.update(become.environment)
    for target, path in enumerate(become.streams, start=1):
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(opened, target)
        os.close(opened)
    sys.argv = ["homing", *become.arguments]
    importlib.reload(faults)  # it read the environment when it was first imported
    if become.prepare is not None:
        become.prepare()
    from service.cli import main  # noqa: PLC0415 - loaded by `warm` in the process forked from

    main()


def _end_with_the_proof() -> None:
    """End at once when whoever runs the proof is gone, however it went."""
    if (proof := multiprocessing.parent_process()) is not None:
        proof.join()
        os._exit(1)
