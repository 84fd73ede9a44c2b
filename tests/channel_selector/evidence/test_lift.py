"""Lift is a difference of means whose interval holds at every look, whatever the shares of the groups."""

from math import isnan, sqrt

import numpy as np
import pytest

from channel_selector import SelectorSettings
from channel_selector.evidence.lift import lifts
from channel_selector.evidence.rounds import Floats
from channel_selector.experiments import Group, assignment_groups
from channel_selector.holdout import assign
from tests.channel_selector.evidence.small_logs import floats

TWO = (Group(name="holdout", share=0.2), Group(name="learned", share=0.8))


def simulated(random: np.random.Generator, count: int, *, held: float, treated: float) -> tuple[list[str], Floats]:
    """Draw subjects, a fifth held out, who buy or do not."""
    learned = random.random(count) < 0.8
    rewards = (random.random(count) < np.where(learned, treated, held)).astype(np.float64)
    return np.where(learned, "learned", "holdout").tolist(), rewards


def test_a_count_by_hand() -> None:
    """Two of four against one of two: means, difference, ratio."""
    names = ["learned", "holdout", "learned", "learned", "holdout", "learned"]
    (found,) = lifts(TWO, names, floats(1, 0, 0, 1, 1, 1))
    assert (found.treated.subjects, found.treated.mean) == (4, 0.75)
    assert (found.control.subjects, found.control.mean) == (2, 0.5)
    assert (found.value, found.relative) == (0.25, 0.5)
    assert -1.0 <= found.interval[0] < 0.25 < found.interval[1] <= 1.0


def test_looking_again_and_again_rarely_errs() -> None:
    """Of 60 tests of 600 subjects, at most 5 % (+ 3 standard errors) ever miss the lift."""
    random = np.random.default_rng(1)
    missed = 0
    for _ in range(60):
        names, rewards = simulated(random, 600, held=0.3, treated=0.4)
        looks = (lifts(TWO, names[:end], rewards[:end])[0].interval for end in range(200, 601, 200))
        missed += any(not low <= 0.1 <= high for low, high in looks)
    assert missed / 60 <= 0.05 + 3 * sqrt(0.05 * 0.95 / 60)


def test_a_lift_that_is_there_is_found() -> None:
    """With 20,000 subjects of 2 % and 5 % the interval lies above 0, and is less than 2.2 times the usual one."""
    names, rewards = simulated(np.random.default_rng(2), 20_000, held=0.02, treated=0.05)
    (found,) = lifts(TWO, names, rewards)
    assert found.interval[0] > 0.0
    usual = 2 * 1.96 * sqrt(0.02 * 0.98 / 4_000 + 0.05 * 0.95 / 16_000)
    assert found.interval[1] - found.interval[0] < 2.2 * usual


def test_several_groups_hold_together() -> None:
    """Each of three against the control at a third of the error; of the others it knows nothing."""
    groups = (Group(name="plain", share=0.4), *(Group(name=name, share=0.2) for name in "abc"))
    random = np.random.default_rng(3)
    names = random.choice(["plain", "a", "b", "c"], 4_000, p=[0.4, 0.2, 0.2, 0.2])
    rewards = (random.random(4_000) < 0.1).astype(np.float64)
    found = lifts(groups, names.tolist(), rewards)
    assert [each.treated.group.name for each in found] == ["a", "b", "c"]
    assert all(each.confidence == pytest.approx(1 - 0.05 / 3) for each in found)
    two = (names == "plain") | (names == "b")
    (alone,) = lifts(groups[:1] + groups[2:3], names[two].tolist(), rewards[two])
    assert alone.value == found[1].value
    assert alone.interval[1] - alone.interval[0] < found[1].interval[1] - found[1].interval[0]


def test_money_moves_with_its_unit() -> None:
    """Amounts up to 500 are judged as their share of it."""
    names, rewards = simulated(np.random.default_rng(4), 2_000, held=0.1, treated=0.2)
    (plain,), (money,) = lifts(TWO, names, rewards), lifts(TWO, names, 500.0 * rewards, bounds=(0.0, 500.0))
    assert money.interval == pytest.approx([500.0 * end for end in plain.interval], abs=0.5)
    assert money.value == pytest.approx(500.0 * plain.value)


def test_the_holdouts_own_hash_feeds_it() -> None:
    """`assign` says who is in which group, the settings what share each has."""
    settings = SelectorSettings(holdout=0.2, salt="lift")
    names = [assign(f"subject-{number}", settings).value for number in range(500)]
    (found,) = lifts(assignment_groups(settings), names, np.zeros(500))
    assert found.control.group.name == "holdout"
    assert found.interval[0] < 0.0 < found.interval[1]


def test_without_subjects_nothing_is_known() -> None:
    """The interval is all there can be."""
    (found,) = lifts(TWO, [], np.empty(0))
    assert found.interval == (-1.0, 1.0)
    assert isnan(found.value)
    assert isnan(found.relative)


@pytest.mark.parametrize(
    ("names", "rewards", "says"),
    [
        (["learned"], [], "equally long"),
        (["learned"], [1.5], "from 0 to 1"),
        (["learned"], [np.nan], "from 0 to 1"),
        (["other"], [1.0], "no group other; there are holdout, learned"),
    ],
)
def test_what_cannot_be_compared_is_refused(names: list[str], rewards: list[float], says: str) -> None:
    """With what is wrong."""
    with pytest.raises(ValueError, match=says):
        lifts(TWO, names, floats(*rewards))
    with pytest.raises(ValueError, match="a control and another"):
        lifts(TWO[:1], names, floats(*rewards))
