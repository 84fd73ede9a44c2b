"""The service on PostgreSQL, on the same machine and disk, sent the same."""

from pathlib import Path

from benchmarks.contestants.collector_service import collect, with_one_key
from benchmarks.records import Figures, Size
from benchmarks.stores import postgresql_copy


def measure(folder: Path, size: Size) -> Figures:
    """Send everything with the server's key."""
    with postgresql_copy(folder) as store:
        return collect(store, size, with_one_key(folder))
