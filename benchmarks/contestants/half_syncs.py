"""The control: what a decision has in bytes, synced to the same disk, two syncs for one."""

from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.disk import syncs
from benchmarks.half import DECISION_BYTES
from benchmarks.latencies import percentile, waits
from benchmarks.records import Figures, Size

PAIRS = 500


def measure(folder: Path, _size: Size) -> Figures:
    """Sync bytes, and count two syncs as one wait."""
    with TemporaryDirectory(dir=folder) as name:
        taken = syncs(Path(name) / "bytes", [bytes(DECISION_BYTES)] * (2 * PAIRS))
    pairs = [first + second for first, second in zip(taken[::2], taken[1::2], strict=True)]
    return {
        "requests_per_second": PAIRS / sum(pairs),
        **waits("answer", pairs),
        "answer_p999_ms": percentile(pairs, 0.999),
    }
