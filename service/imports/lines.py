"""A text file is read line by line in bounded memory, gzipped or not; a damaged end is told after what came before."""

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

from service.errors import ImportFailed
from service.events.messages import Rejection

LINE_BYTES = 1024 * 1024
"""A longer line is no row; an event may be of 32 KB."""

TOO_LONG = Rejection(code="line_too_long", message="a line may be of a megabyte at most")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line without its end; `text` None: longer than LINE_BYTES. `done`: the share of the file read, 0 to 1."""

    number: int
    text: bytes | None = field(repr=False)
    done: float


def lines(path: Path, then: str = "what came before is taken") -> Iterator[Line]:
    """Give the lines of a file that are not blank; ImportFailed where it cannot be read (further), and what `then`."""
    number = 0
    try:
        size = max(path.stat().st_size, 1)
        with path.open("rb") as file:
            stream = cast("BinaryIO", gzip.GzipFile(fileobj=file)) if path.suffix == ".gz" else file
            while text := stream.readline(LINE_BYTES + 1):
                number += 1
                whole = len(text) <= LINE_BYTES
                if not whole:
                    _skip(stream, text)
                if text.strip():
                    yield Line(number=number, text=text.rstrip(b"\r\n") if whole else None, done=file.tell() / size)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or "the file is damaged or cut off"
        raise ImportFailed(f"{path} cannot be read after line {number}: {reason}; {then}") from error


def _skip(stream: BinaryIO, text: bytes) -> None:
    """Read on to the end of a line."""
    while text and not text.endswith(b"\n"):
        text = stream.readline(LINE_BYTES)
