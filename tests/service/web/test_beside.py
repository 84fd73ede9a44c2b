"""What is done beside the server: begun anew should it die, and gone with it, however that ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.service.web.test_workers import ROOT, alive, runs

PROGRAM = """
import os, sys, time
from pathlib import Path
from service.web import workers

workers.PAUSE_SECONDS = 0.0
folder = Path(sys.argv[1])

def work():
    (folder / str(os.getpid())).touch()
    time.sleep(600)

with workers.beside(work):
    sys.stdin.read()
"""


def begun(folder: Path) -> subprocess.Popen[bytes]:
    """Begin a program that has something done beside it until its input ends."""
    command = [sys.executable, "-c", PROGRAM, str(folder)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)  # noqa: S603 - this file's own program


def gone(process: int) -> bool:
    """Wait until a process is no more."""
    deadline = time.monotonic() + 60
    while runs(process) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not runs(process)


def test_what_dies_is_begun_anew_and_ends_with_the_block(tmp_path: Path) -> None:
    """Killed, another takes its place; the program ends well, and nothing is left of it."""
    program = begun(tmp_path)
    (first,) = alive(tmp_path, 1)
    os.kill(first, signal.SIGKILL)
    (second,) = alive(tmp_path, 2) - {first}
    program.communicate()
    assert program.returncode == 0
    assert not Path(f"/proc/{second}").exists()


def test_it_does_not_outlive_a_program_that_is_killed(tmp_path: Path) -> None:
    """It would hold the store, and learn for nobody; nor is it begun anew."""
    program = begun(tmp_path)
    (first,) = alive(tmp_path, 1)
    keeper = int(Path(f"/proc/{first}/stat").read_text().rpartition(")")[2].split()[1])
    program.kill()
    program.communicate()
    assert gone(first)
    assert gone(keeper)
    assert len(list(tmp_path.iterdir())) == 1
