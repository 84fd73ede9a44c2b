"""Makers of logs so small that what the estimators give can be counted by hand."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from channel_selector.evidence.reward_models import Predicted
from channel_selector.evidence.rounds import Contexts, Floats, Menus, Rounds


@dataclass(frozen=True)
class Row:
    """One round: the logging policy's and the candidate's law, what was drawn and came of it, what a model expects."""

    logging: Sequence[float]
    candidate: Sequence[float]
    drawn: int
    reward: float
    expected: Sequence[float] = ()

    @property
    def weight(self) -> float:
        """The importance weight."""
        return self.candidate[self.drawn] / self.logging[self.drawn]

    @property
    def direct(self) -> float:
        """What the model expects of the candidate."""
        return sum(p * q for p, q in zip(self.candidate, self.expected, strict=True))

    @property
    def doubly_robust(self) -> float:
        """The doubly robust term."""
        return self.direct + self.weight * (self.reward - self.expected[self.drawn])


def floats(*values: float) -> Floats:
    """Make an array."""
    return np.array(values, dtype=np.float64)


def log(rows: Sequence[Row], *, contexts: Contexts | None = None, told: bool = True) -> Rounds:
    """Make a log; `told` false: it does not hold the logging policy's probabilities."""
    sizes = np.array([len(row.logging) for row in rows])
    starts = np.cumsum(sizes) - sizes
    return Rounds(
        rewards=floats(*(row.reward for row in rows)),
        propensities=floats(*(row.logging[row.drawn] for row in rows)),
        candidate=floats(*(row.candidate[row.drawn] for row in rows)),
        contexts=Contexts.none(len(rows)) if contexts is None else contexts,
        menus=Menus(
            starts=starts,
            actions=np.concatenate([np.arange(size) for size in sizes]),
            logged=starts + np.array([row.drawn for row in rows]),
            candidate=np.concatenate([row.candidate for row in rows]),
            logging=np.concatenate([row.logging for row in rows]).astype(np.float64) if told else None,
        ),
    )


def predicted(rows: Sequence[Row], *, told: bool = True) -> Predicted:
    """Make a log with what a model expected of each of its entries."""
    rounds = log(rows, told=told)
    assert rounds.menus is not None
    return Predicted(rounds, rounds.menus, np.concatenate([row.expected for row in rows]).astype(np.float64))


def draw(random: np.random.Generator, count: int) -> list[Row]:
    """Draw a log of three actions at random, with laws that differ from round to round."""
    rows = []
    for _ in range(count):
        logging, candidate = random.dirichlet([2.0] * 3), random.dirichlet([1.0] * 3)
        drawn = int(random.choice(3, p=logging))
        reward = float(random.random() < (0.2, 0.5, 0.7)[drawn])
        rows.append(Row(logging.tolist(), candidate.tolist(), drawn, reward, random.random(3).tolist()))
    return rows
