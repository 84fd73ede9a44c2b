"""q is the probability to be best: against many draws, by symmetry, and summing to 1 whatever the values."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from channel_selector import Context, SelectorSettings
from channel_selector.batches import Batch, Request, build
from channel_selector.compiled import deciding, points
from channel_selector.compiled.customers import learn
from channel_selector.compiled.drawing import draw
from channel_selector.holdout import stable_uniform
from channel_selector.model.learning import customer_effects, fit_population
from channel_selector.model.population import Population
from channel_selector.model.posteriors import PopulationPosterior
from channel_selector.model.tastes import SHARED, Floats, Tastes, covariance
from channel_selector.weighing import CONVERTING, EXPLORED, SHARE, SLOPE, TRIED, Estimates, estimate
from tests.channel_selector.strategies import NOW, option, outcome, send

DRAWS = 100_000
SETTINGS = SelectorSettings()
POINTS = [-3.297193, 0.301943, -0.716581, 0.301602, -0.302285, -1.062903, -0.717424, 0.410848, -1.390033]
"""The first three coordinates of the first three points, worked out by hand."""


@dataclass(frozen=True)
class Values:
    """What the cells of one decision are worth: location and spread of log p, gain of a conversion, cost of a send."""

    location: Floats
    spread: Floats
    gain: float
    cost: Floats


@dataclass(frozen=True)
class Shares:
    """q: of each cell, and of sending nothing."""

    cells: Floats
    nothing: float


def values(
    location: list[float], spread: list[float], *, gain: float = 1000.0, cost: list[float] | None = None
) -> Values:
    """Make the cells of one decision."""
    costs = np.zeros(len(location)) if cost is None else np.array(cost)
    return Values(np.array(location), np.array(spread), gain, costs)


def best_shares(of: Values, covariance: Floats, *, do_not_send: bool) -> Shares:
    """Give q as decisions do: those that compete, in order of their upper bounds."""
    members = np.empty(points.MOST, np.int64)
    count = points.contenders(of.location, of.spread, of.gain, of.cost, do_not_send, members)
    mine = members[:count]
    lower = np.ascontiguousarray(covariance[np.ix_(mine, mine)])
    points.factor(lower)
    won, cells = np.empty(count), np.zeros(len(of.location))
    nothing = points.best(of.location[mine], lower, of.gain, of.cost[mine], do_not_send, points.points(), won)
    cells[mine] = won
    return Shares(cells, float(nothing))


def apart(of: Values) -> Floats:
    """Give the covariances of cells that share nothing."""
    return np.diag(of.spread**2)


def drawn(of: Values, covariance: Floats, *, do_not_send: bool, seed: int) -> tuple[list[float], float]:
    """Give the same shares by drawing 100,000 times."""
    normal = np.random.default_rng(seed).multivariate_normal(of.location, covariance, DRAWS)
    worth = np.exp(normal) * of.gain - of.cost
    sent = worth.max(axis=1) >= 0.0 if do_not_send else np.ones(DRAWS, dtype=bool)
    counts = np.bincount(worth.argmax(axis=1)[sent], minlength=len(of.location))
    return (counts / DRAWS).tolist(), float(1.0 - sent.mean())


@pytest.mark.parametrize("seed", range(12))
def test_shares_agree_with_many_draws(seed: int) -> None:
    """Within 0.01 of 100,000 draws: up to 30 cells, sure and unsure ones, with and without costs and not sending."""
    random = np.random.default_rng(seed)
    size = int(random.integers(2, 31))
    spread = np.exp(random.uniform(np.log(0.05), np.log(1.4), size))
    location = random.normal(-4.0, 0.5 if seed % 2 else 0.1, size) - spread**2 / 2
    cost = random.choice([0.0, 5.0, 20.0], size) if seed % 3 else np.zeros(size)
    gain = float(random.choice([200.0, 1000.0, 20_000.0]))
    made = values(location.tolist(), spread.tolist(), gain=gain, cost=cost.tolist())
    common = random.integers(0, 3, size)
    share = random.uniform(0.0, 0.9)
    covariance = np.outer(spread, spread) * (share * (common[:, None] == common) + (1.0 - share) * np.eye(size))
    do_not_send = seed % 4 > 1
    shares = best_shares(made, covariance, do_not_send=do_not_send)
    reference, nothing = drawn(made, covariance, do_not_send=do_not_send, seed=seed)
    assert shares.cells.tolist() == pytest.approx(reference, abs=0.01)
    assert shares.nothing == pytest.approx(nothing, abs=0.01)


def learned(customers: int) -> Population:
    """Make a population of so many customers who got four messages each."""
    random, sends, told = np.random.default_rng(3), [], []
    for number in range(customers):
        for turn in range(4):
            channel = ("app_push", "email", "messenger")[int(random.integers(3))]
            name, hour = f"{number}-{turn}", 3 * int(random.integers(8))
            each = send(name, subject=f"u{number}", hours=-500.0 + turn, channel=channel, hour=hour)
            sends.append(each)
            if random.random() < 0.1:
                told.append((each.decision_id, outcome("clicked", 1, since=each.send_at)))
    return fit_population(sends, told, settings=SETTINGS, now=NOW)


@dataclass(frozen=True)
class Hard:
    """A decision of the model: what its cells are worth, how they go together, and the shares that it found."""

    cells: Values
    covariance: Floats
    shares: Floats


def together(batch: Batch, estimates: Estimates, posterior: PopulationPosterior) -> Floats:
    """Work out apart from the compiled code how the explored logarithms of one decision's cells go together."""
    typical, tastes = posterior.typical, Tastes(*posterior.variances[: SHARED + 1])
    (rows, endpoints), (reacted, exposure, _) = batch.cells, batch.seen
    keys = deciding.keys_of(rows, endpoints, typical.names)
    history = deciding.keys_of(batch.spots[0], batch.spots[1], typical.names)
    hours = posterior.reactions.hours(SETTINGS.activity_weight) * posterior.stretch
    offset = typical.rates[batch.spots[0], 0] + deciding.leans(batch.asked[0], hours)[history[:, 3]]
    for _, left in batch.left:
        offset = offset + posterior.without(left, batch.spots[0])
    _, root, lower = learn(history, offset, reacted, exposure, posterior.variances[: SHARED + 1])
    known = np.linalg.solve(np.tril(lower), root[:, None] * covariance(history, keys, tastes))
    taste, belief = covariance(keys, keys, tastes) - known.T @ known, typical.roots[rows] @ typical.roots[rows].T
    for fresh, variance in zip(typical.names[rows, 4:].T, posterior.variances[SHARED + 1 :], strict=True):
        belief += variance * ((fresh[:, None] == fresh) & (fresh >= 0))
    slope, doubt = estimates.found[SLOPE], np.sqrt(estimates.found[CONVERTING])
    explored = SETTINGS.customer_exploration**2 * taste + SETTINGS.population_exploration**2 * belief
    medium = (keys[:, None, [0, 2]] == keys[:, [0, 2]]).all(axis=2)
    result: Floats = np.outer(slope, slope) * explored + np.outer(doubt, doubt) * medium + 1e-6 * np.eye(len(rows))
    return result


def hard_decisions(population: Population, count: int, seed: int) -> list[Hard]:
    """Make decisions of the model itself, of 2 to 30 cells, half of them all 30, for customers with some history."""
    random, made = np.random.default_rng(seed), []
    posterior = PopulationPosterior(population)
    media = (("app_push", "phone"), ("web_push", "desktop"), ("email", ""), ("messenger", ""))
    for number in range(count):
        size = 30 if number % 2 else int(random.integers(2, 31))
        ways = [
            option(str(place), channel=channel, kind=kind, hour=3 * part, after=3.0 * part, endpoint=channel)
            for place, (channel, kind, part) in enumerate((*medium, part) for medium in media for part in range(8))
        ]
        own = [send(f"own-{turn}", hours=-400.0 - turn, hour=3 * int(random.integers(8))) for turn in range(number % 5)]
        told = [(each.decision_id, outcome("clicked", 1, since=each.send_at)) for each in own[::2]]
        effects = customer_effects(own, told, population=population, settings=SETTINGS, now=NOW)
        activity = None if number % 3 else random.poisson(3.0, 24).tolist()
        request = Request(
            decision_id="d",
            context=Context(subject="u", activity=activity, abandoned_at=NOW - timedelta(hours=1)),
            options=[ways[place] for place in random.permutation(32)[:size].tolist()],
            effects=effects,
        )
        batch = build([request], posterior, SETTINGS)
        estimates = estimate(batch, posterior, SETTINGS, shares=True)()
        cells = Values(estimates.found[EXPLORED], estimates.found[TRIED], 1.0, np.zeros(size))
        made.append(Hard(cells, together(batch, estimates, posterior), estimates.found[SHARE]))
    return made


def assert_near_many_draws(decisions: list[Hard]) -> None:
    """Within 0.01 of the draws, whose own noise is allowed for; on average within half of that."""
    errors = []
    for number, hard in enumerate(decisions):
        reference, _ = drawn(hard.cells, hard.covariance, do_not_send=False, seed=number)
        errors.append(float(np.abs(hard.shares - np.array(reference)).max()))
        assert np.diag(hard.covariance) == pytest.approx(hard.cells.spread**2, rel=1e-9)
    assert max(errors) < 0.01
    assert sum(errors) / len(errors) < 0.005


@pytest.mark.parametrize("customers", [0, 30, 3_000])
def test_hard_decisions_are_right(customers: int) -> None:
    """Decisions of the model, whoever taught it and however little, within 0.01 of 100,000 draws."""
    population = learned(customers) if customers else Population.empty(SETTINGS.attribution_window)
    assert_near_many_draws(hard_decisions(population, 8, customers))


@pytest.mark.long
@pytest.mark.parametrize("customers", [0, 30, 300, 3_000])
def test_many_hard_decisions_are_right(customers: int) -> None:
    """The same of 400 in all."""
    population = learned(customers) if customers else Population.empty(SETTINGS.attribution_window)
    assert_near_many_draws(hard_decisions(population, 100, 10_000 + customers))


def test_equal_cells_have_equal_shares() -> None:
    """Symmetry, within 0.01: five cells alike have a fifth each."""
    made = values([-3.0] * 5, [0.4] * 5)
    assert best_shares(made, apart(made), do_not_send=False).cells.tolist() == pytest.approx([0.2] * 5, abs=0.01)


def test_two_cells_have_the_closed_form() -> None:
    """P(first is best) = Φ((μ1 − μ2) / √(s1² + s2²)) = Φ(1) = 0.8413."""
    made = values([-3.0, -3.5], [0.3, 0.4])
    assert best_shares(made, apart(made), do_not_send=False).cells[0] == pytest.approx(0.841345, abs=2e-3)


def test_what_is_shared_does_not_tell_cells_apart() -> None:
    """Two cells whose doubt is the same doubt: the better one is surely better."""
    made = values([-3.0, -3.2], [1.0, 1.0])
    same = np.full((2, 2), 1.0) + 1e-6 * np.eye(2)
    assert best_shares(made, same, do_not_send=False).cells.tolist() == [1.0, 0.0]


def test_not_sending_wins_where_costs_exceed_any_gain() -> None:
    """A message that costs ten times what it brings is left unsent; where that is not allowed, the cheapest goes."""
    dear = values([-4.0, -4.0], [0.2, 0.2], gain=10.0, cost=[5.0, 50.0])
    assert best_shares(dear, apart(dear), do_not_send=True).nothing == pytest.approx(1.0)
    assert best_shares(dear, apart(dear), do_not_send=False).cells.tolist() == pytest.approx([1.0, 0.0])


numbers = st.lists(
    st.tuples(st.floats(-16.0, -0.1), st.floats(0.05, 4.0), st.sampled_from([0.0, 0.1, 5.0, 1e15])),
    min_size=1,
    max_size=40,
)
gains = st.one_of(st.just(0.0), st.floats(1e-9, 1e6), st.just(1e30))


@given(cells=numbers, gain=gains, do_not_send=st.booleans())
@example(cells=[(-1.0, 1.0, 5.0), (-3.0, 1.0, 0.1), (-7.0, 1.0, 0.0)], gain=33.0, do_not_send=False)
def test_shares_sum_to_one(cells: list[tuple[float, float, float]], gain: float, *, do_not_send: bool) -> None:
    """Whatever the values, shares are in [0, 1] and sum to 1, and nobody wins who cannot."""
    location, spread, cost = (list(column) for column in zip(*cells, strict=True))
    made = values(location, spread, gain=gain, cost=cost)
    shares = best_shares(made, apart(made), do_not_send=do_not_send)
    assert shares.cells.min() >= 0.0
    assert shares.nothing >= 0.0
    assert shares.cells.sum() + shares.nothing == pytest.approx(1.0, abs=1e-9)
    assert do_not_send or shares.nothing == 0.0


def test_the_points_are_fixed() -> None:
    """They are part of the model's version: other points need another (`choosing.MODEL`)."""
    base = points.points().reshape(8, points.WIDTH, 128)
    assert base[0, :3, :3].ravel().tolist() == pytest.approx(POINTS, abs=1e-5)
    assert float(np.abs(base).max()) < points.FARTHEST


def test_draws_follow_the_probabilities() -> None:
    """Over 20,000 decision ids the draw has the law it is given, within 4 standard errors."""
    law, nothing, size = np.array([0.5, 0.0, 0.3]), 0.2, 20_000
    seen = [draw(law, nothing, stable_uniform("draw", 7, f"d{number}")) for number in range(size)]
    for index, probability in ((0, 0.5), (1, 0.0), (2, 0.3), (-1, 0.2)):
        error = np.sqrt(probability * (1 - probability) / size)
        assert seen.count(index) / size == pytest.approx(probability, abs=4 * error)


@given(st.floats(0.0, 1.0, exclude_max=True), st.integers(0, 3))
def test_a_certain_option_is_always_drawn(place: float, sure: int) -> None:
    """Probability 1 is drawn and 0 never is, whatever comes up."""
    assert draw(np.array([1.0 if index == sure else 0.0 for index in range(4)]), 0.0, place) == sure
