"""π comes first and is exact for the law that the draw follows; only the draw uses the seed and the decision id."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate


def draw(probabilities: Sequence[float], nothing: float, place: float) -> int | None:
    """Draw an index with these probabilities, None with `nothing`'s; what has probability 0 is never drawn.

    `place`: uniform in [0, 1), of the seed and the decision's id (`choosing.Chooser`).
    """
    steps = list(accumulate(probabilities))
    found = bisect_right(steps, place * (steps[-1] + nothing))
    if found < len(steps):
        return found
    if nothing > 0.0:
        return None
    return max(index for index, probability in enumerate(probabilities) if probability > 0.0)
