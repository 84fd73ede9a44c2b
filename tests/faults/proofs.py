"""A proof makes a fault happen many times and judges what is left; its control must fail, or it proves nothing."""

import random
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of a proof: how many cycles, where its stores are, and what its chance is seeded with."""

    cycles: int
    folder: Path
    seed: int

    def chance(self, part: object = "") -> random.Random:
        """Give a part's own chance."""
        return random.Random(f"{self.seed} {part}")

    def say(self, what: str) -> None:
        """Tell of progress."""
        print(what, file=sys.stderr, flush=True)  # noqa: T201 - progress goes to stderr


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A line of the table; None where a column means nothing for this fault.

    `worst_seconds` is the longest that something bounded took: a stop, a start after the fault, a stale answer.
    `passed`: nothing was lost, counted twice or otherwise wrong; `notes` say what was. A `control` has to fail.
    """

    fault: str
    cycles: int
    acknowledged: int | None = None
    lost: int | None = None
    twice: int | None = None
    same_digest: bool | None = None
    worst_seconds: float | None = None
    passed: bool
    notes: tuple[str, ...] = ()
    control: bool = False

    @property
    def holds(self) -> bool:
        """Whether it came out as it must."""
        return self.passed is not self.control

    @property
    def verdict(self) -> str:
        """The last column."""
        if self.control:
            return "NOT CAUGHT" if self.passed else "caught, as it must be"
        return "holds" if self.passed else "FAILS"


Prove = Callable[[Run], list[Result]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Where a proof is, `module:function`; how many cycles it runs for CI and in the long run; and what it shows."""

    target: str
    ci: int
    long: int
    shows: str

    def prove(self, run: Run) -> list[Result]:
        """Run it: the proof's own results and its controls'."""
        module, _, name = self.target.partition(":")
        function: Prove = getattr(import_module(module), name)
        return function(run)


PROOFS: Mapping[str, Proof] = {
    "kill": Proof(target="tests.faults.kills:prove", ci=20, long=2_000, shows="SIGKILL, at random and named points"),
    "stop": Proof(target="tests.faults.stops:prove", ci=3, long=200, shows="SIGTERM under load"),
    "postgres": Proof(
        target="tests.faults.replicas:prove_stops", ci=2, long=200, shows="PostgreSQL stopped under three replicas"
    ),
    "replicas": Proof(
        target="tests.faults.replicas:prove_kills", ci=2, long=200, shows="SIGKILL of one of three replicas"
    ),
    "migrate": Proof(
        target="tests.faults.migrations:prove", ci=2, long=200, shows="migration of an old store, interrupted"
    ),
    "crowd": Proof(target="tests.faults.together:prove", ci=1, long=200, shows="several processes on one SQLite file"),
    "power": Proof(target="tests.faults.powercut:prove", ci=10, long=1_000, shows="power cuts, also within a write"),
    "syncs": Proof(
        target="tests.faults.powercut:prove_failing", ci=2, long=200, shows="syncs that fail, then power cuts"
    ),
    "commands": Proof(
        target="tests.faults.powercut_commands:prove", ci=2, long=200, shows="power cuts at first start and backup"
    ),
    "full": Proof(target="tests.faults.disk_outage:prove_full", ci=2, long=100, shows="a full disk"),
    "errors": Proof(target="tests.faults.disk_outage:prove_errors", ci=2, long=100, shows="a disk that fails, EIO"),
    "bits": Proof(target="tests.faults.bitflips:prove", ci=20, long=200, shows="bit flips and worse in either log"),
}
"""Every proof: add one line to plug one in."""
