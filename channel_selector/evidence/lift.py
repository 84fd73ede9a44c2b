"""Lift is what one group's subjects bring more than another's; its interval holds however often one looks.

The unit is the subject, for groups are drawn by subject: its reward is all that came of it within a span settled
before (such as: bought within 30 days, 0 or 1), counted once the span is over. Subjects stand in the order of entering,
so that what each is compared with is known before. With p the group's share of the two and m the mean reward of the
subjects before, D = (r − m) / p of a treated subject and −(r − m) / (1 − p) of a control has the lift as its mean;
both its ends are bet on (`betting`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from channel_selector.evidence.betting import lower_bound
from channel_selector.evidence.rounds import Floats
from channel_selector.experiments import Group

ALPHA = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupResult:
    """How many subjects a group has, and their mean reward; NaN without subjects."""

    group: Group
    subjects: int
    mean: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Lift:
    """The difference of means, its anytime-valid interval, and the ratio of means less 1 (NaN where nothing compares).

    confidence: of this interval; where several groups are compared with one control, all hold together at 95 %.
    """

    treated: GroupResult
    control: GroupResult
    value: float
    relative: float
    interval: tuple[float, float]
    confidence: float


def lifts(
    groups: Sequence[Group], names: Sequence[str], rewards: Floats, *, bounds: tuple[float, float] = (0.0, 1.0)
) -> tuple[Lift, ...]:
    """Compare each group with the first, the control.

    `names`, `rewards`: each subject's group and what came of it, in the order of entering. `bounds`: what no reward
    can lie beyond. ValueError for lists of different lengths, a foreign group, fewer than two groups, or a reward that
    is no number or out of bounds. O(subjects) for each group.
    """
    low, high = bounds
    if len(groups) < 2:
        raise ValueError("lift needs a control and another group at least")
    if len(names) != len(rewards):
        raise ValueError("names and rewards must be equally long")
    if not low < high or not ((rewards >= low) & (rewards <= high)).all():
        raise ValueError(f"rewards must be numbers from {low:g} to {high:g}")
    foreign = sorted(set(names) - {group.name for group in groups})
    if foreign:
        raise ValueError(f"there is no group {foreign[0]}; there are {', '.join(group.name for group in groups)}")
    alpha = ALPHA / (len(groups) - 1)
    of = np.asarray(names, dtype=np.str_)
    control = _result(groups[0], of, rewards)
    found = []
    for group in groups[1:]:
        two = (of == group.name) | (of == groups[0].name)
        scaled = (rewards[two] - low) / (high - low)
        ends = _interval(of[two] == group.name, scaled, group.share / (group.share + groups[0].share), alpha)
        interval = (high - low) * ends[0], (high - low) * ends[1]
        found.append(_lift(_result(group, of, rewards), control, interval, 1.0 - alpha))
    return tuple(found)


def _lift(treated: GroupResult, control: GroupResult, interval: tuple[float, float], confidence: float) -> Lift:
    comparable = control.subjects > 0 and control.mean != 0.0
    return Lift(
        treated=treated,
        control=control,
        value=treated.mean - control.mean,
        relative=treated.mean / control.mean - 1.0 if comparable else np.nan,
        interval=interval,
        confidence=confidence,
    )


def _interval(treated: NDArray[np.bool_], r: Floats, p: float, alpha: float) -> tuple[float, float]:
    """Give both ends for rewards from 0 to 1; −1 and 1 without subjects."""
    m = (np.cumsum(r) - r + 0.5) / (np.arange(len(r)) + 1.0)
    terms = (r - m) * np.where(treated, 1.0 / p, -1.0 / (1.0 - p))
    below, above = np.maximum(m / p, (1.0 - m) / (1.0 - p)), np.maximum((1.0 - m) / p, m / (1.0 - p))
    lower = lower_bound(terms, below, alpha=alpha / 2.0, low=-1.0, high=1.0)
    return lower, -lower_bound(-terms, above, alpha=alpha / 2.0, low=-1.0, high=1.0)


def _result(group: Group, names: NDArray[np.str_], rewards: Floats) -> GroupResult:
    own = rewards[names == group.name]
    return GroupResult(group=group, subjects=len(own), mean=float(own.mean()) if len(own) else np.nan)
