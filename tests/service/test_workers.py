"""Workers: one that dies is begun anew, a signal ends them all, and none outlives its parent."""

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
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: told.append(True))
    (folder / str(os.getpid())).touch()
    while not told:
        time.sleep(0.05)
    time.sleep(0.2)
    (folder / str(os.getpid())).write_text(str(len(told)))

sys.exit(0 if workers.run_workers(2, work) else 1)
"""


def begun(folder: Path) -> "subprocess.Popen[bytes]":
    """Begin two workers, whose process ids are the names of the folder's files."""
    command = [sys.executable, "-c", PROGRAM, str(folder)]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL, start_new_session=True)  # noqa: S603 - this file's own program


def wait_until_gone(process: int) -> None:
    """Wait until there is no process of that id, or only what nobody has looked after since it ended."""
    deadline, status = time.monotonic() + 60, Path(f"/proc/{process}/stat")
    while status.exists() and ") Z " not in status.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def alive(folder: Path, number: int) -> set[int]:
    """Wait until so many workers were begun, and give their process ids."""
    deadline = time.monotonic() + 60
    while len(found := {int(each.name) for each in folder.iterdir()}) < number:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def test_a_worker_that_dies_is_begun_anew_and_a_signal_ends_all(tmp_path: Path) -> None:
    """Two work; one is killed, a third takes its place; SIGTERM to the parent ends both, and it ends well."""
    parent = begun(tmp_path)
    first = alive(tmp_path, 2)
    os.kill(min(first), signal.SIGKILL)
    (third,) = alive(tmp_path, 3) - first
    assert third not in first
    parent.send_signal(signal.SIGTERM)
    assert parent.wait(30) == 0
    for process in (max(first), third):
        assert not Path(f"/proc/{process}").exists()


def test_a_terminals_ctrl_c_is_told_each_worker_once(tmp_path: Path) -> None:
    """It goes to the whole group of processes; a second signal would have a server cut its open answers off."""
    parent = begun(tmp_path)
    workers = alive(tmp_path, 2)
    os.killpg(parent.pid, signal.SIGINT)
    assert parent.wait(30) == 0
    assert {(tmp_path / str(worker)).read_text() for worker in workers} == {"1"}


def test_workers_end_with_their_parent(tmp_path: Path) -> None:
    """Killed without a word it leaves nobody on the address."""
    parent = begun(tmp_path)
    workers = alive(tmp_path, 2)
    parent.kill()
    parent.wait(30)
    for worker in workers:
        wait_until_gone(worker)
        assert (tmp_path / str(worker)).read_text() == "1"
