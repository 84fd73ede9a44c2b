"""One run of one contestant: `python -m benchmarks.process MODULE FOLDER` prints its figures as JSON."""

import sys
from importlib import import_module
from pathlib import Path

import orjson

from benchmarks.records import Size


def main(module: str, folder: Path) -> None:
    """Measure, and print."""
    figures = import_module(module).measure(folder, Size.read(folder))
    sys.stdout.buffer.write(orjson.dumps(figures))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
