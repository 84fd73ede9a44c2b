"""Observations and links (CONTRACT 4) become events of Segment's shape, whatever order the rows stand in.

They are read as `homing resolve` reads them. An observation is known by its key and all that it says, wherever it
stands; so the same one again is the same fact. It was seen when the earliest of its rows says, and is trusted as far as
the least trusted of them. A row of links is an observation of its own; its copies are counted.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from identity.frames.chunks import UNDATED, UNTRUSTED, Chunk
from identity.frames.columns import micros
from identity.frames.components import Bools
from identity.frames.intake import Intake
from identity.frames.interning import Ids
from identity.frames.replays import Sources, Told, told_of
from identity.frames.rows import Listed
from identity.frames.vocabulary import REASONS
from identity.observations import Trust
from identity.rules import LinkingRules
from service.events.messages import Message, Rejection
from service.imports.items import Item, Origin, observed
from service.imports.tables import parts
from service.store.times import from_micros

_SAID: Mapping[str, str] = {
    "missing_observation": "the row does not say of which observation it is",
    "invalid_namespace": "a namespace is of 1 to 64 letters, digits, and any of _ . -",
    "invalid_observed_at": "observed_at must be ISO 8601, or seconds or milliseconds since 1970",
    "invalid_trust": f"trust must be one of {', '.join(trust.name.lower() for trust in Trust)}",
}
_FAULTS = [REASONS.index(reason) for reason in ("invalid_observed_at", "invalid_trust")]
"""Reasons that are a whole row's."""
_NOBODY = "the value names nobody"

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A file's observations by time, those without one last: facts in order are the fastest to fold.

    Observation `i` sees entries[starts[i]:starts[i + 1]], at microsecond at[i], trusted trust[i]; `line` is that of its
    first row. `rejected` are the rows that name nobody.
    """

    intake: Intake
    rejected: Sequence[tuple[int, Rejection]]
    starts: Numbers
    entries: Ids
    at: Numbers
    trust: npt.NDArray[np.int8]
    line: Numbers
    origin: Origin
    _sources: Sources = field(repr=False)
    _of: Numbers
    _places: Numbers
    _copies: dict[str, int] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        """Count the observations."""
        return len(self.line)

    def items(self, begin: int, end: int) -> Iterator[Item]:
        """Give some of the observations as events; each is to be asked for once, and in order."""
        for place in range(begin, end):
            chunk = self._sources.chunks[int(self._of[place])]
            told = told_of(self._sources, chunk, int(self._places[place]))
            name = told.name(self._copies if chunk.keys is None else None)
            done = 0.5 + (place + 1) / len(self) / 2
            yield Item(line=int(self.line[place]), found=_message(name, told, self.origin), done=done)


def read(path: Path, origin: Origin, rules: LinkingRules) -> Table:
    """Read a file. FrameError, ImportFailed where it cannot be read or lacks a column."""
    listed: list[Listed] = []
    intake = Intake(rules, origin.now, listed=listed)
    lines: list[Numbers] = []
    rejected: list[tuple[int, Rejection]] = []
    for part in parts(path):
        intake.add(part.frame, str(path))
        lines.append(part.lines)
        rejected += part.rejected
    chunks = intake.finish().chunks
    whole = np.concatenate(lines) if lines else np.zeros(0, np.int64)
    rejected += _rejected(listed, whole, rules)
    line = _firsts(listed, whole, chunks)
    counts = np.concatenate([_counted(*pair) for pair in zip(listed, chunks, strict=True)]) if chunks else line > 0
    return _table(_Parts(intake, chunks, line, counts), origin, sorted(rejected, key=lambda each: each[0]))


class _Parts(NamedTuple):
    """What came in, in the order of the file: each observation's line, and whether it counts."""

    intake: Intake
    chunks: Sequence[Chunk]
    line: Numbers
    counted: Bools


def _table(
    found: _Parts,
    origin: Origin,
    rejected: Sequence[tuple[int, Rejection]],
) -> Table:
    """Put the observations that count in order."""
    intake, chunks, line, counted = found
    latest = micros(origin.now)
    told = np.concatenate([_or(chunk.at, len(chunk), UNDATED) for chunk in chunks]) if chunks else line
    order = np.argsort(told, kind="stable")
    order = order[counted[order]]
    said = np.concatenate([_or(chunk.said, len(chunk), UNTRUSTED) for chunk in chunks]) if chunks else line
    counts = [len(chunk) for chunk in chunks]
    starts, entries = _laid(chunks, order)
    vocabulary = intake.vocabulary
    sources = Sources(
        chunks=chunks,
        identifier=vocabulary.identifier,
        raw=vocabulary.raw,
        key=intake.key.text,
        parent=np.zeros(0, np.int32),
        latest=latest,
    )
    places = np.concatenate([np.arange(count) for count in counts]) if counts else line
    return Table(
        intake=intake,
        rejected=rejected,
        starts=starts,
        entries=entries,
        at=np.minimum(told, latest)[order],
        trust=np.where(said == UNTRUSTED, int(origin.trust), said).astype(np.int8)[order],
        line=line[order],
        origin=origin,
        _sources=sources,
        _of=np.repeat(np.arange(len(chunks)), counts)[order],
        _places=places[order],
    )


def _or(column: npt.NDArray[Any] | None, count: int, none: int) -> npt.NDArray[Any]:
    return np.full(count, none, np.int64) if column is None else column


def _laid(chunks: Sequence[Chunk], order: Numbers) -> tuple[Numbers, Ids]:
    """Lay what observations see out in another order."""
    if not chunks:
        return np.zeros(1, np.int64), np.zeros(0, np.int32)
    sizes = np.concatenate([np.diff(chunk.starts) for chunk in chunks])
    begins = np.concatenate([[0], np.cumsum(sizes)])[:-1][order]
    starts = np.concatenate([[0], np.cumsum(sizes[order])])
    entries = np.concatenate([chunk.entries[: chunk.starts[-1]] for chunk in chunks])
    picked = np.repeat(begins - starts[:-1], sizes[order]) + np.arange(starts[-1])
    return starts, entries[picked]


def _rejected(listed: Sequence[Listed], lines: Numbers, rules: LinkingRules) -> Iterator[tuple[int, Rejection]]:
    """Give the lines of the rows that name nobody, each with its reasons."""
    begin = 0
    for table in listed:
        rows = lines[begin : begin + len(table.reasons[0])]
        begin += len(rows)
        for reasons in table.reasons:
            for row in np.flatnonzero(reasons).tolist():
                yield int(rows[row]), _rejection(REASONS[reasons[row]], rules)


def _rejection(reason: str, rules: LinkingRules) -> Rejection:
    limit = rules.identifiers_per_observation
    many = f"an observation counts with {limit} identifiers at most"
    return Rejection(code=reason, message=many if reason == "too_many_identifiers" else _SAID.get(reason, _NOBODY))


def _firsts(listed: Sequence[Listed], lines: Numbers, chunks: Sequence[Chunk]) -> Numbers:
    """Give the line of each observation's first row that counts."""
    found = [np.zeros(0, np.int64)]
    begin = 0
    for table, chunk in zip(listed, chunks, strict=True):
        rows = lines[begin : begin + len(table.reasons[0])]
        begin += len(rows)
        if table.keys is None or chunk.keys is None:
            found.append(rows)
            continue
        counts = (table.reasons[0] == 0) | (table.reasons[0] == REASONS.index("too_many_identifiers"))
        _, first = np.unique(table.keys[counts], return_index=True)
        found.append(rows[counts][first])
    return np.concatenate(found)


def _counted(table: Listed, chunk: Chunk) -> Bools:
    """Tell which are observations: not a link whose row is at fault, or of whose sides none counts."""
    if chunk.keys is not None:
        return np.ones(len(chunk), np.bool_)
    at_fault = np.isin(table.reasons[0], _FAULTS)
    nobody: Bools = np.stack(table.reasons).min(axis=0) > 0
    return ~at_fault & ~nobody


def _message(name: str, told: Told, origin: Origin) -> Message | Rejection:
    """Write an observation as an event."""
    event: dict[str, Any] = {
        "type": "identify",
        "messageId": name,
        "context": {
            "externalIds": [
                {"type": namespace, "id": value, "collection": "users", "encoding": "none"}
                for namespace, value in told.pairs
            ]
        },
    }
    if told.at is not None:
        event["timestamp"] = from_micros(told.at).isoformat()
    return observed(event, origin, origin.trust if told.trust is None else Trust(told.trust))
