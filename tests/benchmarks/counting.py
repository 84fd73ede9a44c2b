"""A contestant for tests: it measures how often it was asked, and that it runs in a process of its own."""

import os
from pathlib import Path

from benchmarks.records import Figures, Size


def measure(folder: Path, size: Size) -> Figures:
    """Give the number of this run, and the process."""
    log = folder / "runs.log"
    with log.open("a") as file:
        file.write("run\n")
    return {"rate": float(len(log.read_text().split()) * size.people), "process": float(os.getpid())}
