"""Many simulated logs at once, each of a shop of its own whose true reward rates are known; exact propensities in them.

A log has rounds of customers of four segments, six actions, and rewards of 0 or 1 at rates from 1 % up. Who draws them
sees the rewards of all earlier batches of its own log; ε = 0.05 of its draws are spread evenly.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from channel_selector.evidence.rounds import Contexts, Floats, Ints, Menus, Rounds

ACTIONS, SEGMENTS = 6, 4
FLOOR = 0.05
BATCH = 100
DRAWS = 100
TOGETHER = 25
"""Logs simulated at once: as many as keep the arrays small."""
LOWEST_RATE = 0.01

Law = Callable[[np.random.Generator, Floats, Floats], Floats]
"""What is drawn: of the rewards and rounds so far, (logs, actions, segments), the shares of the actions, likewise."""


class Truth(NamedTuple):
    """The rates of a log's shop, (actions, segments)."""

    rates: Floats

    def value(self, candidate: Floats) -> float:
        """Give what a candidate, the probabilities of actions by segment, earns there a round; segments are alike."""
        return float((self.rates * candidate).sum(axis=0).mean())


class Drawn(NamedTuple):
    """One log: who came, what was drawn with which probabilities, what came of it; and the truth."""

    segments: Ints
    actions: Ints
    shares: Floats
    rewards: Floats
    truth: Truth

    def rounds(self, candidate: Floats) -> Rounds:
        """Give the log as the estimators read it, for a candidate (actions, segments)."""
        count = len(self.actions)
        places = np.arange(count)
        wanted = candidate.T[self.segments]
        menus = Menus(
            starts=places * ACTIONS,
            actions=np.tile(np.arange(ACTIONS), count),
            logged=places * ACTIONS + self.actions,
            candidate=wanted.ravel(),
            logging=self.shares.ravel(),
        )
        return Rounds(
            rewards=self.rewards,
            propensities=self.shares[places, self.actions],
            candidate=wanted[places, self.actions],
            contexts=Contexts(numbers=np.empty((count, 0)), labels=self.segments[:, None]),
            menus=menus,
        )


def uniform(_random: np.random.Generator, rewarded: Floats, _seen: Floats) -> Floats:
    """Draw evenly."""
    return np.full(rewarded.shape, 1.0 / ACTIONS)


def greedy(_random: np.random.Generator, rewarded: Floats, seen: Floats) -> Floats:
    """Draw the action that did best in the segment so far."""
    means = (rewarded + 0.5) / (seen + 25.0)
    best = means == means.max(axis=1, keepdims=True)
    return _floored(best / best.sum(axis=1, keepdims=True))


def thompson(random: np.random.Generator, rewarded: Floats, seen: Floats) -> Floats:
    """Draw each action as often as it is the best under its Beta posterior, told from a hundred draws."""
    drawn = random.beta(rewarded + 0.5, seen - rewarded + 24.5, (DRAWS, *seen.shape))
    best = drawn.argmax(axis=2)[:, :, None, :] == np.arange(ACTIONS)[:, None]
    return _floored(best.mean(axis=0))


def logs(law: Law, *, count: int, rounds: int, seed: int) -> Iterator[Drawn]:
    """Give `count` logs of `rounds` rounds; equal seeds give equal logs."""
    random = np.random.default_rng(seed)
    for first in range(0, count, TOGETHER):
        yield from _together(law, random, min(TOGETHER, count - first), rounds)


def candidates(truth: Truth, random: np.random.Generator) -> dict[str, Floats]:
    """Give policies to judge: the shop's worst single action, mostly each segment's best, and any."""
    averages = truth.rates.mean(axis=1)
    only = np.eye(ACTIONS)
    personal = only[truth.rates.argmax(axis=0)].T
    return {
        "worst": np.tile(only[averages.argmin()][:, None], SEGMENTS),
        "personal": 0.9 * personal + 0.1 / ACTIONS,
        "any": random.dirichlet(np.ones(ACTIONS), SEGMENTS).T,
    }


def _floored(shares: Floats) -> Floats:
    floored: Floats = (1.0 - FLOOR) * shares + FLOOR / ACTIONS
    return floored


def _truths(random: np.random.Generator, count: int) -> Floats:
    """Draw rates: actions differ by a factor of three, what suits a segment by two."""
    actions = random.uniform(0.0, 1.1, (count, ACTIONS, 1))
    tastes = random.uniform(-0.35, 0.35, (count, ACTIONS, SEGMENTS))
    rates: Floats = np.maximum(0.012 * np.exp(actions + tastes), LOWEST_RATE)
    return rates


def _together(law: Law, random: np.random.Generator, count: int, rounds: int) -> Iterator[Drawn]:
    rates = _truths(random, count)
    rewarded, seen = np.zeros(rates.shape), np.zeros(rates.shape)
    log = np.arange(count)[:, None]
    parts = []
    for first in range(0, rounds, BATCH):
        segments = random.integers(0, SEGMENTS, (count, min(BATCH, rounds - first)))
        shares = law(random, rewarded, seen)[log, :, segments]
        actions = _draw(random, shares)
        rewards = (random.random(actions.shape) < rates[log, actions, segments]).astype(np.float64)
        np.add.at(rewarded, (log, actions, segments), rewards)
        np.add.at(seen, (log, actions, segments), 1.0)
        parts.append((segments, actions, shares, rewards))
    whole = [np.concatenate(part, axis=1) for part in zip(*parts, strict=True)]
    for number in range(count):
        segments, actions, shares, rewards = (part[number] for part in whole)
        yield Drawn(segments, actions, shares, rewards, Truth(rates[number]))


def _draw(random: np.random.Generator, shares: Floats) -> NDArray[np.int64]:
    places = random.random((*shares.shape[:2], 1))
    drawn: NDArray[np.int64] = (shares.cumsum(axis=2) < places).sum(axis=2).clip(0, ACTIONS - 1)
    return drawn
