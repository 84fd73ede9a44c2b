"""A store is judged by what its clients were told, and by the store that nothing ever happened to."""

from dataclasses import dataclass

from tests.faults.holdings import Holdings
from tests.faults.journal import Journal


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """How many acknowledged things are gone, how many count more than once, whether all else is as undisturbed."""

    lost: int
    twice: int
    same: bool

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong."""
        return self.lost == 0 and self.twice == 0 and self.same


def lost(journal: Journal, held: Holdings) -> int:
    """Count what was acknowledged and is not there."""
    return sum(name not in held.counts for name in journal.acknowledged)


def twice(journal: Journal, held: Holdings) -> int:
    """Count what is there more than once, a message's second decision included."""
    entries = sum(count - 1 for count in held.counts.values())
    answers = sum(name.startswith("decision/") for name in journal.acknowledged)
    messages = len({name.rsplit("/", 1)[0] for name in journal.acknowledged if name.startswith("decision/")})
    return entries + sum(len(ids) - 1 for ids in held.decided.values()) + answers - messages


def judge(journal: Journal, held: Holdings, calm: Holdings) -> Findings:
    """Judge a store in which everything has been acknowledged in the end."""
    return Findings(
        lost=lost(journal, held),
        twice=twice(journal, held),
        same=held.digest == calm.digest and _facts(held) == _facts(calm),
    )


def _facts(held: Holdings) -> set[str]:
    return {name for name in held.counts if name.startswith("fact/")}
