"""Tables come in, a part at a time; numbers go on (CONTRACT 4).

Nothing of a row is kept but the numbers of its values, its time and its trust.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
import numpy.typing as npt
import polars as pl

from identity.frames import columns
from identity.frames.arrow import texts
from identity.frames.aside import Aside, Bounds, KeptChunks
from identity.frames.chunks import UNDATED, UNTRUSTED, Chunk, distinct, grouped, least, paired
from identity.frames.interning import ALL_BITS, Ids, Interner
from identity.frames.reading import Part, Reader
from identity.frames.rows import Listed, Rows, Settled
from identity.frames.spilling import Entries
from identity.frames.vocabulary import EVIDENCE, NOBODY, REASONS, Names, Vocabulary
from identity.identifiers import Identifier
from identity.rules import LinkingRules

_TOO_MANY = REASONS.index("too_many_identifiers")
_EVIDENCE = REASONS.index(EVIDENCE)
Reasons = tuple[npt.NDArray[np.uint8], ...] | None
"""Why the values of some rows do not count, by field."""


@dataclass(slots=True, kw_only=True)
class Input:
    """All that came in; `judged` numbers the identifiers that judgements speak of."""

    chunks: Sequence[Chunk]
    observations: int
    judged: Ids
    rejected: Counter[str]
    rows: int
    dated: bool


@dataclass(slots=True)
class Intake:
    """Takes tables in; `now` is the latest that an event can have been (None: whenever it says).

    With `bounds`, what is more than their room is put aside; the answer is the same. `listed`, given empty, holds in
    the end why each value of each row does not count (the number of a reason, 0: it does), table by table; whoever
    lists rows takes them one by one, and so reads times without an offset as UTC beside others.
    """

    rules: LinkingRules
    now: datetime | None = None
    bits: int = ALL_BITS
    bounds: Bounds | None = None
    listed: list[Listed] | None = None
    names: Names = field(init=False)
    vocabulary: Vocabulary = field(init=False)
    keys: Interner = field(init=False)
    key: Entries = field(init=False)
    _reader: Reader = field(init=False)
    _rows: list[Rows] = field(default_factory=list)
    _count: int = 0
    _aside: Aside | None = None
    _dated: bool = False

    def __post_init__(self) -> None:
        """Begin with nothing known."""
        self.names = Names(self.rules)
        self._reader = Reader(self.names, lenient=self.listed is not None)
        self.vocabulary = Vocabulary(self.rules, self.names, self.bits)
        self.keys = Interner(self.bits)
        self.key: Entries = self.keys
        self._aside = None if self.bounds is None else Aside(self.bounds, self.bits)

    def expect(self, rows: int) -> None:
        """Hear of rows to come: room is made for them at once, and taken as they come."""
        self.vocabulary.interner.expect(rows)

    def add(self, frame: pl.DataFrame, source: str = "") -> None:
        """Take in a part of a table. FrameError names the source and the column that cannot be."""
        self.take(self.read(frame, source))

    def read(self, frame: pl.DataFrame, source: str = "") -> Part:
        """Read a part of a table, to be taken in order; the next one may be read meanwhile, by another thread."""
        return self._reader.read(frame, source)

    def take(self, part: Part) -> None:
        """Take in what was read."""
        keys = None if part.keys is None else self.keys.intern(part.keys)
        fields = tuple(self.vocabulary.add(values) for values in part.fields)
        self._count += len(part.bad)
        self._rows.append(Rows(keys=keys, fields=fields, at=part.at, trust=part.trust, bad=part.bad))
        self._make_room()

    def finish(self, judged: Sequence[Identifier] = ()) -> Input:
        """Give what came in, in observations, and number `judged`; nothing can be taken in after that."""
        numbers = self._number(judged)
        dated = any(rows.at is not None for rows in self._rows) or self._dated
        rejected: Counter[str] = Counter()
        if self._aside is None or not self._aside.used:
            settled = self.vocabulary.settle()
            tables, self._rows = self._rows, []
            singles = [[rows for rows in tables if rows.keys is not None]]
            chunks: Sequence[Chunk] = list(self._chunks(_pairs(tables), singles, settled, rejected))
            self.vocabulary.interner.close()
        else:
            self._put_aside(self._aside)
            merged = self._aside.merge(self.vocabulary)
            self.vocabulary.entries, self.key = merged.entries, merged.keys
            numbers = merged.last[numbers]
            made = self._chunks(merged.pairs(), merged.singles(), merged.settled, rejected)
            chunks = KeptChunks(self._aside.bounds.space, made)
        observations = sum(len(chunk) for chunk in chunks)
        return Input(
            chunks=chunks,
            observations=observations,
            judged=numbers,
            rejected=+rejected,
            rows=self._count,
            dated=dated,
        )

    def _chunks(
        self, pairs: Iterable[Rows], singles: Iterable[list[Rows]], settled: Settled, rejected: Counter[str]
    ) -> Iterator[Chunk]:
        """Make observations of rows."""
        for rows in pairs:
            reasons = _reasons(rows, settled, rejected)
            chunk, dropped = self._trimmed(_linked_chunk(rows, settled), rejected)
            self._list(rows, settled, reasons, chunk, dropped)
            yield self._clamped(chunk)
        for tables in singles:
            if tables:
                rows = _joined(tables)
                reasons = _reasons(rows, settled, rejected)
                chunk, dropped = self._trimmed(_grouped(rows, settled), rejected)
                self._list(rows, settled, reasons, chunk, dropped)
                yield self._clamped(chunk)

    def _list(
        self, rows: Rows, settled: Settled, reasons: Reasons, chunk: Chunk, dropped: set[tuple[int, int]]
    ) -> None:
        """List why each row's values do not count, for whoever asked."""
        if self.listed is None:
            return
        whole = [np.zeros(len(rows.bad), np.uint8) for _ in rows.fields] if reasons is None else list(reasons)
        named = np.arange(len(rows.bad)) if rows.keys is None else rows.keys
        of = named if chunk.keys is None else chunk.keys
        beyond = {(int(of[place]), entry) for place, entry in dropped}
        for entries, found in zip(rows.fields, whole, strict=True) if beyond else ():
            pairs = zip(named.tolist(), settled.stands[entries].tolist(), strict=True)
            found[[n for n, pair in enumerate(pairs) if pair in beyond and not found[n]]] = _TOO_MANY
        self.listed.append(Listed(keys=rows.keys, reasons=tuple(whole)))

    def _clamped(self, chunk: Chunk) -> Chunk:
        """Let nothing be later than the run."""
        if chunk.at is None or self.now is None:
            return chunk
        late = (chunk.at > self.latest) & (chunk.at != UNDATED)
        return replace(chunk, at=np.where(late, self.latest, chunk.at), told=chunk.at) if late.any() else chunk

    def _number(self, identifiers: Sequence[Identifier]) -> Ids:
        """Give numbers to identifiers that need not be seen anywhere."""
        names = self.names.add(texts(pl.Series([i.namespace for i in identifiers], dtype=pl.String)), "")
        values = texts(pl.Series([i.value for i in identifiers], dtype=pl.String))
        return self.vocabulary.add(self.names.named(names, values))

    def _make_room(self) -> None:
        """Put aside what came in, if it is more than may be held."""
        if self._aside is not None:
            held = self.vocabulary.interner.size + self.keys.size + sum(rows.size for rows in self._rows)
            if held > self._aside.bounds.room:
                self._put_aside(self._aside)

    def _put_aside(self, aside: Aside) -> None:
        self._dated = self._dated or any(rows.at is not None for rows in self._rows)
        aside.put(self._rows, self.vocabulary, self.vocabulary.interner, self.keys)
        self.vocabulary.start_over()
        self.key = self.keys = Interner(self.bits)
        self._rows = []

    def _trimmed(self, chunk: Chunk, rejected: Counter[str]) -> tuple[Chunk, set[tuple[int, int]]]:
        """Let the first twenty of an observation's entries count, by priority, then by value (DESIGN 4.1).

        Also gives the others: in which observation they are, and what.
        """
        most = self.rules.identifiers_per_observation
        over = np.flatnonzero(np.diff(chunk.starts) > most)
        dropped: set[tuple[int, int]] = set()
        if not len(over):
            return chunk, dropped
        kept = np.ones(len(chunk.entries), np.bool_)
        for each in over.tolist():
            begin, end = int(chunk.starts[each]), int(chunk.starts[each + 1])
            entries = chunk.entries[begin:end].tolist()
            order = sorted(range(end - begin), key=lambda n: self.rules.rank(self.vocabulary.identifier(entries[n])))
            kept[[begin + place for place in order[most:]]] = False
            dropped.update((each, entries[place]) for place in order[most:])
            rejected["too_many_identifiers"] += end - begin - most
        before = np.concatenate([[0], np.cumsum(kept)])
        trimmed = replace(
            chunk,
            starts=before[chunk.starts],
            entries=chunk.entries[kept],
            written=(chunk.starts, chunk.entries) if chunk.written is None else chunk.written,
        )
        return trimmed, dropped

    @property
    def latest(self) -> int:
        """When what says no time was seen: at the run, or where that is not told, after all that is dated."""
        return UNDATED if self.now is None else columns.micros(self.now)


def _grouped(some: Rows, settled: Settled) -> Chunk:
    """Make observations of rows, wherever they stand; each was when its earliest row says, and so on."""
    good = some.bad == 0
    keys, entries = _keys(some)[good], some.fields[0][good]
    used, keys = np.unique(keys, return_inverse=True)
    keys = keys.astype(np.int32)
    starts = np.zeros(len(used) + 1, np.int64)
    placed = np.empty(len(entries), np.int32)
    grouped(keys, entries, starts, placed)
    written = (starts.copy(), placed)
    normal = settled.stands[placed]
    normal = normal[: distinct(starts, normal)]
    return Chunk(
        starts=starts,
        entries=normal,
        at=_lowest(keys, some.at, good, len(used), UNDATED),
        said=_narrowed(_lowest(keys, some.trust, good, len(used), UNTRUSTED)),
        keys=used.astype(np.int32),
        written=written,
    )


def _keys(rows: Rows) -> Ids:
    """Give the observations that rows are of."""
    return np.zeros(0, np.int32) if rows.keys is None else rows.keys


def _lowest(
    keys: Ids,
    values: npt.NDArray[np.int64] | npt.NDArray[np.int8] | None,
    good: npt.NDArray[np.bool_],
    count: int,
    none: int,
) -> npt.NDArray[np.int64] | None:
    """Give the least value of each observation's rows."""
    if values is None:
        return None
    found = np.full(count, none, np.int64)
    least(keys, values[good].astype(np.int64), found)
    return found


def _narrowed(found: npt.NDArray[np.int64] | None) -> npt.NDArray[np.int8] | None:
    """Keep trusts in a byte each."""
    return None if found is None else found.astype(np.int8)


def _joined(tables: list[Rows]) -> Rows:
    """Put tables of one shape end to end."""
    return Rows(
        keys=np.concatenate([_keys(table) for table in tables]),
        fields=(np.concatenate([t.fields[0] for t in tables]),),
        at=_column([t.at for t in tables], [len(t.bad) for t in tables], UNDATED, np.int64),
        trust=_narrowed(_column([t.trust for t in tables], [len(t.bad) for t in tables], UNTRUSTED, np.int64)),
        bad=np.concatenate([t.bad for t in tables]),
    )


def _column(
    parts: list[npt.NDArray[np.int64] | npt.NDArray[np.int8] | None], sizes: list[int], none: int, kind: type
) -> npt.NDArray[np.int64] | None:
    """Put a column end to end, filled where a table lacks it; None where all do."""
    if all(part is None for part in parts):
        return None
    return np.concatenate(
        [np.full(size, none, kind) if part is None else part for part, size in zip(parts, sizes, strict=True)]
    )


def _reasons(rows: Rows, settled: Settled, rejected: Counter[str]) -> Reasons:
    """Mark the rows that name nobody, count their faults, and give each value's reason; None where there is none.

    Evidence is kept. A fault of a link's row is one fault, not one of each side.
    """
    if settled.plain and not rows.bad.any():
        return None
    found = [settled.reasons[entries] for entries in rows.fields]
    for each in found:
        each[each == _EVIDENCE] = 0
    if len(found) == 1:
        order = np.isin(rows.bad, [REASONS.index("invalid_observed_at"), REASONS.index("invalid_trust")])
        rows.bad[:] = np.where((rows.bad == 0) | (order & (found[0] != 0)), found[0], rows.bad)
        found = [rows.bad]
    else:
        found = [np.where(rows.bad == 0, each, 0) for each in found]
        found[0] = np.where(rows.bad == 0, found[0], rows.bad)
    for each in found:
        counts = np.bincount(each, minlength=len(REASONS))
        rejected.update({REASONS[n]: int(count) for n, count in enumerate(counts) if n and count})
    return tuple(found)


def _linked_chunk(rows: Rows, settled: Settled) -> Chunk:
    """Make an observation of each pair."""
    if settled.plain and not rows.bad.any():
        sides = rows.fields
    else:
        sides = tuple(np.where(rows.bad == 0, settled.stands[f], NOBODY).astype(np.int32) for f in rows.fields)
    starts = np.empty(len(rows.bad) + 1, np.int64)
    entries = np.empty(2 * len(rows.bad), np.int32)
    entries = entries[: paired(*sides, starts, entries)]
    written = None
    if sides is not rows.fields:
        spread = np.arange(0, 2 * len(rows.bad) + 1, 2, dtype=np.int64)
        written = (spread, np.stack(rows.fields, axis=1).ravel())
    return Chunk(
        starts=starts,
        entries=entries,
        at=rows.at,
        said=rows.trust,
        keys=None,
        written=written,
    )


def _pairs(tables: list[Rows]) -> Iterator[Rows]:
    """Give the tables of links, and let go of each once it is taken."""
    for place, rows in enumerate(tables):
        if rows.keys is None:
            tables[place] = Rows(keys=None, fields=(), at=None, trust=None, bad=rows.bad[:0])
            yield rows
