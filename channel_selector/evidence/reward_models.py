"""Each round's rewards are predicted from the rounds before it alone, so that no round has a say in its own prediction.

q̂_t(x, a) is a ridge regression on the context, and on what each action departs from it, fitted on rounds 0 … s−1 for
the rounds s … 1.5 s: sequential cross-fitting, as estimators need whose log was drawn by a learning policy (Hadad,
Hirshberg, Zhan, Wager and Athey, "Confidence intervals for policy evaluation in adaptive experiments", PNAS 2021, §2).
For a uniform log it is as valid, and costs a little precision. A wrong model widens intervals; it does not move them.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from channel_selector.evidence.rounds import Contexts, Floats, Ints, Menus, Rounds

FIRST_BLOCK = 64
GROWTH = 1.5
PENALTY = 100.0
"""What a context's or an action's own effect must overcome, in rounds."""
LEVELS = 20
RAREST = 20
"""Of a label the 20 levels seen most are told apart, if seen 20 times."""
FARTHEST = 4.0
"""Standardised numbers are kept within four standard deviations."""
CELLS = 2**22


class Encoder(NamedTuple):
    """How contexts become features, as learned from some of them: centred, and numbers scaled."""

    means: Floats
    deviations: Floats
    levels: tuple[Ints, ...]
    shares: Floats

    @classmethod
    def fitted(cls, contexts: Contexts) -> "Encoder":
        """Learn means, deviations and levels."""
        known = np.isfinite(contexts.numbers)
        counts = np.maximum(known.sum(axis=0), 1)
        numbers = np.where(known, contexts.numbers, 0.0)
        means = numbers.sum(axis=0) / counts
        spread = np.sqrt(np.where(known, np.square(numbers - means), 0.0).sum(axis=0) / counts)
        levels = tuple(_levels(column) for column in contexts.labels.T)
        raw = _indicators(contexts.labels, levels)
        return cls(means, np.where(spread > 0.0, spread, 1.0), levels, raw.mean(axis=0))

    def features(self, contexts: Contexts) -> Floats:
        """Give the features of contexts, (n, d); what is unknown or was never seen is average."""
        scaled = (contexts.numbers - self.means) / self.deviations
        scaled = np.where(np.isfinite(scaled), scaled.clip(-FARTHEST, FARTHEST), 0.0)
        return np.hstack([scaled, _indicators(contexts.labels, self.levels) - self.shares])


class RewardModel(NamedTuple):
    """q̂(x, a) = intercept_a + f(x)·slope_a, within the rewards seen; actions not seen have the common part alone."""

    encoder: Encoder
    intercepts: Floats
    slopes: Floats
    lowest: float
    highest: float

    @classmethod
    def fitted(cls, contexts: Contexts, actions: Ints, rewards: Floats, *, count: int) -> "RewardModel":
        """Fit on n ≥ 1 rounds; actions (n,) are numbers below `count`. O(n d² + count d³)."""
        encoder = Encoder.fitted(contexts)
        features = encoder.features(contexts)
        mean = float(rewards.mean())
        common = _ridge(features, rewards - mean)
        left = rewards - mean - features @ common
        intercepts, slopes = np.full(count, mean), np.tile(common, (count, 1))
        design = np.hstack([np.ones((len(rewards), 1)), features])
        order = np.argsort(actions, kind="stable")
        seen, starts = np.unique(actions[order], return_index=True)
        for action, own in zip(seen.tolist(), np.split(order, starts[1:]), strict=True):
            effect = _ridge(design[own], left[own])
            intercepts[action] += effect[0]
            slopes[action] += effect[1:]
        return cls(encoder, intercepts, slopes, float(rewards.min()), float(rewards.max()))

    def predict(self, contexts: Contexts, rounds: Ints, actions: Ints) -> Floats:
        """Give q̂ of entries (m,), each a round of the contexts, in ascending order, and an action."""
        predicted = np.empty(len(actions))
        features = self.encoder.features(contexts)
        step = max(CELLS // len(self.intercepts), 1)
        for first in range(0, len(features), step):
            entries = slice(*np.searchsorted(rounds, (first, first + step)))
            scores = features[first : first + step] @ self.slopes.T + self.intercepts
            predicted[entries] = scores[rounds[entries] - first, actions[entries]]
        return predicted.clip(self.lowest, self.highest)


class Predicted(NamedTuple):
    """Rounds, their menus, and q̂ of each entry of these, (m,)."""

    rounds: Rounds
    menus: Menus
    q: Floats

    @property
    def direct(self) -> Floats:
        """Σ_a π_e(a|x) q̂(x, a) of each round, (n,): what the model alone expects of the candidate."""
        return self.menus.totals(self.menus.candidate * self.q)


def forward_blocks(count: int) -> Iterator[tuple[int, int]]:
    """Give the blocks [start, end) of rounds that share a model: 0–64, 64–96, 96–144, … up to `count`."""
    start, end = 0, FIRST_BLOCK
    while start < count:
        yield start, min(end, count)
        start, end = end, int(end * GROWTH)


def predict_forward(rounds: Rounds, menus: Menus) -> Predicted:
    """Predict every entry of the menus; 0 in the first block, before which nothing is known."""
    q = np.zeros(len(menus.actions))
    count = int(menus.actions.max()) + 1
    drawn, owners = menus.actions[menus.logged], menus.owners
    for start, end in forward_blocks(len(rounds)):
        if start == 0:
            continue
        model = RewardModel.fitted(_cut(rounds.contexts, 0, start), drawn[:start], rounds.rewards[:start], count=count)
        entries = slice(menus.starts[start], menus.starts[end] if end < len(rounds) else None)
        block = _cut(rounds.contexts, start, end)
        q[entries] = model.predict(block, owners[entries] - start, menus.actions[entries])
    return Predicted(rounds, menus, q)


def _cut(contexts: Contexts, start: int, end: int) -> Contexts:
    return Contexts(numbers=contexts.numbers[start:end], labels=contexts.labels[start:end])


def _levels(column: Ints) -> Ints:
    """Give the levels of a label that are told apart: the commonest, of equals the first; unknown (−1) is none."""
    values, counts = np.unique(column, return_counts=True)
    often = (values >= 0) & (counts >= RAREST)
    values, counts = values[often], counts[often]
    commonest: Ints = np.sort(values[np.argsort(-counts, kind="stable")[:LEVELS]])
    return commonest


def _indicators(labels: Ints, levels: tuple[Ints, ...]) -> Floats:
    columns = [labels[:, [place]] == own for place, own in enumerate(levels)]
    indicators: Floats = np.hstack([np.empty((len(labels), 0)), *columns]).astype(np.float64)
    return indicators


def _ridge(features: Floats, targets: Floats) -> Floats:
    """Give (FᵀF + λI)⁻¹ Fᵀy."""
    gram = features.T @ features
    gram[np.diag_indices_from(gram)] += PENALTY
    return np.linalg.solve(gram, features.T @ targets).astype(np.float64)
