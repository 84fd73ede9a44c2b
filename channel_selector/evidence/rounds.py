"""A logged round is a context, the action drawn, the probability it was drawn with, and what came of it.

Rounds stand in the order of time: whatever is fitted for a round may know the rounds before it and no others.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from channel_selector.validation import LARGEST

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SUM_TOLERANCE = 1e-6
"""How far a round's probabilities may be from summing to 1, and a logged one from the propensity beside it."""
LEAST_PROPENSITY = 1.0 / LARGEST
"""No log is long enough to show what is less likely: such an action is never drawn."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Menus:
    """The actions open to each of n rounds, one after another: m entries in all.

    starts (n,): where each round's entries begin; each has one at least. actions (m,): numbers from 0. logged (n,): the
    entry of the action that was drawn. candidate (m,): the candidate's probabilities; they sum to 1 for each round.
    logging (m,): the logging policy's, likewise, 0 for those below 1e-15; None where the log does not hold them.
    """

    starts: Ints
    actions: Ints
    logged: Ints
    candidate: Floats
    logging: Floats | None = None

    def __post_init__(self) -> None:
        for name in ("candidate", "logging"):
            given: Floats | None = getattr(self, name)
            if given is not None:
                self._require_law(name, given)
        if self.logging is not None:
            object.__setattr__(self, "logging", np.where(self.logging < LEAST_PROPENSITY, 0.0, self.logging))

    @property
    def owners(self) -> Ints:
        """The round of each entry, (m,)."""
        sizes = np.diff(np.append(self.starts, len(self.actions)))
        return np.repeat(np.arange(len(self.starts)), sizes)

    def totals(self, entries: Floats) -> Floats:
        """Give the sum over each round's entries: (m,) → (n,)."""
        summed: Floats = np.add.reduceat(entries, self.starts)
        return summed

    def highest(self, entries: Floats) -> Floats:
        """Give the largest of each round's entries: (m,) → (n,)."""
        largest: Floats = np.maximum.reduceat(entries, self.starts)
        return largest

    def _require_law(self, name: str, given: Floats) -> None:
        if not (np.isfinite(given).all() and (given >= 0.0).all()):
            raise ValueError(f"{name} must hold numbers from 0 to 1")
        off = np.flatnonzero(np.abs(self.totals(given) - 1.0) > SUM_TOLERANCE)
        if len(off):
            raise ValueError(f"{name} must sum to 1 in each round; round {off[0]} does not")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Contexts:
    """What was known before the draw: numbers (n, p), NaN unknown, and labels (n, q), counted from 0, −1 unknown."""

    numbers: Floats
    labels: Ints

    @classmethod
    def none(cls, rounds: int) -> "Contexts":
        """Give contexts that tell nothing."""
        return cls(numbers=np.empty((rounds, 0)), labels=np.empty((rounds, 0), dtype=np.int64))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rounds:
    """n ≥ 1 rounds of a log, and what a candidate policy would have done in them.

    rewards (n,): −1e15 to 1e15. propensities (n,): π of the action drawn, 1e-15 to 1. candidate (n,): the candidate's
    probability of it, in [0, 1]. menus: all actions that were open; None where the log tells of the drawn one alone.
    The candidate must have been fixed before the rounds: one learned from them looks better than it is. ValueError
    otherwise.
    """

    rewards: Floats
    propensities: Floats
    candidate: Floats
    contexts: Contexts
    menus: Menus | None = None

    def __post_init__(self) -> None:
        if not len(self.rewards):
            raise ValueError("a log needs one round at least")
        if not (np.abs(self.rewards) <= LARGEST).all():
            raise ValueError(f"rewards must be finite, from {-LARGEST:g} to {LARGEST:g}")
        if not ((self.propensities >= LEAST_PROPENSITY) & (self.propensities <= 1.0)).all():
            raise ValueError(f"propensities must be above 0 ({LEAST_PROPENSITY:g} at least) and at most 1")
        if not ((self.candidate >= 0.0) & (self.candidate <= 1.0)).all():
            raise ValueError("the candidate's probabilities must be from 0 to 1")

    def __len__(self) -> int:
        return len(self.rewards)

    @property
    def weights(self) -> Floats:
        """Importance weights w = candidate / propensity, (n,); their mean is about 1 where the log supports it."""
        weights: Floats = self.candidate / self.propensities
        return weights
