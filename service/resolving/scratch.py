"""Arrays that do not fit into memory wait in files of a folder, which is gone at the end, however that comes."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from identity.frames.faults import FrameError


class Scratch:
    """A `Space` beside `out`, as a context: whoever has room for the output is asked for room for these."""

    def __init__(self, beside: Path) -> None:
        self._parent = beside.absolute().parent
        self._folder: TemporaryDirectory[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._folder is not None:
            self._folder.cleanup()

    @property
    def folder(self) -> Path:
        """Where the files are; made when it is first asked for."""
        if self._folder is None:
            self._folder = TemporaryDirectory(dir=self._parent, prefix=".homing-")
        return Path(self._folder.name)

    def add(self, name: str, array: npt.NDArray[Any]) -> None:
        """Put an array aside, behind what stands under the name. FrameError names the file that cannot be written."""
        path = self._parent
        try:
            path = self._path(name)
            with path.open("ab") as file:
                file.write(np.ascontiguousarray(array).data)
        except OSError as error:
            told = f"cannot be written ({error.strerror}); what does not fit into --memory waits there"
            raise FrameError(str(path), told) from None

    def read(self, name: str, kind: npt.DTypeLike, begin: int = 0, count: int = -1) -> npt.NDArray[Any]:
        """Give so many items, -1 for all the others; none where nothing was put aside."""
        path = self._path(name)
        if not path.exists():
            return np.zeros(0, kind)
        return np.fromfile(path, kind, count, offset=begin * np.dtype(kind).itemsize)

    def map(self, name: str, kind: npt.DTypeLike) -> npt.NDArray[Any]:
        """Give all of it, to be read where it is; what is written there stays in memory."""
        path = self._path(name)
        if not path.exists() or path.stat().st_size == 0:
            return np.zeros(0, kind)
        return np.asarray(np.memmap(path, kind, "c"))

    def drop(self, name: str) -> None:
        """Forget a name."""
        self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self.folder / name.replace(" ", "-")


def memory() -> int:
    """Give the memory that this process may use, in bytes: the machine's, or its container's if that is less."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        allowed = _CGROUP.read_text(encoding="ascii").strip()
    except OSError:
        return whole
    return min(whole, int(allowed)) if allowed.isdigit() else whole


_CGROUP = Path("/sys/fs/cgroup/memory.max")
