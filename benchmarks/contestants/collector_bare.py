"""The floor over HTTP: the same server appends the same batches to a log, and does nothing else with them."""

from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.contestants.collector_service import sent_to, with_one_key
from benchmarks.records import Figures, Size
from benchmarks.served import served
from identity.observations import Trust


def measure(folder: Path, size: Size) -> Figures:
    """Send what the service is sent."""
    with (
        TemporaryDirectory(dir=folder) as name,
        served(["-m", "benchmarks.bare_log"], Path(name)) as address,
    ):
        return sent_to(address, Path(name), size, with_one_key(folder), {trust: {} for trust in Trust})
