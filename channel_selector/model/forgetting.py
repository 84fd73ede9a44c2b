"""What is remembered of a message halves with every half-life of its age; a sum of weights is the same in any order.

A message's reaction and its exposure fade alike, so that rates stay unbiased and only the evidence for them shrinks
(discounting: West and Harrison, Bayesian Forecasting and Dynamic Models, 1997, section 6.3). Weights depend on the
message's age alone: histories merged, split or replayed fade as if they had been one from the start.
"""

from datetime import timedelta
from math import exp2

LEAST = 2.0**-60
"""What is all but forgotten still weighs this much, so that no count of what was sent is of nothing."""


def remembered(age: timedelta, half_life: timedelta | None) -> float:
    """Give the weight, above 0 and at most 1, of a message so long after it was sent; 1 where nothing is forgotten."""
    if half_life is None or age <= timedelta(0):
        return 1.0
    return max(exp2(-(age / half_life)), LEAST)
