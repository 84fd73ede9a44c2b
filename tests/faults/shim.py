"""The shim is compiled where it is needed, from the source beside this file; no compiler is a failure that says so."""

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from multiprocessing import forkserver
from pathlib import Path
from tempfile import mkdtemp

_SOURCE = Path(__file__).with_name("shim.c")
_PRELOAD = "LD_PRELOAD"
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


def environment(
    folder: Path, notes: Path, *, cut_at: int | None = None, fault: Path | None = None, deaf: bool = False
) -> dict[str, str]:
    """Give what a process needs in its environment for its changes in `folder` to be noted in `notes`.

    `cut_at`: it kills itself at that change, counted from 1. `fault`: a file that says which calls fail (see shim.c);
    `deaf`: it is not told of syncs that do.
    """
    given = {
        _PRELOAD: str(library()),
        "SHIM_FOLDER": str(folder.resolve()),
        "SHIM_TRACE": str(notes),
    }
    if cut_at is not None:
        given["SHIM_CUT_AT"] = str(cut_at)
    if fault is not None:
        given["SHIM_FAULT"] = str(fault)
    if deaf:
        given["SHIM_DEAF"] = "1"
    return given


@contextmanager
def preloaded() -> Iterator[None]:
    """Have programs forked under the shim meanwhile (see `programs.Forked`); it sleeps until `watch` in one of them."""
    before = os.environ.get(_PRELOAD)
    _end_forkserver()
    os.environ[_PRELOAD] = str(library())
    try:
        yield
    finally:
        _end_forkserver()
        if before is None:
            del os.environ[_PRELOAD]
        else:
            os.environ[_PRELOAD] = before


def watch() -> None:
    """Begin to note what this process, forked under the shim, does to the folder that its environment names."""
    ctypes.CDLL(None).shim_begin()


def _end_forkserver() -> None:
    # A process is preloaded when it is executed, so the one that others are forked from has to be a new one.
    forkserver._forkserver._stop()  # type: ignore[attr-defined]  # Python's own tests end it so
