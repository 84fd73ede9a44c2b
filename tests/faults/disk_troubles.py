"""What is wrong with a disk for a while: it is full, or fails; begun while a server runs on it, and ended again.

Each is made the way nearest to the real one that this machine allows: a full tmpfs needs the right to mount, strace
that to trace; where one is missing, the shim says the same errors. Which one it was, the table says.
"""

import errno
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from tests.faults.programs import PATIENCE
from tests.faults.shim import environment

TMPFS = "size=24m"
BALLAST = "ballast"
_PIECE = bytes(4_096)


class Trouble(Protocol):
    """Something wrong; `way` is how it is made, `settings` what the server's environment needs for it."""

    way: str
    settings: Mapping[str, str]

    def begin(self, pid: int) -> None:
        """Make trouble for the process, which is a server with its store on the disk."""
        ...

    def end(self) -> None:
        """Let the disk be well again."""
        ...


class Ballast:
    """A disk of its own, small, and full to the last byte."""

    way = "tmpfs"
    settings: Mapping[str, str] = {}

    def __init__(self, folder: Path) -> None:
        self._ballast = folder / BALLAST

    def begin(self, pid: int) -> None:  # noqa: ARG002 - the disk is full for everybody
        """Fill what is free."""
        with self._ballast.open("ab", buffering=0) as file:
            try:
                while True:
                    file.write(_PIECE)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise

    def end(self) -> None:
        """Make room."""
        self._ballast.unlink()


class Traced:
    """strace, which lets calls fail before they reach the kernel."""

    way = "strace"
    settings: Mapping[str, str] = {}

    def __init__(self, calls: str, error: str) -> None:
        self._command = ["strace", "-f", "-qq", "-o", os.devnull, "-e", f"inject={calls}:error={error}"]
        self._strace: subprocess.Popen[bytes] | None = None

    def begin(self, pid: int) -> None:
        """Attach to the process and all its threads."""
        self._strace = subprocess.Popen([*self._command, "-p", str(pid)])  # noqa: S603 - our own command
        end = time.monotonic() + PATIENCE
        while not _traced(pid):
            assert self._strace.poll() is None, "strace cannot trace here"
            assert time.monotonic() < end, "strace does not attach"
            time.sleep(0.005)

    def end(self) -> None:
        """Detach; the process runs on."""
        assert self._strace is not None
        self._strace.send_signal(signal.SIGTERM)
        self._strace.wait(PATIENCE)


class Told:
    """The shim, told by a file which calls fail (see shim.c)."""

    way = "shim"

    def __init__(self, folder: Path, calls: str, number: int) -> None:
        self._control = folder.with_name(f"{folder.name}-fault")
        self._said = f"{number} {calls} 1"
        self._control.write_text("")
        self.settings: Mapping[str, str] = environment(
            folder, folder.with_name(f"{folder.name}-notes"), fault=self._control
        )

    def begin(self, pid: int) -> None:  # noqa: ARG002 - the server reads the file by itself
        """Say which calls fail."""
        self._control.write_text(self._said)

    def end(self) -> None:
        """Say that none does."""
        self._control.write_text("")


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Mount a small tmpfs on a new folder; CalledProcessError where this machine does not allow it."""
    folder.mkdir(parents=True)
    _run("mount", "-t", "tmpfs", "-o", TMPFS, "tmpfs", str(folder))
    try:
        yield
    finally:
        _run("umount", "--lazy", str(folder))


def can_mount(folder: Path) -> bool:
    """Tell whether this machine lets us mount a disk of our own on a new folder."""
    try:
        with small_disk(folder):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False


def can_trace() -> bool:
    """Tell whether strace is here and may trace a process that is not its child."""
    if shutil.which("strace") is None:
        return False
    with subprocess.Popen(["sleep", "60"]) as idle:  # noqa: S607 - any idle process will do
        trace = Traced("fdatasync", "EIO")
        try:
            trace.begin(idle.pid)
            trace.end()
        except AssertionError:
            return False
        finally:
            idle.kill()
    return True


def _traced(pid: int) -> bool:
    """Tell whether every thread of a process is traced."""
    tasks = list(Path(f"/proc/{pid}/task").iterdir())
    return all("TracerPid:\t0\n" not in (task / "status").read_text() for task in tasks)


def _run(*command: str) -> None:
    subprocess.run(command, capture_output=True, check=True, timeout=PATIENCE)  # noqa: S603 - our own commands
