"""Of judgements on one pair the newest counts; all that count hold together, or it is an error."""

from datetime import UTC, datetime
from itertools import permutations

import pytest
from hypothesis import given

from identity.errors import ContradictionError
from identity.identifiers import Identifier
from identity.judgements import Judgement, JudgementKind, in_force, judged, pair, settle
from tests.identity.oracle import contradictory, must_groups, standing
from tests.strategies import examples, judgements

A, B, C, D = (Identifier("user_id", value) for value in "abcd")
MUST, CANNOT = JudgementKind.MUST_LINK, JudgementKind.CANNOT_LINK


def said(kind: JudgementKind, left: Identifier, right: Identifier, hour: int | None = None) -> Judgement:
    """Make a judgement, dated or not."""
    at = None if hour is None else datetime(2026, 3, 1, hour, tzinfo=UTC)
    return judged(kind, left, right, at=at)


def test_a_pair_has_no_direction() -> None:
    """Left and right are in order, whichever was named first."""
    assert pair(A, B) == pair(B, A) == (A, B)


def test_must_links_are_transitive() -> None:
    """All that must be together is one group, in whatever order it was said."""
    links = [said(MUST, A, B), said(MUST, C, D), said(MUST, B, C)]
    for order in permutations(links):
        verdicts = settle(order)
        assert all(verdicts.group(i) == {A, B, C, D} for i in (A, B, C, D))


def test_one_of_whom_nothing_was_said_is_its_own_group() -> None:
    """Nothing said, nothing held."""
    assert settle([]).group(A) == {A}
    assert not settle([]).barred


def test_the_newer_counts() -> None:
    """A newer judgement on the same pair, named either way round, takes the older's place."""
    assert settle([said(MUST, A, B), said(CANNOT, B, A)]).group(A) == {A}
    assert settle([said(CANNOT, A, B), said(MUST, B, A)]).group(A) == {A, B}


def test_a_cannot_link_holds_between_groups() -> None:
    """Who is the same as one side must not share a profile with who is the same as the other."""
    verdicts = settle([said(MUST, A, B), said(MUST, C, D), said(CANNOT, A, C)])
    assert {(i, j) for i, others in verdicts.barred.items() for j in others} == {
        (i, j) for one, other in (((A, B), (C, D)), ((C, D), (A, B))) for i in one for j in other
    }


def test_contradictions_are_errors() -> None:
    """A cannot-link within a group, or between an identifier and itself, cannot hold."""
    with pytest.raises(ContradictionError):
        settle([said(MUST, A, B), said(MUST, B, C), said(CANNOT, A, C)])
    with pytest.raises(ContradictionError):
        settle([said(CANNOT, A, A)])


def test_order_is_by_time_then_place() -> None:
    """Undated judgements come first; of equal times the later in the log is the newer; unknown ones are left out."""
    late, undated, early, twin = said(MUST, A, B, 9), said(MUST, A, C), said(CANNOT, A, B, 8), said(MUST, A, D, 8)
    assert in_force([late, undated, early, twin]) == [undated, early, twin, late]
    assert in_force([late, undated, early], datetime(2026, 3, 1, 8, tzinfo=UTC)) == [undated, early]


@examples(200)
@given(judgements(most=6))
def test_settling_is_the_oracles(some: tuple[Judgement, ...]) -> None:
    """Groups and contradictions are those of the plain closure."""
    if contradictory(some):
        with pytest.raises(ContradictionError):
            settle(in_force(some))
    else:
        groups = must_groups(standing(some, None))
        assert {frozenset(group) for group in settle(in_force(some)).groups.values()} == set(groups)
