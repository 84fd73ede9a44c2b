"""The control: a FastAPI route that reads the same body and gives a ready answer of the same size."""

from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.load import send
from benchmarks.questions import read_customers, requests
from benchmarks.recommend import CONNECTIONS, answered
from benchmarks.records import Figures, Size
from benchmarks.served import served


def measure(folder: Path, size: Size) -> Figures:
    """Send what the service is sent."""
    users = read_customers(folder)
    with TemporaryDirectory(dir=folder) as name, served(["-m", "benchmarks.bare_app"], Path(name)) as address:
        return answered([send(address, requests(users, n, {}), CONNECTIONS) for n in range(size.passes + 1)])
