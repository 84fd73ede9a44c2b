"""Segment messages, one JSON object a line."""

from collections.abc import Iterator
from pathlib import Path

from service.errors import ApiError
from service.events.messages import Message, Rejection
from service.imports.items import Item, Origin, imported
from service.imports.lines import TOO_LONG, Line, lines
from service.web.payload import read_json


def events(path: Path, origin: Origin) -> Iterator[Item]:
    """Give what each line is; ImportFailed where the file cannot be read (further)."""
    for line in lines(path):
        yield Item(line=line.number, found=_event(line, origin), done=line.done)


def _event(line: Line, origin: Origin) -> Message | Rejection:
    if line.text is None:
        return TOO_LONG
    try:
        raw = read_json(line.text)
    except ApiError:
        return Rejection(code="invalid_json", message="the line is not JSON that can be read")
    return imported(raw, origin)
