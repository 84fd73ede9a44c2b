"""What replays made of contested components, in numbers of entries."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from identity.frames.interning import Ids
from identity.replaying.forest import RefusalReason

REASONS = tuple(RefusalReason)
"""Reasons by number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fought:
    """Each contested entry's founder (an entry too) and its generation; the links refused, and why (of REASONS)."""

    entries: Ids
    founders: Ids
    generations: Ids
    left: Ids
    right: Ids
    reasons: npt.NDArray[np.int8]


def fought(held: Sequence[tuple[int, int, int]], refused: Sequence[tuple[int, int, int]]) -> Fought:
    """Lay out (entry, founder, generation) and (left, right, reason)."""
    entries, founders, generations = (np.array([row[n] for row in held], np.int32) for n in range(3))
    left, right, reasons = (np.array([row[n] for row in refused], np.int32) for n in range(3))
    return Fought(
        entries=entries,
        founders=founders,
        generations=generations,
        left=left,
        right=right,
        reasons=reasons.astype(np.int8),
    )
