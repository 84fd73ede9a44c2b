"""Groups are a stable hash: as large as they should be, the same for ever, apart from other tests' groups."""

from math import sqrt

import pytest

from channel_selector import SelectorSettings
from channel_selector.experiments import Experiment, Group, assignment_groups

TEST = Experiment(
    name="subject line", groups=(Group(name="plain", share=0.5), Group(name="a", share=0.3), Group(name="b", share=0.2))
)
SUBJECTS = [f"subject-{number}" for number in range(10_000)]

PINNED = ["plain", "a", "plain", "plain", "plain", "plain"]


def test_groups_are_as_large_as_said() -> None:
    """Within 4 standard errors of their shares."""
    drawn = [TEST.group(subject).name for subject in SUBJECTS]
    for group in TEST.groups:
        error = sqrt(group.share * (1 - group.share) / len(SUBJECTS))
        assert drawn.count(group.name) / len(SUBJECTS) == pytest.approx(group.share, abs=4 * error)


def test_groups_are_pinned() -> None:
    """They are part of every running test and may not change with a release."""
    assert [TEST.group(subject).name for subject in SUBJECTS[:6]] == PINNED


def test_another_test_shuffles_anew() -> None:
    """Who is in b here is in b there as often as anybody."""
    other = Experiment(name="hour", groups=TEST.groups)
    both = [TEST.group(subject).name == other.group(subject).name == "b" for subject in SUBJECTS]
    assert sum(both) / len(SUBJECTS) == pytest.approx(0.04, abs=4 * sqrt(0.04 * 0.96 / len(SUBJECTS)))


def test_growing_a_group_moves_nobody_else() -> None:
    """With some of a's share given to b, plain stays plain and b stays b."""
    wider = Experiment(
        name=TEST.name,
        groups=(Group(name="plain", share=0.5), Group(name="a", share=0.1), Group(name="b", share=0.4)),
    )
    for subject in SUBJECTS[:2_000]:
        before, after = TEST.group(subject).name, wider.group(subject).name
        assert after == before or (before, after) == ("a", "b")


@pytest.mark.parametrize(
    ("shares", "says"),
    [
        ({"a": 1.0}, "two groups at least"),
        ({"a": 0.5, "b": 0.4}, "sum to 1"),
        ({"a": 1.0, "b": 0.0}, "share of group b must be above 0"),
        ({"a": 1.5, "b": -0.5}, "share of group a"),
        ({"": 0.5, "b": 0.5}, "group must be a text"),
    ],
)
def test_what_is_no_experiment_is_refused(shares: dict[str, float], says: str) -> None:
    """With what is wrong."""
    with pytest.raises(ValueError, match=says):
        Experiment(name="test", groups=tuple(Group(name=name, share=share) for name, share in shares.items()))


def test_a_name_twice_is_refused() -> None:
    """Groups are told apart by name."""
    with pytest.raises(ValueError, match="a name of its own"):
        Experiment(name="test", groups=(Group(name="a", share=0.5), Group(name="a", share=0.5)))


def test_assignments_are_groups_with_their_shares() -> None:
    """Holdout, business as usual, learned; those without a share are none."""
    whole = assignment_groups(SelectorSettings(holdout=0.1, bau=0.3))
    assert [(group.name, group.share) for group in whole] == [
        ("holdout", 0.1),
        ("bau", 0.3),
        ("learned", pytest.approx(0.6)),
    ]
    assert [group.name for group in assignment_groups(SelectorSettings())] == ["learned"]
