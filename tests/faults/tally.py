"""What came of a proof's stores so far; it becomes one line of the table."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.faults.journal import Journal
from tests.faults.judging import Findings
from tests.faults.programs import Stuck
from tests.faults.proofs import Result, Run

STUCK_STORES = 3
"""A proof is given up once so many stores got stuck; it fails anyway."""

_TOLD = 3
"""So many wrong answers of a store are told; there may be thousands alike."""


@dataclass(slots=True, kw_only=True)
class Tally:
    """Sums over stores; `worst` is the longest that something took, in seconds.

    `same`: whether every store that was judged was as an undisturbed one; None while none was.
    `notes` tell what was wrong; `refused` are the requests that were asked to come again, which is right.
    """

    cycles: int = 0
    acknowledged: int = 0
    lost: int = 0
    twice: int = 0
    same: bool | None = None
    worst: float = 0.0
    notes: list[str] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    stuck: int = 0

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong."""
        return self.lost == 0 and self.twice == 0 and self.same is not False and not self.notes

    @property
    def caught(self) -> bool:
        """Whether a fault was seen for itself: that something got stuck may have any reason, and shows no control."""
        return self.lost > 0 or self.twice > 0 or self.same is False or len(self.notes) > self.stuck

    def add(self, store: str, journal: Journal, findings: Findings) -> None:
        """Count one store's findings."""
        self.acknowledged += len(journal.acknowledged)
        self.lost += findings.lost
        self.twice += findings.twice
        self.same = findings.same and self.same is not False
        self.refused += journal.refused
        self.notes += [f"{store}: {wrong}" for wrong in journal.wrong[:_TOLD]]
        if not findings.clean:
            self.notes.append(f"{store}: {findings}")

    @contextmanager
    def unstuck(self, store: str) -> Iterator[None]:
        """Note where a process or a client got stuck, and go on with the next store."""
        try:
            yield
        except Stuck as error:
            self.stuck += 1
            self.notes.append(f"{store}: {error}")

    def stores(self, run: Run, cycles: int, most: int) -> Iterator[tuple[int, int]]:
        """Give the number of each further store and how many cycles it is for, `most` at most, until there were enough.

        Where too many stores got stuck that is enough, too: cycles that never come about would be waited for for ever.
        """
        number = 0
        while self.cycles < cycles and self.stuck < STUCK_STORES:
            yield number, min(most, cycles - self.cycles)
            run.say(self.so_far(cycles))
            number += 1

    def stopped(self, store: str, code: int) -> None:
        """Note how a server ended that was asked to."""
        if code != 0:
            self.notes.append(f"{store}: exit code {code} after SIGTERM")

    def took(self, seconds: float) -> None:
        """Note how long something took."""
        self.worst = max(self.worst, seconds)

    def so_far(self, cycles: int) -> str:
        """Tell how far it is."""
        digest = ", digest ANOTHER" if self.same is False else ""
        wrong = "" if self.clean else f", {self.twice:,} twice{digest}"
        return f"{self.cycles:,} of {cycles:,}: {self.acknowledged:,} acknowledged, {self.lost:,} lost{wrong}"

    def result(self, fault: str, *, control: bool = False) -> Result:
        """Give the line of the table."""
        return Result(
            fault=fault,
            cycles=self.cycles,
            acknowledged=self.acknowledged,
            lost=self.lost,
            twice=self.twice,
            same_digest=self.same,
            worst_seconds=self.worst,
            passed=not self.caught if control else self.clean,
            notes=() if control and self.caught else (*self.notes, *self._refusals()),
            control=control,
        )

    def _refusals(self) -> Iterator[str]:
        if self.refused:
            yield "asked to come again: " + ", ".join(f"{code} {count:,} times" for code, count in self.refused.items())
