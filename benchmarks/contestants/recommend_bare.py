"""The control: a FastAPI route that reads the same body and gives a ready answer of the same size."""

from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.latencies import waits
from benchmarks.load import send
from benchmarks.questions import read_customers, requests
from benchmarks.recommend import CONNECTIONS
from benchmarks.records import Figures, Size
from benchmarks.served import served


def measure(folder: Path, size: Size) -> Figures:
    """Send what the service is sent, the pass that warms up included."""
    users = read_customers(folder)
    with TemporaryDirectory(dir=folder) as name, served(["-m", "benchmarks.bare_app"], Path(name)) as address:
        passes = [send(address, requests(users, n, {}), CONNECTIONS) for n in range(size.passes + 1)][1:]
    seconds = [wait for each in passes for wait in each.waits]
    return {"requests_per_second": len(seconds) / sum(p.seconds for p in passes), **waits("answer", seconds)}
