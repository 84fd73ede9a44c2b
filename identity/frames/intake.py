"""Tables come in, a part at a time; numbers go on (CONTRACT 4).

Nothing of a row is kept but the numbers of its values, its time and its trust.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
import polars as pl

from identity.frames import columns
from identity.frames.arrow import texts
from identity.frames.aside import Aside, Bounds, KeptChunks
from identity.frames.chunks import UNDATED, Chunk
from identity.frames.demand import STATE, Demand
from identity.frames.interning import ALL_BITS, Ids, Interner
from identity.frames.observations import Reasons, joined, keyed_observations, linked_observations, reasons_of
from identity.frames.reading import Part, Reader
from identity.frames.rows import Listed, Rows, Settled
from identity.frames.spilling import Entries
from identity.frames.vocabulary import REASONS, Names, Vocabulary
from identity.identifiers import Identifier
from identity.rules import LinkingRules

_TOO_MANY = REASONS.index("too_many_identifiers")


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

    With `bounds`, what would take more than their room is put aside; the answer is the same. `listed`, given empty,
    holds in the end why each value of each row does not count (the number of a reason, 0: it does), table by table;
    whoever lists rows takes them one by one, and so reads times without an offset as UTC beside others.
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
    _spoilt: bool = False

    def __post_init__(self) -> None:
        """Begin with nothing known."""
        self.names = Names(self.rules)
        self._reader = Reader(self.names, lenient=self.listed is not None)
        self.vocabulary = Vocabulary(self.rules, self.names, self.bits)
        self.keys = Interner(self.bits)
        self.key: Entries = self.keys
        self._aside = None if self.bounds is None else Aside(self.bounds, self.bits)

    def expect(self, rows: int) -> None:
        """Hear of rows to come: room is made at once for as many as may be held, and taken as they come."""
        held = rows if self.bounds is None else min(rows, self.bounds.room // STATE)
        self.vocabulary.interner.expect(held)

    def add(self, frame: pl.DataFrame, source: str = "") -> None:
        """Take in a part of a table. FrameError names the source and the column that cannot be."""
        self.take(self.read(frame, source))

    def read(self, frame: pl.DataFrame, source: str = "") -> Part:
        """Read a part of a table, to be taken in order; the next one may be read meanwhile, by another thread."""
        return self._reader.read(frame, source)

    def take(self, part: Part) -> None:
        """Take in what was read."""
        if self._rows and self._beyond(part):
            self._put_aside()
        keys = None if part.keys is None else self.keys.intern(part.keys)
        fields = tuple(self.vocabulary.add(values) for values in part.fields)
        self._count += len(part.bad)
        self._spoilt = self._spoilt or bool(part.bad.any())
        self._rows.append(Rows(keys=keys, fields=fields, at=part.at, trust=part.trust, bad=part.bad))

    def finish(self, judged: Sequence[Identifier] = ()) -> Input:
        """Give what came in, in observations, and number `judged`; nothing can be taken in after that."""
        numbers = self._number(judged)
        dated = any(rows.at is not None for rows in self._rows) or self._dated
        rejected: Counter[str] = Counter()
        if self._aside is not None and (self._aside.used or self._beyond()):
            self._put_aside()
            merged = self._aside.merge(self.vocabulary)
            self.vocabulary.entries, self.key = merged.entries, merged.keys
            numbers = merged.last[numbers]
            made = self._chunks(merged.pairs(), merged.singles(), merged.settled, rejected)
            chunks: Sequence[Chunk] = KeptChunks(self._aside.bounds.space, made)
        else:
            settled = self.vocabulary.settle()
            for interner in (self.vocabulary.interner, self.keys):
                interner.close()
            tables, self._rows = self._rows, []
            singles = [[rows for rows in tables if rows.keys is not None]]
            chunks = list(self._chunks(_pairs(tables), singles, settled, rejected))
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
            reasons = reasons_of(rows, settled, rejected)
            chunk, dropped = self._trimmed(linked_observations(rows, settled), rejected)
            self._list(rows, settled, reasons, chunk, dropped)
            yield self._clamped(chunk)
        for tables in singles:
            if tables:
                rows = joined(tables)
                reasons = reasons_of(rows, settled, rejected)
                chunk, dropped = self._trimmed(keyed_observations(rows, settled), rejected)
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

    def _beyond(self, part: Part | None = None) -> bool:
        """Tell whether what is held, and a part more, will take more memory than it may."""
        if self._aside is None or self.demand(part).peak() <= self._aside.bounds.room:
            return False
        self.vocabulary.sift()
        return self.demand(part).peak() > self._aside.bounds.room

    def demand(self, part: Part | None = None) -> Demand:
        """Tell what is held once a part is taken in, whose values are taken to be new; what is doubtful may be two."""
        values, keys = self.vocabulary.interner, self.keys
        fields = () if part is None else part.fields
        more, size = sum(map(len, fields)), sum(values.size for values in fields)
        more_keys, key_size = (0, 0) if part is None or part.keys is None else (len(part.keys), part.keys.size)
        keyed = [len(rows.bad) for rows in self._rows if rows.keys is not None]
        coming = 0 if part is None else len(part.bad)
        rows = sum(keyed) + (coming if more_keys else 0)
        doubts, doubted = self.vocabulary.doubts
        return Demand(
            entries=values.count + doubts + more,
            bytes=values.bytes + doubted + size,
            tables=values.table(more, size) + keys.table(more_keys, key_size) + sum(each.size for each in self._rows),
            links=sum(len(each.bad) for each in self._rows) + coming - rows,
            rows=rows,
            keys=keys.count + more_keys,
            key_bytes=keys.bytes + key_size,
            plain=not doubts and not self._spoilt,
        )

    def _put_aside(self) -> None:
        """Put all aside that came in."""
        if self._aside is not None:
            self._dated = self._dated or any(rows.at is not None for rows in self._rows)
            self._aside.put(self._rows, self.vocabulary, self.keys)
            self.vocabulary.start_over()
            self.key = self.keys = Interner(self.bits)
            self._spoilt = False

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


def _pairs(tables: list[Rows]) -> Iterator[Rows]:
    """Give the tables of links, and let go of each once it is taken."""
    for place, rows in enumerate(tables):
        if rows.keys is None:
            tables[place] = Rows(keys=None, fields=(), at=None, trust=None, bad=np.zeros(0, np.uint8))
            yield rows
