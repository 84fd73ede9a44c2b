"""Servers as processes of their own: the service as anybody starts it, and whatever it is compared with."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.load import Address, get, send

_HOMING = "from service.cli import main; main()"
_ANNOUNCES = "listens on "
_PROCESSOR = re.compile(rb"^process_cpu_seconds_total ([0-9.e+]+)$", re.MULTILINE)
STOP_SECONDS = 60
REST_SECONDS = 60
IDLE = 0.1
"""Seconds of the processor within one second that are as good as none."""


@contextmanager
def served(command: Sequence[str], folder: Path, settings: Mapping[str, str] | None = None) -> Iterator[Address]:
    """Run a server until the end of the block; it says "listens on URL" once it answers.

    It runs in `folder`, with these settings and none of the caller's environment. Its log is there in `server.log`.
    """
    with (
        (folder / "server.log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, *command],
            cwd=folder,
            env=environment({} if settings is None else settings),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        try:
            yield _address(process, folder)
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)


def at_rest(address: Address) -> None:
    """Wait until the service does nothing: after its start it reads compiled code, beside what it is asked."""
    used = _processor_seconds(address)
    for _ in range(REST_SECONDS):
        time.sleep(1)
        before, used = used, _processor_seconds(address)
        if used - before < IDLE:
            return
    raise RuntimeError(f"the server was not at rest within {REST_SECONDS} seconds")


def _processor_seconds(address: Address) -> float:
    (told,) = send(address, [get("/metrics", {})], 1).bodies
    found = _PROCESSOR.search(told)
    if found is None:
        raise RuntimeError("the server does not tell its processor's time")
    return float(found[1])


def homing(url: str) -> list[str]:
    """Give the command that serves a store at any free port."""
    return ["-c", _HOMING, "serve", "--db", url, "--port", "0"]


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Give a program's environment: this process's without any setting of Homing's, and these settings."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("HOMING_")}
    return {**own, "PYTHONPATH": str(Path(__file__).parents[1]), **settings}


def announced(said: str) -> Address | None:
    """Read where a server listens from what it has printed; None until the line that says so is whole."""
    url = said.partition(_ANNOUNCES)[2]
    if not url.endswith("\n"):
        return None
    parts = urlsplit(url.strip())
    return Address(str(parts.hostname), int(parts.port or 0))


def _address(process: "subprocess.Popen[str]", folder: Path) -> Address:
    address = announced(process.stdout.readline() if process.stdout is not None else "")
    if address is None:
        raise RuntimeError(f"the server did not start: {(folder / 'server.log').read_text()[-2000:]}")
    return address
