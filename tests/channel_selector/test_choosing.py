"""Decisions carry their law: probabilities sum to 1, are the same alone or among others, and can be computed again."""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channel_selector import Context, Decision, DeliveryOption, SelectorSettings, choosing
from channel_selector.batches import Request
from channel_selector.choosing import Chooser, recompute
from channel_selector.decisions import send_of_json
from channel_selector.eligibility.arms import Arm
from channel_selector.holdout import Assignment
from channel_selector.model import posteriors
from channel_selector.model.delays import Delays
from channel_selector.model.learning import customer_effects, fit_population
from channel_selector.model.population import Population
from channel_selector.model.tallies import NO_EFFECTS, CustomerEffects, Tally
from channel_selector.reasons import ReasonCode
from channel_selector.spreading import R, T
from tests.channel_selector.strategies import NOW, arms, contexts, known, option, options, outcome, send, tallies

WEEK = timedelta(days=7)
EVENING, MORNING = Arm("app_push", "phone", 6), Arm("email", "", 2)
TAUGHT = Population(
    position=9,
    at=NOW,
    tallies={(None, EVENING): Tally(5000, 600, 120, 5000.0, 600.0), ("vip", MORNING): Tally(800, 60, 9, 790.5, 55.0)},
    engaged_delays=Delays(WEEK, {}),
    converted_delays=Delays(WEEK, {}),
)
EMPTY = Population.empty(WEEK)
cells = st.tuples(st.sampled_from([None, "vip"]), arms.map(lambda arm: Arm(*arm)))
effects = st.builds(
    known,
    st.dictionaries(arms.map(lambda arm: Arm(*arm)), tallies(), max_size=4),
    st.dictionaries(cells, tallies(), max_size=4),
)
requests = st.lists(
    st.builds(
        Request,
        decision_id=st.text(max_size=6),
        context=contexts,
        options=st.lists(options, max_size=8),
        effects=effects,
    ),
    max_size=5,
)
all_settings = st.builds(
    SelectorSettings,
    floor=st.sampled_from([0.0, 0.05, 1.0]),
    holdout=st.sampled_from([0.0, 0.3]),
    bau=st.sampled_from([0.0, 0.3]),
    do_not_send=st.booleans(),
    margin=st.sampled_from([0.0, 1.0, 1e15]),
)


def one(name: str, given_options: list[DeliveryOption], *, own: CustomerEffects = NO_EFFECTS) -> Request:
    """Make a request of a customer `name`."""
    return Request(decision_id=f"d-{name}", context=Context(subject=name), options=given_options, effects=own)


@given(
    given_requests=requests,
    settings=all_settings,
    population=st.sampled_from([EMPTY, TAUGHT]),
    explore=st.booleans(),
    seed=st.integers(),
)
def test_every_decision_keeps_the_laws(
    given_requests: list[Request], settings: SelectorSettings, population: Population, *, explore: bool, seed: int
) -> None:
    """In order, summing to 1, finite, drawn with its own probability, alike alone, read back from JSON, recomputed."""
    decisions = Chooser(population, settings, seed).decide(given_requests, now=NOW, explore=explore)
    assert [decision.decision_id for decision in decisions] == [each.decision_id for each in given_requests]
    for request, decision in zip(given_requests, decisions, strict=True):
        _assert_law(request, decision, settings, explore=explore)
        assert Chooser(population, settings, seed).decide([request], now=NOW, explore=explore) == [decision]
        assert Decision.from_json(json.loads(json.dumps(decision.to_json(), allow_nan=False))) == decision
        assert recompute(decision, population, settings) == decision.probabilities
        assert send_of_json(decision.to_json()) == decision.send
        assert decision.reason


def _assert_law(request: Request, decision: Decision, settings: SelectorSettings, *, explore: bool) -> None:
    assert len(decision.probabilities) == len(request.options)
    assert min(decision.probabilities, default=0.0) >= 0.0
    assert decision.no_send_probability >= 0.0
    assert sum(decision.probabilities) + decision.no_send_probability == pytest.approx(1.0, abs=1e-9)
    chosen = decision.no_send_probability if decision.chosen is None else decision.probabilities[decision.chosen]
    assert chosen > 0.0
    assert decision.propensity == (chosen if explore else None)
    assert (decision.option_id is None) == (decision.chosen is None)
    if decision.interval is not None and decision.conversion_probability is not None:
        assert 0.0 <= decision.interval[0] <= decision.interval[1] <= 1.0
        assert 0.0 < decision.conversion_probability < 1.0
    if decision.assignment is Assignment.LEARNED and explore and request.options:
        even = settings.floor / (len(request.options) + settings.do_not_send)
        assert min(decision.probabilities) >= even - 1e-12


def test_no_options_is_a_decision_too() -> None:
    """Nothing to choose from: nothing sent, with certainty."""
    decision = Chooser(EMPTY, SelectorSettings(), 1).decide([one("u", [])], now=NOW)[0]
    assert (decision.option_id, decision.propensity, decision.probabilities) == (None, 1.0, ())
    assert (decision.no_send_probability, decision.reason_code) == (1.0, ReasonCode.NO_OPTIONS)
    assert decision.send is None


def test_seed_and_id_drive_the_draw_and_nothing_else() -> None:
    """Other seeds and ids draw otherwise from the same probabilities; equal ones draw the same."""
    ways = [option(str(hour), hour=hour, after=hour) for hour in range(0, 24, 3)]
    base = Request(decision_id="d", context=Context(subject="u"), options=ways)
    drawn = [Chooser(EMPTY, SelectorSettings(), seed).decide([base], now=NOW)[0] for seed in range(40)]
    assert len({decision.probabilities for decision in drawn}) == 1
    assert len({decision.option_id for decision in drawn}) > 3
    assert drawn[3] == Chooser(EMPTY, SelectorSettings(), 3).decide([base], now=NOW)[0]


def test_draws_follow_the_logged_propensities() -> None:
    """Over 4,000 decisions each option is chosen as often as its probability says, within 4 standard errors."""
    ways = [option("a", hour=20), option("b", hour=8, after=2), option("c", channel="email", kind="", after=3)]
    many = [Request(decision_id=f"d{n}", context=Context(subject=f"u{n}"), options=ways) for n in range(4000)]
    decisions = Chooser(TAUGHT, SelectorSettings(floor=0.3), 11).decide(many, now=NOW)
    counts = Counter(decision.option_id for decision in decisions)
    for name, probability in zip("abc", decisions[0].probabilities, strict=True):
        assert counts[name] / 4000 == pytest.approx(probability, abs=4 * sqrt(probability * (1 - probability) / 4000))


def from_the_last(do: Callable[[T], R], each: Iterable[T], /) -> list[R]:
    """Do one thing to each of many, the last first."""
    return [do(one) for one in reversed(list(each))][::-1]


@pytest.mark.parametrize("settings", [SelectorSettings(), SelectorSettings(do_not_send=True, new_channel_share=0.2)])
def test_splitting_changes_nothing(settings: SelectorSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Portions of any size, in threads or out of order: the same decisions to the byte, rows first met on the way."""
    ways = [option(str(hour), hour=hour, after=hour) for hour in range(0, 24, 3)]
    own = known({MORNING: Tally(14, 10, 9, 14.0, 10.0, 9)})
    many = [
        Request(
            decision_id=f"d{n}",
            context=Context(subject=f"u{n}", segment=f"s{n // 20}"),
            options=[*ways, option("other", channel=f"channel-{n // 7}", after=n % 3)][n % 4 :],
            effects=NO_EFFECTS if n % 3 else own,
        )
        for n in range(200)
    ]
    alone = [Chooser(TAUGHT, settings, 11).decide([each], now=NOW)[0] for each in many]
    told = [json.dumps(decision.to_json()) for decision in alone]
    with ThreadPoolExecutor(3) as pool:
        for portion in (1, 7, 64, 1_000):
            monkeypatch.setattr(choosing, "PORTION", portion)
            for spread in (map, from_the_last, pool.map, None):
                decisions = Chooser(TAUGHT, settings, 11).decide(many, now=NOW, spread=spread)
                assert [json.dumps(decision.to_json()) for decision in decisions] == told


@pytest.mark.parametrize(("many", "spread"), [(1, False), (4, False), (5, True)])
def test_more_than_a_portion_is_spread_over_threads(many: int, spread: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """By itself, and not what one portion holds, for which a thread would only cost."""
    asked: list[int] = []

    def counted(do: Callable[[T], R], each: Iterable[T], /) -> list[R]:
        portions = list(each)
        asked.append(len(portions))
        return list(map(do, portions))

    monkeypatch.setattr(choosing, "PORTION", 4)
    monkeypatch.setattr(choosing, "in_threads", counted)
    contexts = [Context(subject=f"u{n}") for n in range(many)]
    asking = [Request(decision_id=each.subject, context=each, options=[option("a")]) for each in contexts]
    Chooser(TAUGHT, SelectorSettings(), 11).decide(asking, now=NOW)
    assert asked == ([2] if spread else [])


def test_rows_forgotten_on_the_way_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Portions laid out before others are drawn, with rows given out anew between: the same evidence is told."""
    ways = [option("push", hour=18), option("mail", channel="email", kind="", hour=6, after=3)]
    many = [
        Request(
            decision_id=f"d{n}", context=Context(subject=f"u{n}", segment=f"s{n}"), options=ways[:: 1 - 2 * (n % 2)]
        )
        for n in range(40)
    ]
    alone = [Chooser(TAUGHT, SelectorSettings(), 11).decide([each], now=NOW)[0] for each in many]
    monkeypatch.setattr(choosing, "PORTION", 1)
    monkeypatch.setattr(posteriors, "MOST_ROWS", 3)
    assert Chooser(TAUGHT, SelectorSettings(), 11).decide(many, now=NOW, spread=from_the_last) == alone


def test_own_purchases_overrule_the_population() -> None:
    """A customer who buys after morning e-mails gets one although everybody else reacts to evening pushes."""
    own = known({MORNING: Tally(14, 10, 9, 14.0, 10.0, 9), EVENING: Tally(14, 1, 0, 14.0, 1.0)})
    ways = [option("push", hour=20), option("mail", channel="email", kind="", hour=7, after=9)]
    chooser = Chooser(TAUGHT, SelectorSettings(), 1)
    mine, theirs = chooser.decide([one("a", ways, own=own), one("b", ways)], now=NOW, explore=False)
    assert (mine.option_id, mine.reason_code) == ("mail", ReasonCode.BEST_EXPECTED_VALUE)
    assert mine.reason == "Buys most often after e-mails, usually 06:00–09:00 (9 of 9 purchases)."
    assert (theirs.option_id, theirs.reason_code) == ("push", ReasonCode.POPULATION_BEST)
    assert (mine.propensity, mine.send) == (None, None), "the best on demand is never learned from"


def test_a_customer_does_not_count_in_their_own_prior() -> None:
    """Learned with everybody or with everybody else: nearly the same, where counting twice would add two thirds.

    What others taught is taken apart by one step of Newton's, so that it is near and not equal.
    """
    ways = [option("evening", hour=20, after=1), option("morning", hour=7, after=2), option("noon", hour=13, after=3)]
    others = [send(f"o{n}", subject=f"o{n}", hours=-400 - n, hour=(7, 20)[n % 2]) for n in range(40)]
    own = [send(f"u{n}", hours=-300 - n) for n in range(12)]
    told = [(each.decision_id, outcome("clicked", 1, since=each.send_at)) for each in [*own, *others[::9]]]
    told += [(each.decision_id, outcome("converted", 2, since=each.send_at)) for each in own[::2]]
    decided = []
    for heard in ([*others, *own], others):
        population = fit_population(heard, told, settings=SelectorSettings(), now=NOW)
        history = customer_effects(own, told, population=population, settings=SelectorSettings(), now=NOW)
        apart = [history, CustomerEffects(history.spots)] if heard is not others else [CustomerEffects(history.spots)]
        decided += [
            Chooser(population, SelectorSettings(), 1).decide([one("u", ways, own=own_part)], now=NOW)[0]
            for own_part in apart
        ]
    left_out, counted_twice, never_met = (decision.conversion_probabilities for decision in decided)
    assert left_out == pytest.approx(never_met, rel=0.25)
    assert counted_twice[0] > 1.4 * never_met[0]


def test_a_customers_hours_are_a_prior_only() -> None:
    """Without history the active hours win; with reactions at other hours and none at these, the others do."""
    ways = [option("morning", hour=7, after=1), option("evening", hour=20, after=2)]
    activity = [0] * 6 + [40] * 3 + [0] * 15
    active = Context(subject="u", activity=activity)
    own = known({EVENING: Tally(10, 7, 5, 10.0, 7.0), Arm("app_push", "phone", 2): Tally(6, 0, 0, 6.0)})
    chooser = Chooser(EMPTY, SelectorSettings(), 1)
    new = Request(decision_id="1", context=active, options=ways)
    familiar = Request(decision_id="2", context=active, options=ways, effects=own)
    decided = chooser.decide([new, familiar], now=NOW, explore=False)
    assert [decision.option_id for decision in decided] == ["morning", "evening"]


def test_of_equal_options_the_earliest_is_sent_and_the_first_is_best() -> None:
    """The same arm tomorrow waits for the floor; two phones at the same time share alike."""
    ways = [option("later", after=30), option("phone-1", after=2), option("phone-2", after=2)]
    settings = SelectorSettings(floor=0.3)
    drawn = Chooser(EMPTY, settings, 1).decide([one("u", ways)], now=NOW)[0]
    assert drawn.probabilities == pytest.approx((0.1, 0.45, 0.45))
    assert Chooser(EMPTY, settings, 1).decide([one("u", ways)], now=NOW, explore=False)[0].option_id == "phone-1"


def test_costs_and_values_decide() -> None:
    """Of two alike the cheaper is worth more; a cart too small for the cost is left alone where that is allowed."""
    ways = [option("dear", channel="sms", kind="", cost=20.0), option("cheap", channel="pager", kind="", cost=1.0)]
    context = Context(subject="u", cart_value=1000.0, margin=0.2)
    asked = Request(decision_id="d", context=context, options=ways)
    best = Chooser(EMPTY, SelectorSettings(), 1).decide([asked], now=NOW, explore=False)[0]
    assert best.option_id == "cheap"
    assert best.expected_value == pytest.approx((best.conversion_probability or 0.0) * 200.0 - 1.0)
    small = Request(decision_id="d", context=Context(subject="u", cart_value=10.0, margin=0.2), options=ways)
    held = Chooser(EMPTY, SelectorSettings(do_not_send=True), 1).decide([small], now=NOW, explore=False)[0]
    assert (held.option_id, held.reason_code, held.expected_value) == (None, ReasonCode.DO_NOT_SEND, 0.0)


def test_holdout_and_business_as_usual_are_certain() -> None:
    """The holdout is sent nothing; business as usual sends by its first channel at the earliest time."""
    ways = [
        option("push", after=1),
        option("mail2", channel="email", after=9),
        option("mail1", channel="email", after=2),
    ]
    held = Chooser(TAUGHT, SelectorSettings(holdout=1.0), 1).decide([one("u", ways)], now=NOW)[0]
    assert (held.option_id, held.propensity, held.assignment) == (None, 1.0, Assignment.HOLDOUT)
    assert held.probabilities == (0.0, 0.0, 0.0)
    settings = SelectorSettings(bau=1.0, bau_channels=("sms", "email"))
    usual = Chooser(TAUGHT, settings, 1).decide([one("u", ways)], now=NOW)[0]
    assert (usual.option_id, usual.propensity, usual.assignment) == ("mail1", 1.0, Assignment.BAU)
    assert usual.send is not None


def test_what_does_not_fit_is_refused() -> None:
    """Another window's population, another model's decision, a naive time: said at once."""
    decision = Chooser(TAUGHT, SelectorSettings(), 1).decide([one("u", [option()])], now=NOW)[0]
    with pytest.raises(ValueError, match="another population"):
        recompute(decision, EMPTY, SelectorSettings())
    with pytest.raises(ValueError, match="another population"):
        recompute(decision, TAUGHT, SelectorSettings(floor=0.2))
    with pytest.raises(ValueError, match="attribution_window"):
        Chooser(TAUGHT, SelectorSettings(attribution_window=timedelta(days=1)), 1)
    with pytest.raises(ValueError, match="time zone"):
        Chooser(TAUGHT, SelectorSettings(), 1).decide([], now=NOW.replace(tzinfo=None))


def test_a_surer_estimate_has_a_narrower_interval() -> None:
    """Ten times the evidence at the same rate narrows the credible interval, as a multiple of the estimate."""
    widths = []
    for times in (1, 10):
        own = known({EVENING: Tally(20 * times, 10 * times, 5 * times, 20.0 * times, 10.0 * times)})
        decision = Chooser(TAUGHT, SelectorSettings(), 1).decide([one("u", [option()], own=own)], now=NOW)[0]
        (low, high), mean = decision.interval or (0.0, 0.0), decision.conversion_probability or 0.0
        assert low < mean < high
        widths.append((high - low) / mean)
    assert widths[1] < 0.7 * widths[0]
