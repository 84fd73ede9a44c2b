"""π comes first and is exact for the law that the draw follows; only the draw uses the seed and the decision id."""

import numpy as np
from numba import njit

from channel_selector.weighing import BELIEVED, BEST, EXPLORING, HELD, PROBABILITY, UNSENT, VALUE

NORMAL_95 = 1.959963984540054
OUTCOMES = 5
"""What is told of a choice in numbers: its propensity, conversion probability, value, and the ends of its interval."""


@njit(cache=True, nogil=True, error_model="numpy")
def draw(probabilities, nothing, place):
    """Draw an index with these probabilities, −1 with `nothing`'s; what has probability 0 is never drawn.

    `place`: uniform in [0, 1), of the seed and the decision's id (`choosing.Chooser`).
    """
    whole = 0.0
    for each in probabilities:
        whole += each
    aim, step, last = place * (whole + nothing), 0.0, -1
    for i in range(len(probabilities)):
        step += probabilities[i]
        if step > aim:
            return i
        last = i if probabilities[i] > 0.0 else last
    return -1 if nothing > 0.0 else last


@njit(cache=True, nogil=True, error_model="numpy")
def mix(q, nothing, starts, floor, do_not_send):
    """Make q π = (1 − ε) q + ε · uniform, in place; sending nothing, where it competes, has its part of both."""
    for decision in range(len(nothing)):
        first, last = starts[decision], starts[decision + 1]
        even = floor / (last - first + do_not_send)
        for i in range(first, last):
            q[i] = (1.0 - floor) * q[i] + even
        nothing[decision] = (1.0 - floor) * nothing[decision] + even if do_not_send else 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def choose(law, nothing, starts, option_cell, rows, found, places, do_not_send):
    """Draw for each decision: give the index (−1: nothing), its row, and why; `OUTCOMES`; each option's conversions.

    `law`, `option_cell` are of options, `rows` of cells, `found` is `weighing.Estimates`'.
    """
    picks, told = np.empty((len(nothing), 3), np.int64), np.zeros((len(nothing), OUTCOMES))
    conversions = np.empty(len(law))
    for decision in range(len(nothing)):
        first, last, best = starts[decision], starts[decision + 1], -np.inf
        for i in range(first, last):
            conversions[i] = found[PROBABILITY, option_cell[i]]
            best = max(best, found[VALUE, option_cell[i]])
        index = draw(law[first:last], nothing[decision], places[decision])
        cell = option_cell[first + max(index, 0)]
        unsent = do_not_send and best < 0.0
        told[decision, 0] = nothing[decision]
        if index >= 0:
            center, reach = found[BELIEVED, cell], NORMAL_95 * found[HELD, cell]
            told[decision, 0], told[decision, 1] = law[first + index], found[PROBABILITY, cell]
            told[decision, 2] = found[VALUE, cell]
            told[decision, 3], told[decision, 4] = min(np.exp(center - reach), 1.0), min(np.exp(center + reach), 1.0)
        picks[decision, 0], picks[decision, 1], picks[decision, 2] = index, rows[cell], EXPLORING
        if unsent and index < 0:
            picks[decision, 2] = UNSENT
        elif index >= 0 and not unsent and found[VALUE, cell] >= best:
            picks[decision, 2] = BEST
    return picks, told, conversions
