"""What of a campaign is decided stands in a file beside its result, line by line, so that a run cut off goes on there.

The first line names the campaign; a file of another one is begun anew. A line that was cut off is taken off.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import orjson

from service.errors import BatchFailed

ENDING = ".part.ndjson"


class Progress:
    """A campaign's file of what is decided, as a context; it stays until `finish`."""

    def __init__(self, out: Path, campaign: str) -> None:
        self._path = out.with_name(out.name + ENDING)
        self._campaign = {"campaign": campaign}
        self._file: BinaryIO | None = None
        self.last_line = 0
        """The audience's line that was decided on last; 0: none."""

    def __enter__(self) -> Self:
        """Find out how far the campaign has come; BatchFailed where the file cannot be written."""
        try:
            self._find()
        except OSError as error:
            raise self._failed(error) from error
        return self

    def add(self, rows: Sequence[dict[str, Any]]) -> None:
        """Write down rows, one at least, each with its `line`; they are there for another run once this returns."""
        file = self._opened()
        try:
            file.write(b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows))
            file.flush()
        except OSError as error:
            raise self._failed(error) from error
        self.last_line = rows[-1]["line"]

    def rows(self) -> Iterator[dict[str, Any]]:
        """Give all rows written down, from the first."""
        with self._path.open("rb") as file:
            next(file, b"")
            for line in file:
                yield orjson.loads(line)

    def finish(self) -> None:
        """Throw the file away: the result stands."""
        self._path.unlink(missing_ok=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file; it goes where nothing is decided."""
        try:
            if self._file is not None:
                self._file.close()
        except OSError as failure:
            # What a full disk did not take is tried once more, and was told already.
            if error is None:
                raise self._failed(failure) from failure
        if self.last_line == 0:
            self._path.unlink(missing_ok=True)

    def _find(self) -> None:
        """Read as far as lines are whole, and cut off the rest; another campaign's file is emptied."""
        end = 0
        file = self._opened()
        for number, line in enumerate(file):
            row = _read(line)
            if row is None or (number == 0 and row != self._campaign):
                break
            end += len(line)
            self.last_line = row.get("line", 0)
        file.seek(end)
        file.truncate()
        if end == 0:
            file.write(orjson.dumps(self._campaign, option=orjson.OPT_APPEND_NEWLINE))

    def _opened(self) -> BinaryIO:
        if self._file is None:
            self._path.touch()
            self._file = self._path.open("r+b")
        return self._file

    def _failed(self, error: OSError) -> BatchFailed:
        return BatchFailed(f"{self._path} cannot be written ({error.strerror}); make its folder writable")


def _read(line: bytes) -> dict[str, Any] | None:
    if not line.endswith(b"\n"):
        return None
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return row if isinstance(row, dict) else None
