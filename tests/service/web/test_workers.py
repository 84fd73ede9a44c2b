"""Workers: one that dies is begun anew, and a signal ends them all."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[3]

PROGRAM = """
import os, signal, sys, time
from pathlib import Path
from service.web import workers

workers.PAUSE_SECONDS = 0.0
folder = Path(sys.argv[1])

def work():
    told = []
    signal.signal(signal.SIGTERM, lambda *_: told.append(True))
    (folder / str(os.getpid())).touch()
    while not told:
        time.sleep(0.05)

sys.exit(0 if workers.run_workers(2, work) else 1)
"""


def alive(folder: Path, number: int) -> set[int]:
    """Wait until so many workers were begun, and give their process ids."""
    deadline = time.monotonic() + 60
    while len(begun := {int(each.name) for each in folder.iterdir()}) < number:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return begun


def test_a_worker_that_dies_is_begun_anew_and_a_signal_ends_all(tmp_path: Path) -> None:
    """Two work; one is killed, a third takes its place; SIGTERM to the parent ends both, and it ends well."""
    parent = subprocess.Popen([sys.executable, "-c", PROGRAM, str(tmp_path)], cwd=ROOT, stderr=subprocess.DEVNULL)  # noqa: S603 - this file's own program
    first = alive(tmp_path, 2)
    os.kill(min(first), signal.SIGKILL)
    (third,) = alive(tmp_path, 3) - first
    assert third not in first
    parent.send_signal(signal.SIGTERM)
    assert parent.wait(30) == 0
    for process in (max(first), third):
        assert not Path(f"/proc/{process}").exists()


def test_no_worker_outlives_its_parent(tmp_path: Path) -> None:
    """A parent that is killed takes them along, or they would hold the address against its successor."""
    parent = subprocess.Popen([sys.executable, "-c", PROGRAM, str(tmp_path)], cwd=ROOT, stderr=subprocess.DEVNULL)  # noqa: S603 - this file's own program
    begun = alive(tmp_path, 2)
    parent.kill()
    parent.wait(30)
    deadline = time.monotonic() + 60
    while any(runs(process) for process in begun) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(runs(process) for process in begun)


def runs(process: int) -> bool:
    """Tell whether a process is there and not merely waited for."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_signal_while_one_is_begun_reaches_that_one(tmp_path: Path) -> None:
    """It comes after the fork and before the parent knows of the worker: nobody is left to be waited for."""
    hasty = PROGRAM.replace(
        "def work():",
        """
fork = os.fork
def told_at_once():
    process = fork()
    if process:
        os.kill(os.getpid(), signal.SIGTERM)
    return process
os.fork = told_at_once

def work():""",
    )
    parent = subprocess.Popen([sys.executable, "-c", hasty, str(tmp_path)], cwd=ROOT, stderr=subprocess.DEVNULL)  # noqa: S603 - this file's own program
    try:
        parent.wait(60)
    finally:
        parent.kill()
        parent.wait()
    assert parent.returncode in {0, 1}
