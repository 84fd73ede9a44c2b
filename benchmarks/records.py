"""What is measured: benchmarks, each a few contestants beside a control, and the figures that they give."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

Figures = Mapping[str, float]
"""What one run of a contestant measured, by the name of the figure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is measured: customers of the sample shop, rounds, and single events or passes over all questions.

    `known`: messages in the store before; `identifiers` in the one that is started. `logs`, `log_rounds`: how many logs
    of decisions are simulated, and how long each is. `edges`: links to resolve; `contested`: the share of their
    profiles that compete for a device, 0 to 1. `shops`: how many are simulated, None: as is usual.
    """

    people: int
    rounds: int
    alone: int
    passes: int
    known: int
    identifiers: int
    logs: int
    log_rounds: int
    edges: int = 0
    contested: float = 0.0
    shops: int | None = None

    def write(self, folder: Path) -> None:
        """Leave it where the contestants find it."""
        (folder / "size.json").write_bytes(orjson.dumps(asdict(self)))

    @classmethod
    def read(cls, folder: Path) -> "Size":
        """Give what was left there."""
        return cls(**orjson.loads((folder / "size.json").read_bytes()))


FULL = Size(
    people=1_000,
    rounds=3,
    alone=200,
    passes=3,
    known=1_000_000,
    identifiers=10_000_000,
    logs=500,
    log_rounds=20_000,
)
QUICK = Size(people=60, rounds=1, alone=20, passes=1, known=1_000, identifiers=2_000, logs=25, log_rounds=2_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """Runs in a process of its own: `module` has a function `measure(folder, size) -> Figures`."""

    name: str
    module: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of the table: a figure, its heading, and the digits shown after the point."""

    figure: str
    title: str
    digits: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """Contestants on the same input, which `prepare` leaves in a folder; it gives a line that tells what it is.

    What `prepare` puts on the stack is ended after the last round.
    `rate` is the figure that the ratios to the control are of. `runs`: how often each contestant runs, if not as often
    as the size says.
    """

    name: str
    title: str
    prepare: Callable[[Path, Size, ExitStack], str]
    contestants: tuple[Contestant, ...]
    control: str
    rate: str
    columns: tuple[Column, ...]
    runs: int | None = None
    remark: "Callable[[Result], str] | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of a benchmark: the figures of each contestant, one for each round, in the order of the rounds."""

    benchmark: Benchmark
    told: str
    runs: Mapping[str, tuple[Figures, ...]]
