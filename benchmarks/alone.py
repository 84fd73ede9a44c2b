"""One event alone, beside the fdatasync that it cannot do without: some of one, some of the other, in turn."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from benchmarks.disk import syncs
from benchmarks.latencies import percentile, waits
from benchmarks.records import Figures

T = TypeVar("T")

PORTION = 20


def measured(
    items: Sequence[T], send: Callable[[Sequence[T]], list[float]], bytes_of: Callable[[T], bytes], file: Path
) -> Figures:
    """Send the items portion by portion, and append each portion's bytes to a file; waits, and how they compare."""
    sent: list[float] = []
    synced: list[float] = []
    for start in range(0, len(items), PORTION):
        portion = items[start : start + PORTION]
        sent += send(portion)
        synced += syncs(file, map(bytes_of, portion))
    part = percentile(sent, 0.5) / percentile(synced, 0.5)
    return {**waits("alone", sent), **waits("fdatasync", synced), "alone_in_fdatasyncs": part}
