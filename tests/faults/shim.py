"""The shim is compiled where it is needed, from the source beside this file; no compiler is a failure that says so."""

import shutil
import subprocess
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

_SOURCE = Path(__file__).with_name("shim.c")
_FLAGS = ("-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-pthread")


class NoCompilerError(Exception):
    """There is no C compiler, so there is no disk to cut the power of."""

    def __init__(self) -> None:
        super().__init__("the power cut needs a C compiler as `gcc` or `cc` (Debian: apt-get install gcc libc6-dev)")


@cache
def library() -> Path:
    """Compile the shim once a process, into a temporary folder; NoCompilerError where there is no compiler."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise NoCompilerError
    made = Path(mkdtemp(prefix="homing-shim-")) / "shim.so"
    subprocess.run([compiler, *_FLAGS, "-o", str(made), str(_SOURCE)], check=True, timeout=60)  # noqa: S603 - our own source
    return made


def environment(folder: Path, notes: Path, *, cut_at: int | None = None, fault: Path | None = None) -> dict[str, str]:
    """Give what a process needs in its environment for its changes in `folder` to be noted in `notes`.

    `cut_at`: it kills itself at that change, counted from 1. `fault`: a file that says which calls fail (see shim.c).
    """
    given = {
        "LD_PRELOAD": str(library()),
        "HOMING_DISK_FOLDER": str(folder.resolve()),
        "HOMING_DISK_TRACE": str(notes),
    }
    if cut_at is not None:
        given["HOMING_DISK_CUT_AT"] = str(cut_at)
    if fault is not None:
        given["HOMING_DISK_FAULT"] = str(fault)
    return given
