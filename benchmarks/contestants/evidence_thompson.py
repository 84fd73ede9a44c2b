"""Logs drawn by the thompson law, and how often the truth is in the intervals."""

from pathlib import Path

from benchmarks.bandit_logs import thompson
from benchmarks.coverage import coverage
from benchmarks.records import Figures, Size


def measure(_folder: Path, size: Size) -> Figures:
    """Simulate and judge."""
    return coverage(thompson, count=size.logs, rounds=size.log_rounds)
