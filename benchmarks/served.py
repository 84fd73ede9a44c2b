"""Servers as processes of their own: the service as anybody starts it, and whatever it is compared with."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.load import Address

_HOMING = "from service.cli import main; main()"
_ANNOUNCES = "listens on "
STOP_SECONDS = 60


@contextmanager
def served(command: Sequence[str], folder: Path, settings: Mapping[str, str] | None = None) -> Iterator[Address]:
    """Run a server until the end of the block; it says "listens on URL" once it answers.

    It runs in `folder`, with these settings and none of the caller's environment. Its log is there in `server.log`.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HOMING_")}
    environment |= settings or {}
    environment["PYTHONPATH"] = str(Path(__file__).parents[1])
    with (
        (folder / "server.log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, *command], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        try:
            yield _address(process, folder)
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)


def homing(url: str) -> list[str]:
    """Give the command that serves a store at any free port."""
    return ["-c", _HOMING, "serve", "--db", url, "--port", "0"]


def _address(process: "subprocess.Popen[str]", folder: Path) -> Address:
    line = process.stdout.readline() if process.stdout is not None else ""
    if _ANNOUNCES not in line:
        raise RuntimeError(f"the server did not start: {(folder / 'server.log').read_text()[-2000:]}")
    url = urlsplit(line.partition(_ANNOUNCES)[2].strip())
    return Address(str(url.hostname), int(url.port or 0))
