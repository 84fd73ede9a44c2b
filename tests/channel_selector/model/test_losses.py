"""What a message adds: less what would have come anyway, less its cost, less the people it drives away."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channel_selector import Context, Selector, SelectorSettings
from channel_selector.batches import Request
from channel_selector.choosing import Chooser
from channel_selector.decisions import Send
from channel_selector.holdout import Assignment
from channel_selector.model.fatigue import LEVELS, Departures, Fatigue, level
from channel_selector.model.learning import Reported, fit_population
from channel_selector.model.losses import Losses
from channel_selector.model.organic import Bought, Organic, Withheld, withheld
from channel_selector.model.population import Population
from tests.channel_selector.strategies import NOW, option, outcome, send

WEEK = timedelta(days=7)
LATER = NOW + timedelta(days=30)
HELD = SelectorSettings(holdout=0.5, do_not_send=True)


def population(organic: Organic, fatigue: Fatigue | None = None) -> Population:
    """Make a population that knows this and nothing else."""
    empty = replace(Population.empty(WEEK), organic=organic)
    return empty if fatigue is None else replace(empty, fatigue=fatigue)


def test_without_a_holdout_nothing_comes_anyway() -> None:
    """Nor is anything taken off: an option's loss is its cost."""
    assert Organic({}, {"email": Bought(1_000.0, 50.0)}).baseline(None, "email") == 0.0
    way = option(cost=3.0)
    assert Losses(Population.empty(WEEK)).of(Context(subject="u"), [way], SelectorSettings()) == [3.0]


def test_the_holdouts_rate_is_found_and_segments_are_shrunk() -> None:
    """40,000 messages withheld at 2 %: within 4 standard errors and the prior's pull; a small segment leans on all."""
    random = np.random.default_rng(2)
    kept = [
        Withheld(decision_id=f"{n}", subject=f"u{n}", segment="a" if n % 100 else "b", at=NOW) for n in range(40_000)
    ]
    told: list[Reported] = [
        (f"{n}", outcome("converted", 24.0)) for n in range(40_000) if random.random() < (0.02 if n % 100 else 0.06)
    ]
    found = fit_population([], told, settings=HELD, now=LATER, withheld=kept).organic
    assert found.rate("a") == pytest.approx(0.02, abs=4 * np.sqrt(0.02 / 40_000) + 0.0002)
    assert 0.02 < found.rate("b") < 0.06
    assert found.rate("unseen") == pytest.approx(found.rate(None))


def test_only_what_is_over_counts_once() -> None:
    """Open windows, purchases outside them, repetitions, and other kinds of outcome say nothing."""
    kept = [
        Withheld(decision_id=name, subject=name, segment=None, at=NOW + timedelta(days=days))
        for name, days in (("bought", 0), ("late", 0), ("open", 25), ("clicked", 0))
    ]
    told = [
        ("bought", outcome("converted", 1.0)),
        ("bought", outcome("converted", 2.0)),
        ("late", outcome("converted", 24.0 * 8)),
        ("open", outcome("converted", 24.0 * 25 + 1)),
        ("clicked", outcome("clicked", 1.0)),
    ]
    found = fit_population([], told, settings=HELD, now=LATER, withheld=[*kept, *kept])
    assert found.organic.withheld == {None: Bought(3.0, 1.0)}
    assert Population.from_json(found.to_json()) == found


def test_purchases_without_a_click_are_not_taken_off_twice() -> None:
    """Where clicks are tracked they are no merit of the message, so the baseline is less by as many."""
    organic = Organic({None: Bought(99_825.0, 2_000.0)}, {"email": Bought(99_825.0, 1_500.0)})
    assert organic.rate(None) == pytest.approx(0.02, rel=0.01)
    assert organic.baseline(None, "sms") == pytest.approx(0.02, rel=0.01)
    assert organic.baseline(None, "email") == pytest.approx(0.005, rel=0.03)
    more = Organic({None: Bought(1_000.0, 10.0)}, {"email": Bought(1_000.0, 50.0)})
    assert more.baseline(None, "email") == 0.0


def test_a_selector_learns_it_from_its_own_holdout() -> None:
    """Who buys unasked makes sending worth less, until none is worth more."""
    selector = Selector(HELD, seed=4)
    people = [Context(subject=f"u{n}") for n in range(400)]
    decisions = selector.choose_many(people, [[option()]] * 400, now=NOW)
    left_alone = [each for each in decisions if each.assignment is Assignment.HOLDOUT]
    assert all(withheld(each) is not None for each in left_alone)
    assert all(withheld(each) is None for each in decisions if each.assignment is not Assignment.HOLDOUT)
    sent_to = next(each.context for each in decisions if each.assignment is Assignment.LEARNED)
    before = selector.choose(sent_to, [option()], now=NOW, explore=False)
    for each in left_alone[::2]:
        selector.record(each, outcome("converted", 20.0))
    learned = selector.learn(now=LATER)
    assert 0.25 < learned.organic.rate(None) < 0.5
    after = selector.choose(sent_to, [option()], now=LATER, explore=False)
    assert before.expected_value > 0.0
    assert after.option_id is None


def departures(rate: float, times: float, messages: int = 40_000, seed: int = 1) -> tuple[list[Send], list[Reported]]:
    """Make messages of which `rate` drive somebody away, `times` as many after five messages in the week before."""
    random = np.random.default_rng(seed)
    sends, told = [], []
    for n in range(messages):
        tired = n % 2
        sends.append(replace(send(f"{n}", subject=f"u{n}"), recent=5 * tired))
        if random.random() < rate * (times if tired else 1.0):
            told.append((f"{n}", outcome("unsubscribed" if n % 4 else "complained", 5.0)))
    return sends, told


def test_the_risk_of_driving_people_away_is_found() -> None:
    """At 1 % fresh and 3 % tired, of 20,000 messages each: within 4 standard errors and the priors' pull."""
    sends, told = departures(0.01, 3.0)
    found = fit_population(sends, told, settings=SelectorSettings(), now=LATER).fatigue
    assert found.risk("app_push", 0) == pytest.approx(0.01, abs=4 * np.sqrt(0.01 / 20_000) + 0.0005)
    assert found.risk("app_push", 9) == pytest.approx(0.03, abs=4 * np.sqrt(0.03 / 20_000) + 0.0015)
    assert found.risk("fax", 9) > found.risk("fax", 0)


def test_who_may_be_lost_is_not_written_to_for_little() -> None:
    """The same message is worth sending to the fresh, and not to those who had five this week, where people count."""
    sends, told = departures(0.01, 3.0, messages=4_000)
    fatigue = fit_population(sends, told, settings=SelectorSettings(), now=LATER).fatigue
    settings = SelectorSettings(do_not_send=True, margin=100.0, lifetime_value=60.0)
    week = tuple(option().send_at - timedelta(days=n + 1) for n in range(5))
    values = []
    for recent in ((), week):
        asked = Request(decision_id="d", context=Context(subject="u", recent_sends=recent), options=[option()])
        chooser = Chooser(population(Organic(), fatigue), settings, 1)
        decision = chooser.decide([asked], now=NOW, explore=False)[0]
        values.append((decision.option_id, decision.expected_value))
    assert values[0][0] == "o"
    assert values[1][0] is None


def test_an_options_loss_is_the_sum_of_its_parts() -> None:
    """Send cost, what comes anyway × what a purchase brings, risk × lifetime value."""
    fatigue = Fatigue({("app_push", 0): Departures(99_800.0, 1_000.0)})
    losses = Losses(population(Organic({None: Bought(99_825.0, 1_000.0)}), fatigue))
    settings = SelectorSettings(lifetime_value=200.0, margin=0.5)
    context, way = Context(subject="u", cart_value=80.0), option(cost=0.25)
    parts = losses.parts(context, way, settings)
    assert parts.cost == 0.25
    assert parts.organic == pytest.approx(40.0 * 0.01, rel=0.01)
    assert parts.departure == pytest.approx(200.0 * 0.01, rel=0.01)
    assert losses.of(context, [way], settings) == [pytest.approx(sum(parts))]


def test_levels_of_fatigue() -> None:
    """0, 1, 2, 3–4, 5 and more."""
    assert [level(n) for n in (0, 1, 2, 3, 4, 5, 50)] == [0, 1, 2, 3, 3, 4, 4]


cells = st.dictionaries(
    st.tuples(st.sampled_from(["email", "sms"]), st.integers(0, len(LEVELS))),
    st.tuples(st.floats(0.0, 1e6), st.floats(0.0, 1.0)).map(lambda pair: Departures(pair[0], pair[0] * pair[1])),
)


@given(cells, st.sampled_from(["email", "sms", "fax"]), st.integers(0, 10**6))
def test_risks_are_probabilities(seen: dict[tuple[str, int], Departures], channel: str, recent: int) -> None:
    """Whatever was seen; and the record comes back from JSON."""
    fatigue = Fatigue(seen)
    assert 0.0 < fatigue.risk(channel, recent) <= 1.0
    assert Fatigue.from_json(fatigue.to_json()) == fatigue
