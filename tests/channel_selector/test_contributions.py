"""What a decision is made of adds up: to its conversion probability, and to its value."""

from dataclasses import replace
from datetime import timedelta

import pytest

from channel_selector import Context, Selector, SelectorSettings
from channel_selector.contributions import OF_EVERYBODY, OWN, contributions
from channel_selector.decisions import Decision
from channel_selector.model.fatigue import Departures, Fatigue
from channel_selector.model.organic import Bought, Organic
from tests.channel_selector.strategies import NOW, option, outcome

SETTINGS = SelectorSettings(floor=0.5, lifetime_value=30.0, margin=0.3)
WAYS = [
    option("evening", hour=20, after=1, endpoint="phone", cost=0.5),
    option("morning", hour=8, after=13, endpoint="phone"),
    option("tablet", kind="tablet", hour=20, after=2, endpoint="tablet"),
    option("mail", channel="email", kind="", hour=20, after=2, endpoint="mail", cost=1.0),
]


def context(number: int) -> Context:
    """Make somebody with habits, a cart and messages lately."""
    return Context(
        subject=f"u{number}",
        segment="vip" if number % 2 else None,
        activity=[number % 5] * 12 + [3] * 12,
        cart_value=50.0 + number,
        abandoned_at=NOW - timedelta(hours=number % 30),
        recent_sends=[NOW - timedelta(hours=5)] * (number % 3),
    )


def history(people: int) -> Selector:
    """Make a selector that has learned of some people."""
    selector = Selector(SETTINGS, seed=3)
    for turn in range(4):
        at = NOW + timedelta(days=2 * turn)
        asked = [context(number) for number in range(people)]
        for number, decision in enumerate(selector.choose_many(asked, [WAYS] * people, now=at)):
            if (number + turn) % 3 == 0:
                selector.record(decision, outcome("clicked", 48 * turn + 14))
            if (number + turn) % 6 == 0:
                selector.record(decision, outcome("converted", 48 * turn + 15))
            if number % 11 == 0:
                selector.record(decision, outcome("unsubscribed", 48 * turn + 16))
        selector.learn(now=at + timedelta(days=1, hours=23))
    return selector


def decided(selector: Selector, number: int) -> Decision:
    """Decide once more."""
    return selector.choose(context(number), WAYS, now=NOW + timedelta(days=9))


@pytest.mark.parametrize("people", [6, 240], ids=["each weighs in what all taught", "nobody does"])
def test_parts_add_up(people: int) -> None:
    """Of everybody and of somebody's own; known customers and new ones, left out of their own prior or not."""
    selector = history(people)
    for number in (0, 1, 3, people - 1, people + 7):
        decision = decided(selector, number)
        told = contributions(decision, selector.population, SETTINGS)
        assert told is not None
        assert set(told.log_odds) >= {*OF_EVERYBODY, *OWN}
        assert told.reacts * told.buys == pytest.approx(decision.conversion_probability, rel=1e-9)
        assert sum(told.value.values()) == pytest.approx(decision.expected_value, rel=1e-9)
        assert any(told.log_odds[name] for name in OWN) is (number < people)
        assert told.value["people driven away"] < 0.0


def test_what_would_come_anyway_is_a_part() -> None:
    """It and the send cost are taken off, and named."""
    selector = history(6)
    population = replace(
        selector.population,
        organic=Organic({None: Bought(10_000.0, 200.0)}),
        fatigue=Fatigue({("app_push", 0): Departures(1_000.0, 3.0)}),
    )
    decision = decided(selector, 0)
    told = contributions(decision, population, SETTINGS)
    assert told is not None
    assert told.value["bought anyway"] == pytest.approx(-0.3 * 50.0 * 0.02, rel=0.05)
    assert decision.option is not None
    assert told.value["send cost"] == -decision.option.cost


def test_nothing_sent_is_made_of_nothing() -> None:
    """Of the holdout, and without options, there is nothing to take apart."""
    held = Selector(SelectorSettings(holdout=1.0)).choose(context(0), WAYS, now=NOW)
    none = Selector(SETTINGS).choose(context(0), [], now=NOW)
    empty = Selector(SETTINGS).population
    assert contributions(held, empty, SelectorSettings(holdout=1.0)) is None
    assert contributions(none, empty, SETTINGS) is None
