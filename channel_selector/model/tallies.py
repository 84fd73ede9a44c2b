"""What came of messages, counted: numbers of sends and outcomes, and how much of each send's window has been seen.

An exposure is ΣF(age): a send whose window is closed weighs 1, one sent just now nothing, so that outcomes still to
come are never failures. Where old messages are forgotten (`forgetting`), exposures are of what is left of
them. Sums are exact (math.fsum), so that the order of the log cannot change them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import fsum
from typing import Any, NamedTuple, TypeVar

from channel_selector.eligibility.arms import Arm, Medium


class Tally(NamedTuple):
    """Counts of some sends: engaged, converted, and the exposure of each stage (converted: of the engaged alone).

    `bought`: sends that a purchase followed, clicked or not. It is told in reasons; nothing is learned from it.
    `engaged_faded`, `converted_faded`: how much of the two counts is forgotten; 0 where nothing is.
    """

    sends: int = 0
    engaged: int = 0
    converted: int = 0
    engaged_exposure: float = 0.0
    converted_exposure: float = 0.0
    bought: int = 0
    engaged_faded: float = 0.0
    converted_faded: float = 0.0

    @property
    def reactions(self) -> float:
        """What is learned of the engaged: their count, less what is forgotten of it."""
        return self.engaged - self.engaged_faded

    @property
    def conversions(self) -> float:
        """What is learned of the converted: their count, less what is forgotten of it."""
        return self.converted - self.converted_faded

    def to_json(self) -> list[float]:
        """Give the counts in order; those of what is forgotten only where there is any."""
        return list(self if self.engaged_faded or self.converted_faded else self[:6])


NO_TALLY = Tally()

Cell = tuple[str | None, Arm]
"""A segment (None: customers without one) and an arm."""
Cells = Mapping[Cell, Tally]


def total(tallies: Iterable[Tally]) -> Tally:
    """Add tallies up; none give zero."""
    columns = list(zip(*tallies, strict=True)) or [()] * len(Tally._fields)
    sends, engaged, converted, bought = (sum(columns[index]) for index in (0, 1, 2, 5))
    exposures = fsum(columns[3]), fsum(columns[4])
    return Tally(sends, engaged, converted, *exposures, bought, fsum(columns[6]), fsum(columns[7]))


def cells_to_json(cells: Cells) -> list[list[Any]]:
    """Give one row a cell, in order: the segment, the arm's three parts, the tally's counts."""
    order = sorted(cells, key=lambda cell: (cell[0] is not None, cell[0] or "", cell[1]))
    return [[segment, *arm, *cells[segment, arm].to_json()] for segment, arm in order]


def cells_from_json(rows: Iterable[list[Any]]) -> Cells:
    """Give what `cells_to_json` wrote."""
    return {(row[0], Arm(*row[1:4])): Tally(*row[4:]) for row in rows}


class Spot(NamedTuple):
    """What a customer's own messages are counted by: the arm, and the endpoint that it was sent to."""

    arm: Arm
    endpoint_id: str


@dataclass(frozen=True, slots=True)
class CustomerEffects:
    """One customer's own tallies by arm and endpoint, in order, as known at one moment; empty: nothing was ever sent.

    `taught`: what of it the population has been learned from too, so that nobody counts in their own prior.
    """

    spots: Mapping[Spot, Tally]
    taught: Cells = field(default_factory=dict)
    arms: Mapping[Arm, Tally] = field(init=False, repr=False, compare=False)
    media: Mapping[Medium, Tally] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        spots = {spot: self.spots[spot] for spot in sorted(self.spots)}
        arms = _grouped((spot.arm, tally) for spot, tally in spots.items())
        object.__setattr__(self, "spots", spots)
        object.__setattr__(self, "arms", arms)
        object.__setattr__(self, "media", _grouped((arm.medium, tally) for arm, tally in arms.items()))

    @property
    def purchases(self) -> int:
        """Messages to this customer that were followed by a purchase, clicked or not."""
        return sum(tally.bought for tally in self.arms.values())

    def to_json(self) -> dict[str, Any]:
        """Give the record as JSON holds it: rows of an arm's three parts, an endpoint and its tally, and of cells."""
        spots = [[*spot.arm, spot.endpoint_id, *tally.to_json()] for spot, tally in self.spots.items()]
        return {"spots": spots, "taught": cells_to_json(self.taught)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "CustomerEffects":
        """Give the record `to_json` wrote; of a decision by an older model, whose effects were others, an empty one."""
        if "spots" not in data:
            return NO_EFFECTS
        spots = {Spot(Arm(*row[:3]), row[3]): Tally(*row[4:]) for row in data["spots"]}
        return cls(spots, cells_from_json(data["taught"]))


Key = TypeVar("Key")


def _grouped(rows: Iterable[tuple[Key, Tally]]) -> dict[Key, Tally]:
    """Add up the tallies of each key."""
    groups: dict[Key, list[Tally]] = {}
    for key, tally in rows:
        groups.setdefault(key, []).append(tally)
    return {key: tallies[0] if len(tallies) == 1 else total(tallies) for key, tallies in groups.items()}


NO_EFFECTS = CustomerEffects({})
