"""A contestant for tests: it fails."""

from pathlib import Path

from benchmarks.records import Figures, Size


def measure(_folder: Path, _size: Size) -> Figures:
    """Fail."""
    raise SystemExit(3)
