"""Workers: one that dies is begun anew, and a signal ends them all."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]

PROGRAM = """
import os, signal, sys, time
from pathlib import Path
from service import workers

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
