"""What came of messages, counted: numbers of sends and outcomes, and how much of each send's window has been seen.

An exposure is ΣF(age): a send whose window is closed weighs 1, one sent just now nothing, so that outcomes still to
come are never failures. Sums are exact (math.fsum), so that the order of the log cannot change them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import fsum
from typing import Any, NamedTuple

from channel_selector.arms import Arm, Medium


class Tally(NamedTuple):
    """Counts of some sends: engaged, converted, and the exposure of each stage (converted: of the engaged alone)."""

    sends: int = 0
    engaged: int = 0
    converted: int = 0
    engaged_exposure: float = 0.0
    converted_exposure: float = 0.0


NO_TALLY = Tally()


def total(tallies: Iterable[Tally]) -> Tally:
    """Add tallies up; none give zero."""
    columns = list(zip(*tallies, strict=True)) or [()] * len(Tally._fields)
    sends, engaged, converted = (sum(column) for column in columns[:3])
    return Tally(sends, engaged, converted, fsum(columns[3]), fsum(columns[4]))


@dataclass(frozen=True, slots=True)
class CustomerEffects:
    """One customer's own tallies by arm, as known at one moment; empty: nothing was ever sent."""

    arms: Mapping[Arm, Tally]
    media: Mapping[Medium, Tally] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        grouped: dict[Medium, list[Tally]] = {}
        for arm in sorted(self.arms):
            grouped.setdefault(arm.medium, []).append(self.arms[arm])
        object.__setattr__(self, "media", {medium: total(tallies) for medium, tallies in grouped.items()})

    @property
    def purchases(self) -> int:
        """Messages to this customer that were followed by a purchase."""
        return sum(tally.converted for tally in self.arms.values())

    def to_json(self) -> list[list[Any]]:
        """Give one row an arm, in order: its three parts, then the tally's five."""
        return [[*arm, *self.arms[arm]] for arm in sorted(self.arms)]

    @classmethod
    def from_json(cls, rows: Iterable[list[Any]]) -> "CustomerEffects":
        """Give the record `to_json` wrote."""
        return cls({Arm(*row[:3]): Tally(*row[3:]) for row in rows})


NO_EFFECTS = CustomerEffects({})
