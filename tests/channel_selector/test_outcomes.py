"""An outcome counts once per decision and kind, inside its window, in whatever order it is told."""

import math
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channel_selector import Outcome, OutcomeKind
from channel_selector.outcomes import Effects, effects_of, was_sent
from tests.channel_selector.strategies import NOW, outcome

WEEK = timedelta(days=7)
LATER = NOW + timedelta(days=30)
NOTHING = Effects(engaged_at=None, converted_at=None, bought=False)


def effects(*outcomes: Outcome, channel: str = "email", tracked: bool = True) -> Effects:
    """Give what came of a message sent at NOW, as known a month later."""
    return effects_of(outcomes, channel=channel, tracked=tracked, send_at=NOW, window=WEEK, now=LATER)


def at(hours: float) -> datetime:
    """Give a moment some hours after NOW."""
    return NOW + timedelta(hours=hours)


def test_the_first_of_each_kind_counts() -> None:
    """Two clicks and two purchases are one engagement and one conversion, at the earlier times."""
    told = [outcome("converted", 9), outcome("clicked", 5), outcome("clicked", 2), outcome("converted", 8)]
    assert effects(*told) == Effects(engaged_at=at(2), converted_at=at(8), bought=True)


def test_where_clicks_are_not_tracked_the_purchase_is_all_there_is() -> None:
    """One stage: the first purchase is engagement and conversion."""
    told = [outcome("converted", 9), outcome("converted", 8)]
    assert effects(*told, tracked=False) == Effects(engaged_at=at(8), converted_at=at(8), bought=True)


def test_where_clicks_are_tracked_a_purchase_without_one_is_not_the_message_s() -> None:
    """It is known to be bought, and neither engagement nor conversion; so is one before the click."""
    assert effects(outcome("converted", 8)) == Effects(engaged_at=None, converted_at=None, bought=True)
    early = [outcome("converted", 8), outcome("clicked", 9)]
    assert effects(*early) == Effects(engaged_at=at(9), converted_at=None, bought=True)
    assert effects(*early, outcome("converted", 10)).converted_at == at(10)


@pytest.mark.parametrize("hours", [-1, 24 * 7 + 0.001])
def test_outside_the_window_nothing_counts(hours: float) -> None:
    """Before it was sent and after the window: logged, not learned; at the window's end it still counts."""
    assert effects(outcome("converted", hours), tracked=False) == NOTHING
    assert effects(outcome("clicked", hours)) == NOTHING
    assert effects(outcome("converted", 24 * 7), tracked=False).converted_at is not None


def test_what_is_still_to_come_is_not_known() -> None:
    """An outcome dated after `now` does not count yet."""
    told = [outcome("clicked", 5)]
    assert effects_of(told, channel="email", tracked=True, send_at=NOW, window=WEEK, now=at(4)) == NOTHING


def test_opens_count_where_a_person_opens_by_touching() -> None:
    """A push is opened by a tap; an e-mail may have been opened by a machine, a messenger's message with its chat."""
    assert effects(outcome("opened", 1), channel="app_push").engaged_at is not None
    assert effects(outcome("opened", 1), channel="email").engaged_at is None
    assert effects(outcome("opened", 1), channel="messenger").engaged_at is None
    assert effects(outcome("opened", 1), channel="pager").engaged_at is None


@given(
    st.permutations([outcome("clicked", 1), outcome("converted", 2), outcome("converted", 3), outcome("opened", 0.5)])
)
def test_order_is_no_matter(told: list[Outcome]) -> None:
    """Any order gives the same effects."""
    assert effects(*told) == effects(outcome("clicked", 1), outcome("converted", 2))


@pytest.mark.parametrize(
    ("kinds", "assumed", "reported"),
    [((), True, False), (("sent",), True, True), (("delivered",), True, True), (("sent", "not_sent"), False, False)],
)
def test_which_decisions_count_as_sent(kinds: tuple[str, ...], *, assumed: bool, reported: bool) -> None:
    """Assumed unless denied; where reports are asked for, only with one."""
    told = [outcome(kind, 0) for kind in kinds]
    assert was_sent(told, reported=False, now=LATER) is assumed
    assert was_sent(told, reported=True, now=LATER) is reported


@pytest.mark.parametrize(
    "change", [{"kind": "bought"}, {"at": NOW.replace(tzinfo=None)}, {"value": math.nan}, {"value": math.inf}]
)
def test_outcomes_out_of_range_are_refused(change: dict[str, Any]) -> None:
    """An unknown kind, a naive time or money that is no number is refused when the outcome is made."""
    fields: dict[str, Any] = {"kind": OutcomeKind.CLICKED, "at": NOW} | change
    with pytest.raises(ValueError, match="outcome"):
        Outcome(**fields)


def test_outcomes_survive_json() -> None:
    """What is written is read back equal."""
    made = Outcome(kind=OutcomeKind.CONVERTED, at=NOW, value=12.5, id="x")
    assert Outcome.from_json(made.to_json()) == made
