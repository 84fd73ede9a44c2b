"""Each row of an audience names one recipient, and is a question as the route takes it, or is rejected with its reason.

NDJSON rows may be whole questions (CONTRACT 3) or flat, as rows of CSV and Parquet always are: `namespace` and `value`,
or `profile_id`, and the message's own fields. What a row does not say, the campaign's template says.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from service.errors import ApiError, ImportFailed
from service.events.messages import Rejection
from service.imports.lines import TOO_LONG, Line, lines
from service.schemas.recommendations import RecommendationAsked
from service.web.payload import read_json

NDJSON = (".ndjson", ".jsonl", ".ndjson.gz", ".jsonl.gz")
READ = (*NDJSON, ".csv", ".csv.gz", ".parquet")
NAMED = ("namespace", "value")
PROFILE_ID = "profile_id"
MESSAGE = {"message_id": "id"} | {
    name: name for name in ("kind", "purpose", "cart_id", "cart_value", "currency", "margin")
}
"""Flat columns, and what they are called within `message`."""
TIMES = ("abandoned_at", "not_before", "deadline")
LISTS = ("channels", "variants")
TEXTS = (*NAMED, PROFILE_ID, "message_id", "kind", "purpose", "cart_id", "currency")
"""Columns that are text; whoever numbers people or messages has them as numbers in Parquet."""
COLUMNS = (*NAMED, PROFILE_ID, *MESSAGE, *TIMES, *LISTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """A row: what is asked for it, or why nothing can be; `line` counts from 1, in Parquet rows instead of lines."""

    line: int
    asked: RecommendationAsked | Rejection = field(repr=False)
    done: float


def can_be_read(path: Path) -> bool:
    """Tell by a file's ending whether it is one of recipients."""
    return path.name.endswith(READ)


def recipients(path: Path, template: Mapping[str, Any]) -> Iterator[Recipient]:
    """Give a file's rows in order; ImportFailed, FrameError where it cannot be read (further) or names nobody."""
    if path.name.endswith(NDJSON):
        for line in lines(path):
            yield Recipient(line=line.number, asked=_of_line(line, template), done=line.done)
        return
    from service.campaigns.tables import rows  # noqa: PLC0415 - polars takes 0.1 s; NDJSON needs none

    for row in rows(path, used_columns, TEXTS):
        asked = row.cells if isinstance(row.cells, Rejection) else _asked(_filled(row.cells), template)
        yield Recipient(line=row.line, asked=asked, done=row.done)


def used_columns(path: Path, header: Collection[str]) -> Sequence[str]:
    """Give the columns of a table that mean something here; ImportFailed without any that names a recipient."""
    if PROFILE_ID not in header and not set(NAMED) <= set(header):
        raise ImportFailed(
            f"{path} has no columns namespace and value, nor profile_id; it may also have {', '.join(COLUMNS[3:])}"
        )
    return [name for name in COLUMNS if name in header]


def _of_line(line: Line, template: Mapping[str, Any]) -> RecommendationAsked | Rejection:
    if line.text is None:
        return TOO_LONG
    try:
        raw = read_json(line.text)
    except ApiError:
        return Rejection(code="invalid_json", message="the line is not JSON that can be read")
    if not isinstance(raw, dict):
        return Rejection(code="invalid_request", message="the line is no JSON object")
    return _asked(raw, template)


def _filled(cells: Mapping[str, object]) -> dict[str, Any]:
    """Give a table's row without what is empty or means nothing here; lists stand in a cell between commas."""
    kept = {name: cells[name] for name in COLUMNS if cells.get(name) not in (None, "")}
    told: dict[str, Any] = {
        name: each.isoformat() if isinstance(each, datetime) else each for name, each in kept.items()
    }
    for name in LISTS:
        if isinstance(told.get(name), str):
            told[name] = [each.strip() for each in told[name].split(",") if each.strip()]
    return told


def _asked(row: Mapping[str, Any], template: Mapping[str, Any]) -> RecommendationAsked | Rejection:
    """Read a row together with the template; what both say, the row says."""
    given = dict(row)
    own = {inside: given.pop(name) for name, inside in MESSAGE.items() if name in given}
    nested = given.pop("message", {})
    if PROFILE_ID in given:
        given["recipient"] = {PROFILE_ID: given.pop(PROFILE_ID)}
    elif set(NAMED) & set(given):
        given["recipient"] = {name: given.pop(name, None) for name in NAMED}
    message = {**template.get("message", {}), **nested, **own} if isinstance(nested, dict) else nested
    try:
        return RecommendationAsked.model_validate({**template, **given, "message": message})
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        return Rejection(code="invalid_request", message=faults)
