"""What is forgotten fades by age alone: rates stay, evidence shrinks, and merged is still learned together."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channel_selector import Context, Selector, SelectorSettings
from channel_selector.decisions import Send
from channel_selector.eligibility.arms import Arm
from channel_selector.model.forgetting import LEAST, remembered
from channel_selector.model.learning import Reported, customer_effects, fit_population
from channel_selector.model.population import Population
from channel_selector.model.tallies import CustomerEffects, Tally
from tests.channel_selector.model.test_learning import reports, sends
from tests.channel_selector.strategies import NOW, option, outcome, send

MONTH = timedelta(days=30)
FADING = SelectorSettings(half_life=MONTH)
EVENING = Arm("app_push", "phone", 6)


def test_weights_halve() -> None:
    """With every half-life; never to nothing, and never where none is set."""
    assert [remembered(n * MONTH, MONTH) for n in range(4)] == [1.0, 0.5, 0.25, 0.125]
    assert remembered(timedelta(days=36_500), timedelta(days=1)) == LEAST
    assert remembered(timedelta(days=36_500), None) == 1.0
    assert remembered(-MONTH, MONTH) == 1.0


def test_counts_are_told_whole_and_learned_faded() -> None:
    """Two clicks of two half-lives ago are two clicks in words, and half a one in learning."""
    told = [("a", outcome("clicked", 1)), ("b", outcome("clicked", 1)), ("b", outcome("converted", 2))]
    tally = fit_population([send("a"), send("b")], told, settings=FADING, now=NOW + 2 * MONTH).tallies[None, EVENING]
    assert (tally.sends, tally.engaged, tally.converted, tally.bought) == (2, 2, 1, 1)
    assert (tally.reactions, tally.conversions) == (0.5, 0.25)
    assert (tally.engaged_exposure, tally.converted_exposure) == pytest.approx((0.5, 0.5))
    assert tally.to_json() == list(tally)
    assert Tally(4, 2, 1, 4.0, 2.0, 2).to_json() == [4, 2, 1, 4.0, 2.0, 2]


def test_off_it_changes_nothing() -> None:
    """The settings' default forgets nothing; a hundred years come to the same."""
    assert SelectorSettings().half_life is None
    told = [("a", outcome("clicked", 1))]
    long = SelectorSettings(half_life=timedelta(days=36_500))
    now = NOW + timedelta(days=9)
    never, hardly = (fit_population([send("a")], told, settings=each, now=now) for each in (SelectorSettings(), long))
    assert never.tallies[None, EVENING].reactions == 1.0
    assert hardly.tallies[None, EVENING].reactions == pytest.approx(1.0, abs=2e-4)


@given(st.data(), sends, reports)
def test_order_and_repetition_change_nothing(
    data: st.DataObject, given_sends: list[Send], told: list[Reported]
) -> None:
    """As without forgetting: shuffled and told twice, the log folds to the same bits."""
    now = NOW + timedelta(days=40)
    once = fit_population(given_sends, told, settings=FADING, now=now)
    shuffled = data.draw(st.permutations(given_sends * 2))
    again = fit_population(shuffled, data.draw(st.permutations(told * 2)), settings=FADING, now=now)
    assert again.version == once.version
    assert Population.from_json(once.to_json()).version == once.version


@given(sends, reports)
def test_merged_is_learned_together(given_sends: list[Send], told: list[Reported]) -> None:
    """Halves of a history add up to the whole, to 1e-9, and survive JSON."""
    now, empty = NOW + timedelta(days=40), Population.empty(FADING.attribution_window)
    halves = [
        customer_effects(part, told, population=empty, settings=FADING, now=now)
        for part in (given_sends[::2], given_sends[1::2])
    ]
    # One half may be the first to show that a channel tells of clicks: compare what does not depend on it.
    whole = customer_effects(given_sends, told, population=empty, settings=FADING, now=now)
    exposures = [sum(t.engaged_exposure for t in e.spots.values()) for e in (*halves, whole)]
    assert exposures[0] + exposures[1] == pytest.approx(exposures[2], abs=1e-9)
    assert CustomerEffects.from_json(whole.to_json()) == whole


def test_a_merge_a_split_and_a_replay_leave_no_trace() -> None:
    """Under forgetting too a selector is its log: merged and given back it decides as before, replayed as the first."""
    selector = Selector(FADING, seed=1)
    ways = {"a": option("x", endpoint="phone"), "b": option("y", channel="email", kind="", endpoint="mail")}
    later = NOW + timedelta(days=100)
    for subject, way in ways.items():
        selector.record(selector.choose(Context(subject=subject), [way], now=NOW), outcome("clicked", 3))
    selector.learn(now=NOW + timedelta(days=50))
    apart = {subject: selector.effects(subject, now=later) for subject in ways}
    selector.merge("a", "b")
    merged = selector.effects("a", now=later)
    assert merged.spots == {**apart["a"].spots, **apart["b"].spots}
    selector.split("a", into="b", endpoint_ids=["mail"])
    assert {subject: selector.effects(subject, now=later) for subject in ways} == apart
    other = Selector(FADING, seed=1)
    other.replay(reversed(selector.decisions()), selector.outcomes())
    assert other.learn(now=NOW + timedelta(days=50)) == selector.population


def test_what_is_long_ago_decides_no_more() -> None:
    """A habit of ten evenings counts at once, hardly after ten half-lives, and as much as ever without forgetting."""
    ways = [option("evening", hour=20, endpoint="p"), option("morning", hour=8, endpoint="p")]
    chances = {}
    for name, settings in (("fading", FADING), ("kept", SelectorSettings())):
        selector = Selector(settings, seed=1)
        for day in range(10):
            at = NOW + timedelta(days=day)
            decision = selector.choose(Context(subject="u"), ways[:1], now=at)
            selector.record(decision, outcome("clicked", 24 * day + 2))
        for when, later in (("soon", timedelta(days=11)), ("late", timedelta(days=311))):
            chances[name, when] = selector.choose(Context(subject="u"), ways, now=NOW + later).probabilities[0]
    assert chances["fading", "soon"] > 0.9
    assert chances["fading", "late"] < 0.6
    assert chances["kept", "late"] == pytest.approx(chances["kept", "soon"], abs=0.05)
