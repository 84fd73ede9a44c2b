"""Logs drawn by the uniform law, and how often the truth is in the intervals."""

from pathlib import Path

from benchmarks.bandit_logs import uniform
from benchmarks.coverage import coverage
from benchmarks.records import Figures, Size


def measure(_folder: Path, size: Size) -> Figures:
    """Simulate and judge."""
    return coverage(uniform, count=size.logs, rounds=size.log_rounds)
