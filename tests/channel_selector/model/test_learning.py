"""Posteriors are an idempotent fold: order, repetition and waiting change nothing, and open windows are no failures."""

from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channel_selector import Outcome, SelectorSettings
from channel_selector.decisions import Send
from channel_selector.eligibility.arms import Arm
from channel_selector.model.delays import Delays, estimated
from channel_selector.model.learning import Reported, customer_effects, fit_population
from channel_selector.model.population import Population
from channel_selector.model.tallies import CustomerEffects, Tally, total
from channel_selector.settings import Activation
from tests.channel_selector.strategies import NOW, outcome, send

SETTINGS = SelectorSettings()
WEEK = timedelta(days=7)
LATER = NOW + timedelta(days=30)
EVENING = Arm("app_push", "phone", 6)


def folded(sends: list[Send], reported: list[Reported], *, now: datetime = LATER) -> Tally:
    """Give the one tally that sends of one arm come to."""
    population = fit_population(sends, reported, settings=SETTINGS, now=now)
    return total(population.tallies.values())


sends = st.lists(
    st.builds(
        send,
        st.sampled_from("abcdefgh"),
        hours=st.integers(0, 900),
        channel=st.sampled_from(["app_push", "email"]),
        hour=st.integers(0, 23),
    ),
    unique_by=lambda each: each.decision_id,
)
reports = st.lists(
    st.tuples(
        st.sampled_from("abcdefghx"),
        st.builds(
            outcome, st.sampled_from(["clicked", "converted", "opened", "not_sent", "bounced"]), st.integers(-5, 999)
        ),
    )
)


@given(st.data(), sends, reports)
def test_order_and_repetition_change_nothing(
    data: st.DataObject, given_sends: list[Send], told: list[Reported]
) -> None:
    """Shuffled and told twice, the log folds to the same bits."""
    once = fit_population(given_sends, told, settings=SETTINGS, now=LATER)
    shuffled = data.draw(st.permutations(given_sends * 2))
    again = fit_population(shuffled, data.draw(st.permutations(told * 2)), settings=SETTINGS, now=LATER)
    assert again == once
    assert again.version == once.version


@given(sends, reports)
def test_customers_add_up_to_the_population(given_sends: list[Send], told: list[Reported]) -> None:
    """One customer with all the sends has the population's tallies: both are the same fold."""
    population = fit_population(given_sends, told, settings=SETTINGS, now=LATER)
    effects = customer_effects(given_sends, told, population=population, settings=SETTINGS, now=LATER)
    assert effects.arms == {arm: tally for (_, arm), tally in population.tallies.items()}


def test_counts_by_hand() -> None:
    """Of four sends one was clicked, one clicked and bought, one bought: two engaged, one converted, two bought."""
    told = [("a", outcome("clicked", 1)), ("b", outcome("converted", 5)), ("c", outcome("converted", 5))]
    told.append(("b", outcome("opened", 1)))
    assert folded([send("a"), send("b"), send("c"), send("d")], told) == Tally(4, 2, 1, 4.0, 2.0, 2)


def test_untracked_channels_are_one_stage() -> None:
    """Without a click of the channel anywhere, purchases are engagements and conversions; one click changes that."""
    sends = [send("a"), send("b"), send("c", channel="email"), send("d", channel="email")]
    told = [(name, outcome("converted", 5)) for name in "abcd"]
    told.append(("d", outcome("clicked", 24 * 9)))
    population = fit_population(sends, told, settings=SETTINGS, now=LATER)
    assert population.tracked == {"email"}, "a click after the window tells as well that clicks are told"
    assert population.tallies[None, EVENING] == Tally(2, 2, 2, 2.0, 2.0, 2)
    assert population.tallies[None, Arm("email", "phone", 6)] == Tally(2, 0, 0, 2.0, 0.0, 2)
    assert sum(population.converted_delays.counts["app_push"]) == 2
    assert "email" not in population.converted_delays.counts


def test_a_customers_own_click_shows_a_channel_tracked() -> None:
    """Before the population has learned of it, and likewise where only others have clicked."""
    sends, told = [send("a"), send("b")], [("a", outcome("clicked", 1)), ("b", outcome("converted", 2))]
    empty = Population.empty(WEEK)
    own = customer_effects(sends, told, population=empty, settings=SETTINGS, now=LATER)
    assert own.arms[EVENING] == Tally(2, 1, 0, 2.0, 1.0, 1)
    learned = fit_population(sends, told, settings=SETTINGS, now=LATER)
    other = customer_effects([send("b")], told, population=learned, settings=SETTINGS, now=LATER)
    assert other.arms[EVENING] == Tally(1, 0, 0, 1.0, 0.0, 1)


@given(sends, reports)
def test_what_a_customer_taught_is_their_part_of_the_population(given_sends: list[Send], told: list[Reported]) -> None:
    """Later outcomes and sends change what is known of the customer and not what the population knew of them."""
    population = fit_population(given_sends, told, settings=SETTINGS, now=NOW + timedelta(days=12))
    effects = customer_effects(given_sends, told, population=population, settings=SETTINGS, now=LATER)
    assert effects.taught == population.tallies
    assert CustomerEffects.from_json(effects.to_json()) == effects


def test_open_windows_weigh_by_their_age() -> None:
    """A send just out weighs nothing, one two days old F(48 h), and neither is a failure in full."""
    now = NOW + timedelta(days=2)
    delays = Delays(WEEK, {})
    tally = folded([send("a"), send("b", hours=48)], [], now=now)
    assert tally == Tally(2, 0, 0, delays.share("app_push", 2 * 86400.0), 0.0)
    assert 0.0 < tally.engaged_exposure < 1.0


def test_sends_to_come_are_not_counted() -> None:
    """A decision whose send time lies ahead has nothing to teach yet."""
    assert folded([send("a", hours=1)], [], now=NOW) == Tally()


def test_after_the_window_is_logged_and_not_learned() -> None:
    """A purchase eight days on teaches nothing; the send stays a send without one."""
    assert folded([send("a")], [("a", outcome("converted", 8 * 24))]) == Tally(1, 0, 0, 1.0)


def test_unsent_decisions_teach_nothing() -> None:
    """`not_sent` takes a send out; where reports are asked for, so does silence."""
    assert folded([send("a")], [("a", outcome("not_sent", 0)), ("a", outcome("clicked", 1))]) == Tally()
    asked = SelectorSettings(activation=Activation.REPORTED)
    reported = fit_population([send("a"), send("b")], [("a", outcome("delivered", 0))], settings=asked, now=LATER)
    assert total(reported.tallies.values()).sends == 1


def test_outcomes_of_unknown_decisions_wait() -> None:
    """An outcome told before its decision counts once the decision is there."""
    told = [("late", outcome("clicked", 1))]
    assert folded([], told) == Tally()
    assert folded([send("late")], told).engaged == 1


def test_delays_of_open_windows_count_as_far_as_they_have_been_seen() -> None:
    """A purchase within the first day of a message a day old says how the first day divides, and nothing of later."""
    told = [("old", outcome("converted", 100)), ("new", outcome("converted", 24 * 29 + 1))]
    population = fit_population(
        [send("old"), send("new", hours=24 * 29)], told, settings=SETTINGS, now=NOW + timedelta(days=30)
    )
    assert population.engaged_delays.counts["app_push"] == (0, 1, 0, 0, 0, 0, 0, 1, 0)
    assert population.engaged_delays.risks["app_push"] == (0, 1, 1, 1, 1, 0, 0, 1, 1)


def test_purchases_are_waited_for_from_the_reaction_on() -> None:
    """Of ten who clicked on day five, an hour ago, purchases come as soon as they did of those who clicked at once.

    1,000 closed messages, half of their clicks bought within the hour. Were purchases awaited from the sending on, ten
    more clicked late would count as trials in full, and ten clicked early and just now as none.
    """
    sends = [send(f"old{n}", hours=-24 * 20) for n in range(1_000)] + [send(f"new{n}") for n in range(10)]
    told = [(f"old{n}", outcome("clicked", 1, since=NOW - timedelta(days=20))) for n in range(1_000)]
    told += [(f"old{n}", outcome("converted", 1.5, since=NOW - timedelta(days=20))) for n in range(500)]
    told += [(f"new{n}", outcome("clicked", 119)) for n in range(10)]
    now = NOW + timedelta(hours=120)
    population = fit_population(sends, told, settings=SETTINGS, now=now)
    share = population.converted_delays.share("app_push", 3_600.0)
    assert share > 0.95
    effects = customer_effects(sends[1_000:], told, population=population, settings=SETTINGS, now=now)
    assert effects.arms[EVENING].converted_exposure == pytest.approx(10 * share)


def test_truncation_is_corrected_for() -> None:
    """Of 4,000 outcomes with a mean delay of 72 h, told of while messages are 0–7 days old, F is the truth within 0.04.

    Binomial noise at an edge is below 0.01; the published distribution, worth 20 outcomes, adds to it.
    """
    random = np.random.default_rng(4)
    ages, delays = random.uniform(0.0, 168.0, 12_000), random.exponential(72.0, 12_000)
    delays = delays[inside := delays < 168.0][:8_000]
    seen = [
        ("sms", timedelta(hours=delay), timedelta(hours=age))
        for age, delay in zip(ages[inside][:8_000].tolist(), delays.tolist(), strict=True)
        if delay <= age
    ]
    found = estimated(WEEK, seen)
    for hours in (3, 12, 24, 72, 120):
        truth = (1 - np.exp(-hours / 72)) / (1 - np.exp(-168 / 72))
        assert found.share("sms", hours * 3600.0) == pytest.approx(truth, abs=0.04)


def test_a_slow_channel_is_not_mistaken_for_a_bad_one() -> None:
    """Two days after a wave, a channel whose buyers take days keeps the rate of its earlier waves.

    1,000 closed sends with 10 % bought on day five teach F; of 1,000 more, two days old, none has bought yet. Counted
    as failures they would halve the rate.
    """
    old = [send(f"old{n}", hours=-24 * 20) for n in range(1000)]
    new = [send(f"new{n}") for n in range(1000)]
    told = [(f"old{n}", _bought_on_day_five()) for n in range(100)]
    tally = folded(old + new, told, now=NOW + timedelta(days=2))
    assert tally.engaged / tally.engaged_exposure > 0.085


def _bought_on_day_five() -> Outcome:
    return outcome("converted", 24 * 4.5, since=NOW - timedelta(days=20))


def test_learning_does_not_touch_the_population_it_reads() -> None:
    """A customer's effects use the snapshot's delays and leave it as it was."""
    population = Population.empty(WEEK)
    customer_effects([send("a")], [], population=population, settings=SETTINGS, now=LATER)
    assert population == Population.empty(WEEK)


def test_what_an_older_model_left_is_passed_over() -> None:
    """A decision's effects are read as none, a population as none at all: neither is an error."""
    assert CustomerEffects.from_json({"arms": [["email", "", "evening", 1, 2, 3]], "endpoints": []}) == CustomerEffects(
        {}
    )
    assert Population.recalled({"position": 3, "at": None, "tallies": [], "tracked": []}) is None
    empty = Population.empty(timedelta(days=7))
    assert Population.recalled(empty.to_json()) == empty
