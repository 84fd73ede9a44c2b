"""What one run took: seconds, processor seconds, and the most memory its process ever held."""

import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.records import Figures

_STATUS = Path("/proc/self/status")
_UNIT = 1 if sys.platform == "darwin" else 1024
"""In what `ru_maxrss` counts, in bytes."""


def measured(work: Callable[[], object], edges: int) -> Figures:
    """Do the work once."""
    started, busy = time.perf_counter(), _busy()
    work()
    seconds, taken = time.perf_counter() - started, _busy() - busy
    return {
        "seconds": seconds,
        "cpu_seconds": taken,
        "peak_mib": _peak() / 2**20,
        "edges_per_second": edges / seconds,
    }


def _peak() -> int:
    """Give the most memory held, in bytes.

    On Linux `ru_maxrss` would count what the parent held before the process began.
    """
    if _STATUS.exists():
        line = next(line for line in _STATUS.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT


def _busy() -> float:
    """Give the processor time taken so far, by this process and by those it waited for."""
    own, others = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime
