"""The population is fitted by what each message's outcome says given the same customer's earlier ones, and no later.

A policy sends where a customer reacted before, so outcomes are no random sample of the channels'; but given all that
the policy could know, each is (the likelihood's score is a martingale). Coefficients are weighted Laplace's mode under
that likelihood; the tastes' variances are those that make it largest (empirical Bayes), held by a wide prior.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from channel_selector.eligibility.arms import Arm
from channel_selector.model.reactions import (
    HOURS,
    PRIOR_TASTES,
    SPREADS,
    Key,
    Occasion,
    Reactions,
    arm_keys,
    prior_mean,
)
from channel_selector.model.tastes import PROBIT, SHARED, Floats, Indices, Tastes, covariance, sigmoid

ROUNDS, STEPS = 3, 4
ROWS = 8_192
LONGEST_STEP = 2.0
ENOUGH = 50
"""Reactions, fewer than which tell nothing of how far customers differ."""
LONGEST = 64
"""Of one customer the latest 64 messages teach the population: whoever floods it moves it no further."""
BREADTHS = (4, 8, 16, 32, LONGEST)
CELLS = 2**21
"""Customers × messages × messages worked on at once."""
JUDGES = 1_000
"""Customers that variances are judged by: those with most messages, the first by name of equals."""
WIDTH = 1.0
"""Standard deviation of the prior on the logarithm of each variance."""
FACTORS = (1.5, 1.0 / 1.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """One message: whose, where, on which occasion, whether it was reacted to, and how much of its window was seen.

    weight: 0–1, how much of it is not forgotten.
    """

    subject: str
    segment: str | None
    arm: Arm
    endpoint_id: str
    occasion: Occasion
    reacted: bool
    exposure: float
    weight: float = 1.0


class _Design(NamedTuple):
    """Columns of each message: places and values, messages × terms; a term not there is in a last column of no key."""

    keys: Sequence[Key]
    places: Indices
    values: Floats


class _History(NamedTuple):
    """Messages of customers with about as many of them: places in the list of all, −1 where there is none."""

    places: Indices
    keys: Indices


class _Facts(NamedTuple):
    """What came of every message: reacted or not, and how much of its window was seen; less what is forgotten."""

    reacted: Floats
    exposure: Floats


class _Filtered(NamedTuple):
    """For every message: log-likelihood; and its log-odds as slope × average log-odds + shift."""

    likelihood: Floats
    slope: Floats
    shift: Floats


def fit_reactions(observed: Sequence[Observed], *, activity_weight: float) -> Reactions:
    """Fit coefficients and tastes to messages; each customer's must stand in the order of sending.

    None: the prior. O(messages × 64) and a few Newton steps in as many dimensions as there are keys.
    """
    if not observed:
        return Reactions()
    design = _design(observed, activity_weight)
    histories = _histories(observed)
    facts = _facts(observed, histories)
    judges = _judges(histories)
    prior = beta = np.array([prior_mean(key, activity_weight) for key in design.keys])
    tastes = PRIOR_TASTES
    known = _Filtered(np.zeros(len(observed)), np.ones(len(observed)), np.zeros(len(observed)))
    for turn in range(ROUNDS):
        beta = beta + _newton(design, prior, beta, facts, known)
        average = _sum(design, beta)
        if turn < ROUNDS - 1 and facts.reacted.sum() >= ENOUGH:
            tastes = _vary(judges, tastes, average, facts)
        known = _filter(histories, tastes, average, facts)
    return Reactions(dict(zip(design.keys, beta.tolist(), strict=True)), tastes)


def _facts(observed: Sequence[Observed], histories: Iterable[_History]) -> _Facts:
    """Tell what came of each message; nothing did of those that too many of the same customer's came after."""
    counted = np.zeros(len(observed) + 1)
    for history in histories:
        counted[history.places] = 1.0  # the last one stands for those that are not there
    counted = counted[:-1] * np.array([each.weight for each in observed])
    reacted = np.array([each.reacted for each in observed], dtype=np.float64) * counted
    return _Facts(reacted, np.maximum(np.array([each.exposure for each in observed]) * counted, reacted))


def _design(observed: Sequence[Observed], activity_weight: float) -> _Design:
    places: dict[Key, int] = {}
    rows: list[list[int]] = []
    values: list[list[float]] = []
    for each in observed:
        terms = [(key, 1.0) for key in arm_keys(each.segment, each.arm)]
        if activity_weight > 0.0:
            terms.append(((HOURS,), each.occasion.lean))
        terms.extend(each.occasion.terms())
        rows.append([places.setdefault(key, len(places)) for key, _ in terms])
        values.append([value for _, value in terms])
    breadth = max(map(len, rows))
    return _Design(
        list(places),
        np.array([row + [len(places)] * (breadth - len(row)) for row in rows], dtype=np.int64),
        np.array([row + [0.0] * (breadth - len(row)) for row in values]),
    )


def _sum(design: _Design, beta: Floats) -> Floats:
    result: Floats = (np.append(beta, 0.0)[design.places] * design.values).sum(axis=1)
    return result


def _newton(design: _Design, prior: Floats, start_at: Floats, facts: _Facts, known: _Filtered) -> Floats:
    """Give what a few steps towards the mode of the coefficients add, what is known of each customer given."""
    beta = start_at.copy()
    precision = np.array([SPREADS[key[0]] ** -2.0 for key in design.keys])
    for _ in range(STEPS):
        p = sigmoid(known.slope * _sum(design, beta) + known.shift)
        pull = known.slope * (facts.reacted - facts.exposure * p)
        curve = known.slope**2 * facts.exposure * p * (1.0 - p)
        score, information = -precision * (beta - prior), np.diag(precision)
        for start in range(0, len(p), ROWS):
            part = slice(start, start + ROWS)
            x = _dense(design, part)
            score += x.T @ pull[part]
            information += (x * curve[part, None]).T @ x
        step = np.linalg.solve(information, score)
        beta += step * min(1.0, LONGEST_STEP / max(float(np.abs(step).max()), LONGEST_STEP))
    return beta - start_at


def _dense(design: _Design, part: slice) -> Floats:
    """Give some rows of the design, a column for each key."""
    places = design.places[part]
    x = np.zeros((len(places), len(design.keys) + 1))
    x[np.arange(len(places))[:, None], places] = design.values[part]
    return x[:, :-1]


def _histories(observed: Sequence[Observed]) -> list[_History]:
    """Sort the messages by customer, and the customers by how many they got."""
    mine: dict[str, list[int]] = {}
    for place, each in enumerate(observed):
        mine.setdefault(each.subject, []).append(place)
    shared = _shared(observed)
    groups: dict[int, list[list[int]]] = {}
    for subject in sorted(mine):
        latest = mine[subject][-LONGEST:]
        breadth = next(breadth for breadth in BREADTHS if len(latest) <= breadth)
        groups.setdefault(breadth, []).append(latest + [-1] * (breadth - len(latest)))
    return [
        _History(places, shared[places])
        for breadth in sorted(groups, reverse=True)
        for places in _pieces(groups[breadth], breadth)
    ]


def _pieces(rows: Sequence[list[int]], breadth: int) -> Iterable[Indices]:
    at_once = max(1, CELLS // breadth**2)
    for start in range(0, len(rows), at_once):
        yield np.array(rows[start : start + at_once], dtype=np.int64)


def _shared(observed: Sequence[Observed]) -> Indices:
    """Give each message's channel, endpoint, device kind, part of the day and arm as numbers."""
    numbers: dict[tuple[str, ...] | Arm, int] = {}

    def number(name: tuple[str, ...] | Arm) -> int:
        return numbers.setdefault(name, len(numbers))

    rows = [
        (
            number(("channel", each.arm.channel)),
            number(("endpoint", each.endpoint_id)),
            number(("kind", each.arm.device_kind)),
            each.arm.daypart,
            number(each.arm),
        )
        for each in observed
    ]
    return np.array(rows, dtype=np.int64).reshape(-1, SHARED)


def _judges(histories: Sequence[_History]) -> list[_History]:
    """Take the customers with most messages."""
    chosen: list[_History] = []
    left = JUDGES
    for history in histories:
        if left > 0:
            chosen.append(_History(history.places[:left], history.keys[:left]))
            left -= len(history.places)
    return chosen


def _filter(histories: Iterable[_History], tastes: Tastes, average: Floats, facts: _Facts) -> _Filtered:
    """Go through each customer's messages in order by assumed-density filtering (Opper 1998), all customers at once."""
    result = _Filtered(np.zeros_like(average), np.ones_like(average), np.zeros_like(average))
    for history in histories:
        _filter_some(history, tastes, average, facts, result)
    return result


def _filter_some(history: _History, tastes: Tastes, average: Floats, facts: _Facts, result: _Filtered) -> None:
    there = history.places >= 0
    average = average[history.places]
    reacted, exposure = (np.where(there, fact[history.places], 0.0) for fact in facts)
    spread = covariance(history.keys, history.keys, tastes)
    mean = np.zeros_like(average)
    for turn in range(average.shape[1]):
        shared = spread[:, :, turn].copy()
        slack = 1.0 / np.sqrt(1.0 + PROBIT * shared[:, turn])
        slope, shift = slack * tastes.stretch, slack * mean[:, turn]
        p = sigmoid(slope * average[:, turn] + shift)
        own = there[:, turn], history.places[there[:, turn], turn]
        y, e = reacted[:, turn], exposure[:, turn]
        result.likelihood[own[1]] = (y * np.log(p) + (e - y) * np.log1p(-p))[own[0]]
        result.slope[own[1]], result.shift[own[1]] = slope[own[0]], shift[own[0]]
        mean += shared * (slack * (y - e * p))[:, None]
        fall = slack**2 * e * p * (1.0 - p)
        spread -= (shared * fall[:, None])[:, :, None] * shared[:, None, :]


def _vary(judges: Sequence[_History], tastes: Tastes, average: Floats, facts: _Facts) -> Tastes:
    """Try each variance larger, then smaller; keep what makes the messages likelier."""

    def worth(tried: Tastes) -> float:
        distance = np.log(np.array(tried) / np.array(PRIOR_TASTES)) / WIDTH
        told = _filter(judges, tried, average, facts).likelihood.sum()
        return float(told) - 0.5 * float((distance**2).sum())

    best = worth(tastes)
    for index in range(len(tastes)):
        for factor in FACTORS:
            tried = Tastes(*(value * factor if place == index else value for place, value in enumerate(tastes)))
            found = worth(tried)
            if found > best:
                best, tastes = found, tried
                break
    return tastes
