"""Rows become observations: which entries each saw, when, how far it is trusted, and why a value does not count."""

from collections import Counter

import numpy as np
import numpy.typing as npt

from identity.frames.chunks import UNDATED, UNTRUSTED, Chunk, distinct, grouped, least, paired
from identity.frames.interning import Ids
from identity.frames.rows import Rows, Settled
from identity.frames.vocabulary import EVIDENCE, NOBODY, REASONS

_EVIDENCE = REASONS.index(EVIDENCE)
Reasons = tuple[npt.NDArray[np.uint8], ...] | None
"""Why the values of some rows do not count, by field."""


def keyed_observations(some: Rows, settled: Settled) -> Chunk:
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


def joined(tables: list[Rows]) -> Rows:
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


def reasons_of(rows: Rows, settled: Settled, rejected: Counter[str]) -> Reasons:
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


def linked_observations(rows: Rows, settled: Settled) -> Chunk:
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
