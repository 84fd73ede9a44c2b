"""What durability costs on this disk: an event's bytes appended to a file, and fdatasync."""

import os
import time
from pathlib import Path
from tempfile import TemporaryFile

import orjson

from benchmarks.latencies import waits
from benchmarks.records import Figures, Size
from benchmarks.traffic import read_events


def measure(folder: Path, size: Size) -> Figures:
    """Append the single events, each synced."""
    taken = []
    with TemporaryFile(dir=folder, buffering=0) as file:
        for event in read_events(folder)[-size.alone :]:
            body = orjson.dumps(event.raw)
            started = time.perf_counter()
            file.write(body)
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter() - started)
    return waits("alone", taken)
