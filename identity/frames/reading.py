"""Tables are read, a part at a time, in either shape (CONTRACT 4): what rows say, their values not yet numbered.

Reading knows nothing of what was numbered, so that one part can be read while the one before it is numbered.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from identity.frames import columns
from identity.frames.arrow import texts
from identity.frames.chunks import UNDATED, UNTRUSTED
from identity.frames.faults import FrameError
from identity.frames.interning import Named
from identity.frames.prefixes import Prefixes
from identity.frames.vocabulary import REASONS, Names

_ONE = np.zeros(1, np.uint64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Rows of a table, one text a field; `keys` None: each row is an observation.

    `at` and `trust` are None where the table has no such column. `bad` has the number of a row's reason, 0: none.
    """

    keys: Named | None
    fields: tuple[Named, ...]
    at: npt.NDArray[np.int64] | None
    trust: npt.NDArray[np.int8] | None
    bad: npt.NDArray[np.uint8]


@dataclass(slots=True)
class Legible:
    """Sees the parts of one file: a column of which not one value can be read is mistyped, not a file of bad rows."""

    source: str
    _read: set[str] = field(default_factory=set)
    _spoilt: set[str] = field(default_factory=set)

    def see(self, part: Part) -> None:
        """Note of which columns there was a value that could be read, and one that could not."""
        for name, cells, none in (("observed_at", part.at, UNDATED), ("trust", part.trust, UNTRUSTED)):
            if cells is not None and (cells != none).any():
                self._read.add(name)
            if (part.bad == REASONS.index(f"invalid_{name}")).any():
                self._spoilt.add(name)

    def end(self) -> None:
        """Hear that the file ends. FrameError names it and the first column of which nothing could be read."""
        for name in columns.OPTIONAL:
            if name in self._spoilt - self._read:
                raise FrameError(self.source, columns.ILLEGIBLE[name])


class Reader:
    """Reads tables; `names` numbers the namespaces. Unless `lenient`, times with and without an offset cannot mix."""

    def __init__(self, names: Names, *, lenient: bool) -> None:
        self._names = names
        self._prefixes = Prefixes(names)
        self._lenient = lenient
        self._zoned: str | None = None
        self._naive: str | None = None

    def read(self, frame: pl.DataFrame, source: str) -> Part:
        """Read a part of a table. FrameError names the source and the column that cannot be."""
        shape = columns.shape(frame.columns, source)
        bad = np.zeros(len(frame), np.uint8)
        keys = None
        if shape is columns.LINKS:
            fields = tuple(self._linked(columns.text(frame[name], source), source) for name in shape)
        else:
            key = columns.text(frame["observation"], source).fill_null("").str.strip_chars()
            spaces = self._names.add(texts(columns.text(frame["namespace"], source)), source)
            fields = (self._names.named(spaces, texts(columns.text(frame["value"], source))),)
            keys = Named.of(texts(key), np.zeros(len(key), np.int32), _ONE)
            bad[(key == "").to_numpy()] = REASONS.index("missing_observation")
        at = self._dated(frame, source, bad)
        return Part(keys=keys, fields=fields, at=at, trust=_trusted(frame, source, bad), bad=bad)

    def _linked(self, column: pl.Series, source: str) -> Named:
        """Read a column of `namespace:value`, divided at the first colon; without one there is no namespace."""
        return self._names.named(*self._prefixes.divide(texts(column), source))

    def _dated(self, frame: pl.DataFrame, source: str, bad: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64] | None:
        """Read when rows were; some with and some without an offset cannot be compared."""
        if "observed_at" not in frame.columns:
            return None
        read = columns.moments(frame["observed_at"], source)
        zoned, naive = read.zones
        self._zoned = source if zoned and self._zoned is None else self._zoned
        self._naive = source if naive and self._naive is None else self._naive
        if self._zoned is not None and self._naive is not None and not self._lenient:
            also = f" (those of {self._zoned} have one)" if self._zoned != source else ""
            told = f"the column observed_at mixes times with an offset and times without{also}; give all of them one"
            raise FrameError(source, told)
        bad[(bad == 0) & ~read.read] = REASONS.index("invalid_observed_at")
        return np.where(read.dated, read.at, UNDATED)


def _trusted(frame: pl.DataFrame, source: str, bad: npt.NDArray[np.uint8]) -> npt.NDArray[np.int8] | None:
    """Read how far rows are trusted."""
    if "trust" not in frame.columns:
        return None
    found, read = columns.trusts(frame["trust"], source)
    bad[(bad == 0) & ~read] = REASONS.index("invalid_trust")
    return np.where(found < 0, UNTRUSTED, found).astype(np.int8)
