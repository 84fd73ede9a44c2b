"""Bad input never gets further than the door, and what may come in never makes anything but probabilities."""

import json
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channel_selector import Context, DeliveryOption, Outcome, OutcomeKind, Selector, SelectorSettings
from channel_selector.batches import Request
from channel_selector.choosing import Chooser, recompute
from channel_selector.decisions import Decision
from channel_selector.eligibility.arms import Arm
from channel_selector.model.fatigue import Departures, Fatigue
from channel_selector.model.learning import customer_effects, fit_population
from channel_selector.model.organic import Bought, Organic
from channel_selector.model.population import Population
from channel_selector.model.tallies import Tally
from tests.channel_selector.strategies import NOW, arms, contexts, known, money, option, options, outcome, send, tallies

LATER = NOW + timedelta(days=30)
EVERYTHING = (math.nan, math.inf, -math.inf, 1e16, -1e16, "1", None, True)
"""What is no amount of money."""


def finite(value: Any) -> bool:
    """Tell whether every number within is one."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        return all(map(finite, value.values()))
    return all(map(finite, value)) if isinstance(value, list | tuple) else True


@pytest.mark.parametrize("number", EVERYTHING, ids=repr)
def test_no_number_that_is_none_comes_in(number: Any) -> None:
    """As reward, feature, cart value, margin, cost or setting: refused by name, never by value."""
    makers: list[tuple[str, Any]] = [
        ("value", lambda: Outcome(kind=OutcomeKind.CONVERTED, at=NOW, value=number)),
        ("margin", lambda: SelectorSettings(margin=number)),
        ("lifetime_value", lambda: SelectorSettings(lifetime_value=number)),
        ("cost", lambda: replace(option(), cost=number)),
        ("cart_value", lambda: Context(subject="u", cart_value=number)),
        ("margin", lambda: Context(subject="u", margin=number)),
        ("feature x", lambda: Context(subject="u", features={"x": number})),
    ]
    allowed = {"cart_value": (None,), "feature x": ("1", None, True)}
    for name, make in makers:
        if number in allowed.get(name, ()) or (name == "margin" and number is None):
            continue
        with pytest.raises(ValueError, match=name):
            make()


extreme = st.builds(
    SelectorSettings,
    floor=st.floats(0.0, 1.0),
    do_not_send=st.booleans(),
    margin=money,
    lifetime_value=money,
    new_channel_share=st.floats(0.0, 0.5),
    half_life=st.none() | st.timedeltas(timedelta(days=1), timedelta(days=36_500)),
)
rates = st.tuples(st.floats(0.0, 1e9), st.floats(0.0, 1.0))


@settings(max_examples=60)
@given(
    policy=extreme,
    context=contexts,
    ways=st.lists(options, min_size=1, max_size=8, unique_by=lambda each: each.option_id),
    mine=st.dictionaries(arms, tallies(), max_size=4),
    everybody=st.dictionaries(arms, tallies(), max_size=6),
    anyway=rates,
    leaving=rates,
)
def test_nothing_but_probabilities_leaves(
    *,
    policy: SelectorSettings,
    context: Context,
    ways: list[DeliveryOption],
    mine: dict[tuple[str, str, int], Tally],
    everybody: dict[tuple[str, str, int], Tally],
    anyway: tuple[float, float],
    leaving: tuple[float, float],
) -> None:
    """Whatever is set, known and offered: sums of 1 to 1e-9, finite numbers, and the log gives them again."""
    population = replace(
        Population.empty(policy.attribution_window),
        at=NOW,
        tallies={(None, Arm(*arm)): tally for arm, tally in everybody.items()},
        organic=Organic({None: Bought(anyway[0], anyway[0] * anyway[1])}),
        fatigue=Fatigue({("email", 2): Departures(leaving[0], leaving[0] * leaving[1])}),
    )
    effects = known({Arm(*arm): tally for arm, tally in mine.items()})
    asked = Request(decision_id="d", context=context, options=ways, effects=effects)
    for explore in (True, False):
        (decision,) = Chooser(population, policy, 1).decide([asked], now=NOW, explore=explore)
        law = [*decision.probabilities, decision.no_send_probability]
        assert sum(law) == pytest.approx(1.0, abs=1e-9)
        assert min(law) >= 0.0
        assert finite(decision.to_json())
        assert json.loads(json.dumps(decision.to_json(), allow_nan=False))
        assert recompute(decision, population, policy) == decision.probabilities


def test_a_flood_of_outcomes_is_one_effect_a_decision_and_kind() -> None:
    """A hundred thousand clicks and purchases of one message teach what the first of each teaches."""
    flood = [("a", outcome(kind, 1 + n / 1e5)) for n in range(50_000) for kind in ("clicked", "converted")]
    first = [("a", outcome("clicked", 1)), ("a", outcome("converted", 1))]
    found, plain = (
        fit_population([send("a"), send("b")], told, settings=SelectorSettings(), now=LATER) for told in (flood, first)
    )
    assert found == plain
    effects = customer_effects([send("a")], flood, population=found, settings=SelectorSettings(), now=LATER)
    assert sum(tally.engaged for tally in effects.arms.values()) == 1


def test_a_customer_of_thousands_of_messages_is_decided_on() -> None:
    """Two thousand to one person, clicked or not: a law, and a population that is not theirs alone."""
    random = np.random.default_rng(1)
    sends = [send(f"{n}", subject="busy", hours=-n, hour=int(random.integers(24))) for n in range(2_000)]
    sends += [send(f"other{n}", subject=f"u{n}", hours=-n) for n in range(200)]
    told = [(f"{n}", outcome("clicked", 1 - n)) for n in range(0, 2_000, 2)]
    population = fit_population(sends, told, settings=SelectorSettings(), now=NOW)
    effects = customer_effects(sends[:2_000], told, population=population, settings=SelectorSettings(), now=NOW)
    asked = Request(decision_id="d", context=Context(subject="busy"), options=[option()], effects=effects)
    (decision,) = Chooser(population, SelectorSettings(), 1).decide([asked], now=NOW)
    assert finite(decision.to_json())
    assert sum(decision.probabilities) == pytest.approx(1.0)


def test_outcomes_from_outside_time_change_nothing() -> None:
    """Of the year 1 and 9999, before the message, and of decisions never made."""
    told = [
        ("a", Outcome(kind=OutcomeKind.CLICKED, at=datetime(1, 1, 1, tzinfo=UTC))),
        ("a", Outcome(kind=OutcomeKind.CONVERTED, at=datetime(9999, 12, 31, tzinfo=UTC))),
        ("a", outcome("converted", -1)),
        ("never", outcome("converted", 1)),
    ]
    found = fit_population([send("a")], told, settings=SelectorSettings(), now=LATER)
    (tally,) = found.tallies.values()
    assert (tally.engaged, tally.converted, tally.bought) == (0, 0, 0)


def test_a_decision_of_another_version_is_taken_in_and_not_recomputed() -> None:
    """Its outcome is learned from; asked to recompute it, the selector says what is missing."""
    elsewhere = Selector(SelectorSettings(floor=0.2), seed=9)
    decision = elsewhere.choose(Context(subject="u"), [option()], now=NOW)
    older = replace(decision, model_version="tastes-0:abc", policy_version="learned-0:def")
    here = Selector(seed=1)
    here.record(older, outcome("clicked", 3))
    assert sum(tally.engaged for tally in here.learn(now=LATER).tallies.values()) == 1
    with pytest.raises(ValueError, match="another population, model or settings"):
        recompute(older, here.population, here.settings)
    assert Decision.from_json(older.to_json()) == older


def test_unknown_channels_devices_and_endpoints_are_options_like_others() -> None:
    """A pigeon that nobody has heard of, beside nothing at all."""
    decision = Selector(seed=1).choose(
        Context(subject="u"), [option(channel="pigeon", kind="roof", endpoint="loft")], now=NOW
    )
    assert decision.probabilities == (1.0,)
    assert Selector(seed=1).choose(Context(subject="u"), [], now=NOW).option_id is None
