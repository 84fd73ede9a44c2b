"""What came in and does not fit into memory waits outside of it; finished, it is what would have been made in memory.

Parts are put aside as they come: the texts by `spilling`, the rows as they are. Observations whose rows stand far apart
come together by stretches of their keys.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import overload

import numpy as np
import numpy.typing as npt

from identity.frames.chunks import UNDATED, UNTRUSTED, Chunk
from identity.frames.demand import STATE
from identity.frames.faults import FrameError
from identity.frames.interning import Ids, Interner
from identity.frames.rows import Rows, Settled
from identity.frames.spilling import KeptEntries, Space, Spill
from identity.frames.vocabulary import NOBODY, Vocabulary

_ROW = 64
"""Bytes that grouping takes for each row."""
_ONE = np.zeros(1, np.uint64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How many bytes may be held at once: `room` until something is put aside in `space`, `most` from then on."""

    space: Space
    room: int
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """Rows put aside: of which part they are, and what of them there is."""

    part: int
    name: str
    fields: int
    keyed: bool
    dated: bool
    trusted: bool


@dataclass(slots=True)
class Aside:
    """Takes parts and gives them back, numbered alike."""

    bounds: Bounds
    bits: int
    values: Spill = field(init=False)
    keys: Spill = field(init=False)
    _tables: list[_Table] = field(default_factory=list)
    _parts: int = 0
    _longest: int = 0

    def __post_init__(self) -> None:
        """Begin with nothing."""
        self.values = Spill(self.bounds.space, "value", self.bits)
        self.keys = Spill(self.bounds.space, "key", self.bits)

    @property
    def used(self) -> bool:
        """Whether anything was put aside."""
        return self._parts > 0

    def put(self, rows: list[Rows], vocabulary: Vocabulary, keys: Interner) -> None:
        """Put a part aside; its rows are let go of first, then what only finds its texts."""
        space, part, entries = self.bounds.space, self._parts, vocabulary.interner
        self._parts += 1
        for number, some in enumerate(rows):
            self._put(some, part, f"rows {part} {number}")
        rows.clear()
        written = entries.count
        settled = vocabulary.settle()
        space.add(f"stands {part}", settled.stands)
        space.add(f"reasons {part}", settled.reasons)
        del settled
        for known in (entries, keys):
            known.close()
        self.values.add(entries, vocabulary.names.seeds, written)
        self.keys.add(keys, _ONE, keys.count)

    def _put(self, rows: Rows, part: int, name: str) -> None:
        for what, array in rows.arrays():
            self.bounds.space.add(f"{name} {what}", array)
        self._tables.append(
            _Table(
                part=part,
                name=name,
                fields=len(rows.fields),
                keyed=rows.keys is not None,
                dated=rows.at is not None,
                trusted=rows.trust is not None,
            )
        )

    def merge(self, vocabulary: Vocabulary) -> "Merged":
        """Give all parts numbers that agree. Raises FrameError where there are more identifiers than may be held."""
        names = vocabulary.names
        entries, of_values = self.values.merged(names.seeds)
        if entries.count * STATE > self.bounds.most:
            raise FrameError("", _too_many(entries.count))
        keys, of_keys = self.keys.merged(_ONE)
        space = self.bounds.space
        stands, reasons = np.full(entries.count, NOBODY, np.int32), np.zeros(entries.count, np.uint8)
        for part, name in enumerate(of_values):
            numbers = space.read(name, np.int32)
            theirs = space.read(f"stands {part}", np.int32)
            stands[numbers] = np.where(theirs == NOBODY, NOBODY, numbers[theirs])
            reasons[numbers] = space.read(f"reasons {part}", np.uint8)
        return Merged(
            space=space,
            entries=entries,
            keys=keys,
            settled=Settled.of(stands, reasons),
            last=space.read(of_values[-1], np.int32),
            tables=tuple(self._tables),
            of=tuple(zip(of_values, of_keys, strict=True)),
            room=self.bounds.room,
        )


def _too_many(count: int) -> str:
    need = -(-count * STATE // 2**20)
    return (
        f"{count:,} identifiers need some {need:,} MiB at hand, whatever else waits on the disk; "
        "allow more memory, or use --engine spark"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """All parts: their distinct texts, and the rows, which stay aside until they are asked for."""

    space: Space
    entries: KeptEntries
    keys: KeptEntries
    settled: Settled
    last: Ids
    tables: tuple[_Table, ...]
    of: tuple[tuple[str, str], ...]
    room: int

    def pairs(self) -> Iterator[Rows]:
        """Give the tables of links, one after the other."""
        for table in self.tables:
            if not table.keyed:
                yield self._rows(table)

    def singles(self) -> Iterator[list[Rows]]:
        """Give all rows of some observations, stretch by stretch, in the order in which they came."""
        tables = [table for table in self.tables if table.keyed]
        if not tables:
            return
        rows = sum(len(self.space.read(f"{table.name} bad", np.uint8)) for table in tables)
        stretches = min(max(-(-rows * _ROW // max(self.room, 1)), 1), max(self.keys.count, 1), _STRETCHES)
        width = -(-self.keys.count // stretches)
        dated, trusted = any(table.dated for table in tables), any(table.trusted for table in tables)
        for table in tables:
            self._spread(self._rows(table), width, dated=dated, trusted=trusted)
        for number in range(-(-self.keys.count // width)):
            name = f"stretch {number}"
            yield [
                Rows(
                    keys=self.space.read(f"{name} keys", np.int32),
                    fields=(self.space.read(f"{name} field 0", np.int32),),
                    at=self.space.read(f"{name} at", np.int64) if dated else None,
                    trust=self.space.read(f"{name} trust", np.int8) if trusted else None,
                    bad=self.space.read(f"{name} bad", np.uint8),
                )
            ]
            for what in ("keys", "field 0", "at", "trust", "bad"):
                self.space.drop(f"{name} {what}")

    def _spread(self, rows: Rows, width: int, *, dated: bool, trusted: bool) -> None:
        """Put rows where the others of their observations are."""
        count = len(rows.bad)
        whole = Rows(
            keys=rows.keys,
            fields=rows.fields,
            at=np.full(count, UNDATED, np.int64) if dated and rows.at is None else rows.at,
            trust=np.full(count, UNTRUSTED, np.int8) if trusted and rows.trust is None else rows.trust,
            bad=rows.bad,
        )
        stretch = (np.zeros(0, np.int32) if rows.keys is None else rows.keys) // width
        order = np.argsort(stretch, kind="stable")
        used, begins = np.unique(stretch[order], return_index=True)
        for number, some in zip(used.tolist(), np.split(order, begins[1:]), strict=True):
            for what, array in whole.arrays():
                self.space.add(f"stretch {number} {what}", array[some])

    def _rows(self, table: _Table) -> Rows:
        """Read a table, its texts by the numbers that they have among all."""
        values, keys = (self.space.read(name, np.int32) for name in self.of[table.part])
        read = self.space.read
        fields = [values[read(f"{table.name} field {n}", np.int32)] for n in range(table.fields)]
        return Rows(
            keys=keys[read(f"{table.name} keys", np.int32)] if table.keyed else None,
            fields=tuple(fields),
            at=read(f"{table.name} at", np.int64) if table.dated else None,
            trust=read(f"{table.name} trust", np.int8) if table.trusted else None,
            bad=read(f"{table.name} bad", np.uint8),
        )


_STRETCHES = 4_096
"""Stretches of keys at most."""


class KeptChunks(Sequence[Chunk]):
    """Chunks put aside as they are made; the one looked at last is at hand."""

    def __init__(self, space: Space, chunks: Iterable[Chunk]) -> None:
        self._space = space
        self._kinds = [self._keep(number, chunk) for number, chunk in enumerate(chunks)]
        self._at_hand: tuple[int, Chunk] | None = None

    def __len__(self) -> int:
        return len(self._kinds)

    @overload
    def __getitem__(self, place: int) -> Chunk: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Chunk]: ...
    def __getitem__(self, place: int | slice) -> Chunk | Sequence[Chunk]:
        """Give one; all of a slice together are in memory."""
        if isinstance(place, slice):
            return [self[number] for number in range(*place.indices(len(self)))]
        if not 0 <= place < len(self):
            raise IndexError(place)
        if self._at_hand is None or self._at_hand[0] != place:
            self._at_hand = None
            self._at_hand = (place, self._read(place))
        return self._at_hand[1]

    def _keep(self, number: int, chunk: Chunk) -> dict[str, npt.DTypeLike]:
        arrays = dict(chunk.arrays())
        for what, array in arrays.items():
            self._space.add(f"chunk {number} {what}", array)
        return {what: array.dtype for what, array in arrays.items()}

    def _read(self, number: int) -> Chunk:
        return Chunk.of({w: self._space.read(f"chunk {number} {w}", kind) for w, kind in self._kinds[number].items()})
