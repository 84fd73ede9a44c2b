"""The end of an interval is where a function of the value, negative inside and rising outwards, crosses zero."""

from collections.abc import Callable
from math import isfinite

STEPS = 200
PRECISION = 1e-4
"""An end is found to this share of the first step, which is a guess of its distance."""


def crossing(excess: Callable[[float], float], start: float, step: float, limit: float) -> float:
    """Give where `excess` crosses zero between `start`, where it is negative, and `limit`; `limit` where it does not.

    Of the two ends that close in, the outer one is given: an interval is a trifle too wide rather than too narrow.

    Steps towards `limit` double until zero is passed, then regula falsi closes in (Illinois: Dowell and Jarratt, BIT
    11, 1971); an infinite excess is bisected. `step` > 0.
    """
    side = 1.0 if limit > start else -1.0
    nearest = min if limit > start else max
    inside, below, width = start, excess(start), step
    for _ in range(STEPS):
        outside = nearest(inside + side * width, limit)
        above = excess(outside)
        if above >= 0.0:
            return _closed_in(excess, (inside, below), (outside, above), PRECISION * step)
        inside, below, width = outside, above, 2.0 * width
        if outside == limit:
            return limit
    return limit


def _closed_in(
    excess: Callable[[float], float], kept: tuple[float, float], passed: tuple[float, float], tolerance: float
) -> float:
    (inside, below), (outside, above), last = kept, passed, 0
    for _ in range(STEPS):
        if abs(outside - inside) <= tolerance:
            break
        part = -below / (above - below) if isfinite(above) and above > below else 0.5
        middle = inside + (outside - inside) * min(max(part, 0.001), 0.999)
        found = excess(middle)
        if found < 0.0:
            above = above / 2.0 if last < 0 else above
            inside, below, last = middle, found, -1
        else:
            below = below / 2.0 if last > 0 else below
            outside, above, last = middle, found, 1
    return outside
