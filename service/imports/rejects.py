"""What could not be taken is listed beside the file it stands in; the list appears whole or not at all."""

from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import orjson

from service.errors import ImportFailed
from service.events.messages import Rejection

ENDING = ".rejects.ndjson"


class Rejects:
    """The rejects of one file, as a context; at its end they are there, and an older list is gone.

    A run that was killed leaves its list unfinished; the next one writes over it, or throws it away.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.with_name(path.name + ENDING)
        self.count = 0
        self._unfinished = path.with_name(path.name + ENDING + ".part")
        self._file: BinaryIO | None = None

    def __enter__(self) -> Self:
        """Begin a new list."""
        return self

    def add(self, line: int, rejection: Rejection) -> None:
        """List a line, and the reason why it was not taken."""
        told = {"line": line, "reason": rejection.code, "message": rejection.message}
        try:
            if self._file is None:
                self._file = self._unfinished.open("wb")
            self._file.write(orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE))
        except OSError as error:
            raise self._failed(error) from error
        self.count += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put the list in its place; one of a run that was interrupted is thrown away."""
        try:
            if self._file is not None:
                self._file.close()
            if kind is not None and not issubclass(kind, ImportFailed):
                self._unfinished.unlink(missing_ok=True)
            elif self._file is not None:
                self._unfinished.replace(self.path)
            else:
                self._unfinished.unlink(missing_ok=True)
                self.path.unlink(missing_ok=True)
        except OSError as failure:
            raise self._failed(failure) from failure

    def _failed(self, error: OSError) -> ImportFailed:
        return ImportFailed(f"{self.path} cannot be written ({error.strerror}); make its folder writable")
