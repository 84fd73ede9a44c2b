"""Observations, one identifier a row (CONTRACT 4), become events of Segment's shape, whatever order the rows stand in.

An observation is known by its key and all that it says, wherever it stands; so the same one again is the same fact. It
was seen when the earliest of its rows says, and is trusted as far as the least trusted of them.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import polars as pl

from identity.normalize import Rejected, clean, normalize
from identity.observations import Trust
from identity.rules import LinkingRules
from service.event_identifiers import NAMESPACE, identifier_text
from service.event_time import read_time
from service.imports.items import Item, Origin, observed
from service.imports.tables import COLUMNS, Row, rows
from service.messages import Message, Rejection
from service.store.times import from_micros, to_micros

_KEEPS = frozenset({"not_linkable"})
"""Reasons that make an identifier no link, but evidence."""
_CHUNK = 50_000


class _Read(NamedTuple):
    """A row that names somebody; `at` in microseconds, both last None where the row does not say."""

    line: int
    observation: str
    namespace: str
    value: str
    at: int | None
    trust: int | None

    def __repr__(self) -> str:
        """Name the line, hide what stands in it."""
        return f"_Read(line={self.line})"


def observations(path: Path, origin: Origin, rules: LinkingRules) -> Iterator[Item]:
    """Give the rows that name nobody, then the observations; each at its first row's line.

    ImportFailed where the file cannot be read or lacks a column.
    """
    chunks: list[pl.DataFrame] = []
    pending: list[_Read] = []
    for row in rows(path):
        read = _read(row, rules)
        if isinstance(read, Rejection):
            yield Item(line=row.line, found=read, done=row.done / 2)
        else:
            pending.append(read)
        if len(pending) == _CHUNK:
            chunks.append(_frame(pending))
            pending = []
    chunks.append(_frame(pending))
    yield from _grouped(pl.concat(chunks), origin, rules)


def _frame(read: Sequence[_Read]) -> pl.DataFrame:
    """Hold rows in a fifth of the memory that Python would take."""
    schema = {
        "line": pl.Int64,
        "observation": pl.String,
        "namespace": pl.String,
        "value": pl.String,
        "at": pl.Int64,
        "trust": pl.Int8,
    }
    return pl.DataFrame(read, schema=schema, orient="row")


def _grouped(frame: pl.DataFrame, origin: Origin, rules: LinkingRules) -> Iterator[Item]:
    """Give the observations by time, those without one last: facts in order are the fastest to fold."""
    grouped = (
        frame.group_by("observation", maintain_order=True)
        .agg("line", "namespace", "value", pl.col("at").min(), pl.col("trust").min())
        .sort("at", nulls_last=True, maintain_order=True)
    )
    for place, (key, seen, namespaces, values, at, trust) in enumerate(grouped.iter_rows(), 1):
        done = 0.5 + place / len(grouped) / 2
        pairs = dict(zip(zip(namespaces, values, strict=True), seen, strict=True))
        beyond = {rejected for rejected in clean(pairs, rules)[1] if rejected.reason == "too_many_identifiers"}
        for pair, line in pairs.items() if beyond else ():
            if _names(pair, beyond, rules):
                yield Item(line=line, found=_too_many(rules), done=done)
        yield Item(line=seen[0], found=_message(key, sorted(pairs), at, trust, origin), done=done)


def _names(pair: tuple[str, str], beyond: set[Rejected], rules: LinkingRules) -> bool:
    read = normalize(*pair, rules)
    return any((read.namespace, read.value) == (rejected.namespace, rejected.value) for rejected in beyond)


def _too_many(rules: LinkingRules) -> Rejection:
    limit = rules.identifiers_per_observation
    return Rejection(code="too_many_identifiers", message=f"an observation counts with {limit} identifiers at most")


def _message(
    key: str, pairs: Sequence[tuple[str, str]], at: int | None, trust: int | None, origin: Origin
) -> Message | Rejection:
    """Write an observation as an event."""
    named = blake2b(orjson.dumps([key, at, trust, pairs]), digest_size=16).hexdigest()
    event: dict[str, Any] = {
        "type": "identify",
        "messageId": f"observation-{named}",
        "context": {
            "externalIds": [
                {"type": namespace, "id": value, "collection": "users", "encoding": "none"}
                for namespace, value in pairs
            ]
        },
    }
    if at is not None:
        event["timestamp"] = from_micros(at).isoformat()
    return observed(event, origin, origin.trust if trust is None else Trust(trust))


def _read(row: Row, rules: LinkingRules) -> _Read | Rejection:
    """Read one row; what names nobody is rejected for the reason that `identity.normalize` gives."""
    if isinstance(row.cells, Rejection):
        return row.cells
    key, namespace, value = (_text(row.cells.get(name)) for name in COLUMNS)
    if not key:
        return Rejection(code="missing_observation", message="the row does not say of which observation it is")
    if not NAMESPACE.fullmatch(namespace):
        message = "a namespace is of 1 to 64 letters, digits, and any of _ . -"
        return Rejection(code="invalid_namespace", message=message)
    named = normalize(namespace, value, rules)
    if isinstance(named, Rejected) and named.reason not in _KEEPS:
        return Rejection(code=named.reason, message="the value names nobody")
    try:
        at, trust = _moment(row.cells.get("observed_at")), _trust(row.cells.get("trust"))
    except ValueError as error:
        return Rejection(code=f"invalid_{error.args[0]}", message=error.args[1])
    return _Read(line=row.line, observation=key, namespace=namespace, value=value, at=at, trust=trust)


def _text(cell: object) -> str:
    """Give a cell's text; that of a whole number is its digits, also where a table made a float of it."""
    text = identifier_text(cell)
    return ("" if cell is None else str(cell) if text is None else text).strip()


def _moment(cell: object) -> int | None:
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        return None
    if isinstance(cell, datetime):
        moment: datetime | None = cell.replace(tzinfo=UTC) if cell.tzinfo is None else cell.astimezone(UTC)
    elif isinstance(cell, date):
        moment = datetime.combine(cell, time(), UTC)
    else:
        moment = read_time(cell)
    if moment is None:
        raise ValueError("observed_at", "observed_at must be ISO 8601, or seconds or milliseconds since 1970")
    return to_micros(moment)


def _trust(cell: object) -> int | None:
    text = _text(cell)
    try:
        return int(Trust.parse(text)) if text else None
    except ValueError:
        allowed = ", ".join(trust.name.lower() for trust in Trust)
        raise ValueError("trust", f"trust must be one of {allowed}") from None
