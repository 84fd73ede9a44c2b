"""Contestants take turns, each run in a process of its own, so that a machine's moods meet all of them alike."""

import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from benchmarks.records import Benchmark, Contestant, Figures, Result, Size


class ContestantFailed(Exception):  # noqa: N818 - what happened
    """A contestant's process ended without figures; its own words are on stderr."""


def run(benchmark: Benchmark, size: Size, progress: Callable[[str], None]) -> Result:
    """Prepare the input, then run all contestants in turn, round by round. Raises ContestantFailed."""
    with TemporaryDirectory(prefix="homing-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        size.write(folder)
        progress(f"{benchmark.name}: preparing")
        told = benchmark.prepare(folder, size, stack)
        runs: dict[str, list[Figures]] = {contestant.name: [] for contestant in benchmark.contestants}
        rounds = size.rounds if benchmark.runs is None else benchmark.runs
        for number in range(1, rounds + 1):
            for contestant in benchmark.contestants:
                progress(f"{benchmark.name}: round {number} of {rounds}, {contestant.name}")
                runs[contestant.name].append(_figures(contestant, folder))
    return Result(benchmark=benchmark, told=told, runs={name: tuple(figures) for name, figures in runs.items()})


def _figures(contestant: Contestant, folder: Path) -> Figures:
    command = [sys.executable, "-m", "benchmarks.process", contestant.module, str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise ContestantFailed(f"{contestant.name} ended with exit code {done.returncode}")
    figures: Figures = orjson.loads(done.stdout)
    return figures
