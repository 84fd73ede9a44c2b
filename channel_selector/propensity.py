"""π comes first and is exact for the law that the draw follows; only the draw uses the seed and the decision id."""

from bisect import bisect_right
from itertools import accumulate

from channel_selector.holdout import stable_uniform


def draw(probabilities: list[float], nothing: float, seed: int, decision_id: str) -> int | None:
    """Draw an index with these probabilities, None with `nothing`'s; what has probability 0 is never drawn."""
    steps = list(accumulate(probabilities))
    place = bisect_right(steps, stable_uniform("draw", seed, decision_id) * (steps[-1] + nothing))
    if place < len(steps):
        return place
    if nothing > 0.0:
        return None
    return max(index for index, probability in enumerate(probabilities) if probability > 0.0)
