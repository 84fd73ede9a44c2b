"""Assignment is a stable hash: the same for ever, the right size, and undone only by another salt."""

from math import sqrt

import pytest

from channel_selector import SelectorSettings
from channel_selector.holdout import Assignment, assign, stable_uniform

SETTINGS = SelectorSettings(holdout=0.2, bau=0.3)


def test_shares_are_as_set() -> None:
    """Of 20,000 subjects a fifth is held out and three tenths on business as usual, within 4 standard errors."""
    assigned = [assign(f"subject-{number}", SETTINGS) for number in range(20_000)]
    for assignment, share in ((Assignment.HOLDOUT, 0.2), (Assignment.BAU, 0.3), (Assignment.LEARNED, 0.5)):
        error = sqrt(share * (1 - share) / 20_000)
        assert assigned.count(assignment) / 20_000 == pytest.approx(share, abs=4 * error)


def test_assignment_is_pinned() -> None:
    """These values are part of every deployment's data and may not change with a release."""
    assert stable_uniform("holdout", "", "subject-1") == 0.39241132244264976
    assert [assign(f"subject-{number}", SETTINGS).value for number in range(5)] == [
        "learned",
        "bau",
        "bau",
        "holdout",
        "learned",
    ]


def test_a_larger_holdout_keeps_who_was_in() -> None:
    """Raising the share adds subjects and drops none."""
    wider = SelectorSettings(holdout=0.4)
    held = [n for n in range(1000) if assign(str(n), SETTINGS) is Assignment.HOLDOUT]
    assert all(assign(str(n), wider) is Assignment.HOLDOUT for n in held)


def test_parts_are_kept_apart() -> None:
    """Parts "ab" and "c" are not "a" and "bc"; lone surrogates hash too."""
    assert stable_uniform("ab", "c") != stable_uniform("a", "bc")
    assert 0.0 <= stable_uniform("\ud800") < 1.0
