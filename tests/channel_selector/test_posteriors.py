"""Posteriors shrink to the level above, never leave (0, 1), and follow the data as it grows."""

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channel_selector.arms import Arm
from channel_selector.delays import Delays
from channel_selector.population import Population
from channel_selector.posteriors import CONVERTED_RATE, ENGAGED_RATE, MOST_ROWS, PopulationPosterior, refine
from channel_selector.tallies import Tally
from tests.channel_selector.strategies import NOW, arms, tallies

WEEK = timedelta(days=7)
EVENING, MORNING = Arm("app_push", "phone", 6), Arm("app_push", "phone", 2)


def population(cells: dict[tuple[str | None, Arm], Tally]) -> Population:
    """Make a population of these tallies."""
    delays = Delays(WEEK, {})
    return Population(position=1, at=NOW, tallies=cells, engaged_delays=delays, converted_delays=delays)


def engaged_mean(cells: dict[tuple[str | None, Arm], Tally], segment: str | None, arm: Arm) -> float:
    """Give the population's mean of the first stage."""
    posterior = PopulationPosterior(population(cells))
    row = posterior.row(segment, *arm)
    return float(posterior.priors(np.array([row])).engaged[0])


def test_the_formula_of_the_pooled_posterior() -> None:
    """α = c + S, β = c (1 − m) / m + E − S, by hand: m 0.1, c 2, 3 of 12 gives 5 / (5 + 18 + 9)."""
    mean, own, inherited = refine(np.array(0.1), np.array(0.5), 2.0, np.array(3.0), np.array(12.0))
    assert mean == pytest.approx(5 / 32)
    assert own == pytest.approx(np.log1p(27 / (5 * 33)))
    assert inherited == pytest.approx(0.5 * (20 / 32) ** 2)


@given(st.floats(0.0, 1.0), st.floats(0.0, 3.0), st.floats(1.0, 10.0), st.integers(0, 10**6), st.floats(0.0, 1e6))
def test_posteriors_are_finite_and_inside(mean: float, variance: float, worth: float, wins: int, seen: float) -> None:
    """Whatever the counts, even more successes than exposure, the mean lies in (0, 1) and variances are finite, ≥ 0."""
    made = refine(np.array(mean), np.array(variance), worth, np.array(float(wins)), np.array(seen))
    assert 0.0 < made.mean < 1.0
    assert np.isfinite(made.own)
    assert made.own >= 0.0
    assert 0.0 <= made.inherited <= variance


@given(st.floats(0.01, 0.5), st.integers(0, 50), st.integers(1, 200))
def test_a_posterior_lies_between_prior_and_data(prior: float, wins: int, losses: int) -> None:
    """Shrinkage: the mean lies between the level above and the level's own rate."""
    rate = wins / (wins + losses)
    mean = refine(np.array(prior), np.array(0.0), 2.0, np.array(float(wins)), np.array(float(wins + losses))).mean
    assert min(prior, rate) - 1e-12 <= mean <= max(prior, rate) + 1e-12


def test_nothing_known_gives_the_published_rates() -> None:
    """An empty population has the documented starting rates for any arm, with room for doubt."""
    posterior = PopulationPosterior(Population.empty(WEEK))
    priors = posterior.priors(np.array([posterior.row("vip", "pager", "", 3)]))
    assert priors.engaged[0] == pytest.approx(ENGAGED_RATE)
    assert priors.converted[0] == pytest.approx(CONVERTED_RATE)
    assert priors.engaged_variance[0] > 0.5


def test_levels_borrow_from_the_level_above() -> None:
    """A segment follows its own data, a new segment the arm, a new hour the channel, a new channel the start."""
    cells: dict[tuple[str | None, Arm], Tally] = {
        ("vip", EVENING): Tally(1000, 300, 60, 1000.0, 300.0),
        (None, EVENING): Tally(9000, 900, 180, 9000.0, 900.0),
    }
    assert engaged_mean(cells, "vip", EVENING) == pytest.approx(0.3, abs=0.02)
    assert engaged_mean(cells, "new", EVENING) == pytest.approx(0.12, abs=0.005)
    assert engaged_mean(cells, None, MORNING) == pytest.approx(0.12, abs=0.005)
    assert engaged_mean(cells, None, Arm("email", "", 6)) == pytest.approx(ENGAGED_RATE)


def test_without_click_tracking_the_second_stage_tends_to_one() -> None:
    """Where every engagement is a conversion, P(converts | engaged) is nearly 1."""
    posterior = PopulationPosterior(population({(None, EVENING): Tally(10_000, 200, 200, 10_000.0, 200.0)}))
    priors = posterior.priors(np.array([posterior.row(None, *EVENING)]))
    assert priors.converted[0] > 0.97
    assert priors.engaged[0] * priors.converted[0] == pytest.approx(0.02, rel=0.05)


@given(st.dictionaries(st.tuples(st.sampled_from([None, "vip"]), arms.map(lambda arm: Arm(*arm))), tallies()))
def test_populations_survive_json(cells: dict[tuple[str | None, Arm], Tally]) -> None:
    """What is written is read back equal, with the same version; the order of the cells is no matter."""
    made = population(cells)
    assert Population.from_json(made.to_json()) == made
    assert Population.from_json(made.to_json()).version == made.version
    assert population(dict(reversed(cells.items()))).version == made.version


def test_the_memory_of_cells_is_bounded() -> None:
    """A flood of segments is forgotten at the next batch, and what is asked again is the same."""
    posterior = PopulationPosterior(population({(None, EVENING): Tally(100, 10, 2, 100.0, 10.0)}))
    before = posterior.priors(np.array([posterior.row(None, *EVENING)]))
    posterior._table.extend([(0.0, 0.0, 0.0, 0.0)] * MOST_ROWS)
    posterior.begin()
    row = posterior.row(None, *EVENING)
    assert row == 0
    assert posterior.priors(np.array([row])) == before
