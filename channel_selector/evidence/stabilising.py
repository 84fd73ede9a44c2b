"""A round's weight is settled before its context, action and reward are known.

h_t = 1 / √v_t makes the terms h_t Γ̂_t of a learning policy's log vary alike, which their normal law needs
("StableVar": Hadad, Hirshberg, Zhan, Wager and Athey, PNAS 2021; weights that do not depend on the context, as in
Zhan, Hadad, Hirshberg and Athey, "Off-policy evaluation via adaptive weighting with data from contextual bandits", KDD
2021).
"""

import numpy as np

from channel_selector.evidence.rounds import Floats, Rounds

SHORTEST, SHARE = 50, 0.1
"""How far back the next round's variance is foreseen from: a tenth of the rounds before it, 50 at least."""


def stabilising_weights(rounds: Rounds) -> Floats:
    """Give h, (n,); all alike where the candidate's weights are of one law throughout. Only their proportions matter.

    v_t is the mean over the window before t of Σ_a π_e(a|x)² / π(a|x), the variance of importance weighting up to the
    reward's own; where the log lacks the logging policy's probabilities, Σ w² / Σ w estimates it. O(n).
    """
    squares, counts = _second_moments(rounds)
    ends = np.maximum(np.arange(len(rounds)), 1)
    starts = ends - np.minimum(np.maximum((ends * SHARE).astype(np.int64), SHORTEST), ends)
    sums, weights = _between(squares, starts, ends), _between(counts, starts, ends)
    foreseen = _carried(
        np.divide(sums, weights, out=np.full(len(rounds), np.nan), where=(sums > 0.0) & (weights > 0.0))
    )
    stabilising: Floats = 1.0 / np.sqrt(foreseen)
    return stabilising


def _second_moments(rounds: Rounds) -> tuple[Floats, Floats]:
    """Give the numerators and the denominators of v."""
    menus = rounds.menus
    if menus is None or menus.logging is None:
        weights = rounds.weights
        return np.square(weights), weights
    supported = menus.logging > 0.0
    ratios = np.divide(np.square(menus.candidate), menus.logging, out=np.zeros_like(menus.candidate), where=supported)
    return menus.totals(ratios), np.ones(len(rounds))


def _between(values: Floats, starts: np.typing.NDArray[np.int64], ends: np.typing.NDArray[np.int64]) -> Floats:
    running = np.concatenate([[0.0], np.cumsum(values)])
    between: Floats = running[ends] - running[starts]
    return between


def _carried(values: Floats) -> Floats:
    """Give the values with each gap (NaN) filled by the last value before it; by 1 where there is none."""
    places = np.where(np.isnan(values), -1, np.arange(len(values)))
    last = np.maximum.accumulate(places)
    return np.where(last >= 0, values[last], 1.0)
