"""What durability costs on a disk: bytes appended to a file, and fdatasync."""

import os
import time
from collections.abc import Iterable
from pathlib import Path


def syncs(file: Path, bodies: Iterable[bytes]) -> list[float]:
    """Append these, each synced; give the seconds that each took."""
    taken = []
    with file.open("ab", buffering=0) as opened:
        for body in bodies:
            started = time.perf_counter()
            opened.write(body)
            os.fdatasync(opened.fileno())
            taken.append(time.perf_counter() - started)
    return taken
