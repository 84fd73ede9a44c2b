"""Levels borrow from the level above, the published rates stand where nothing is known, nobody is their own prior."""

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channel_selector.arms import Arm
from channel_selector.delays import Delays
from channel_selector.pools import Pools
from channel_selector.population import Population
from channel_selector.posteriors import (
    CONVERTED_RATE,
    ENGAGED_RATE,
    MOST_ROWS,
    PopulationPosterior,
    Priors,
)
from channel_selector.shrinkage import Floats
from channel_selector.tallies import NO_TALLY, Tally, total
from tests.channel_selector.strategies import NOW, arms, tallies

WEEK = timedelta(days=7)
PARTS = st.integers(5, 7)
EVENING, MORNING = Arm("app_push", "phone", 6), Arm("app_push", "phone", 2)


def population(cells: dict[tuple[str | None, Arm], Tally]) -> Population:
    """Make a population of these tallies."""
    delays = Delays(WEEK, {})
    return Population(position=1, at=NOW, tallies=cells, engaged_delays=delays, converted_delays=delays)


def priors_of(posterior: PopulationPosterior, row: int, taught: Floats | None = None) -> Priors:
    """Give the priors of one row, for a customer with this part in it."""
    apart = np.array([] if taught is None else [0], dtype=np.int64)
    return posterior.priors(np.array([row]), apart, np.empty((0, 12)) if taught is None else taught)


def engaged_mean(cells: dict[tuple[str | None, Arm], Tally], segment: str | None, arm: Arm) -> float:
    """Give the population's mean of the first stage."""
    posterior = PopulationPosterior(population(cells))
    row = posterior.row(segment, *arm)
    return float(priors_of(posterior, row).engaged[0])


def test_nothing_known_gives_the_published_rates() -> None:
    """An empty population has the documented starting rates for any arm, with room for doubt."""
    posterior = PopulationPosterior(Population.empty(WEEK))
    priors = priors_of(posterior, posterior.row("vip", "pager", "", 3))
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
    priors = priors_of(posterior, posterior.row(None, *EVENING))
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
    before = priors_of(posterior, posterior.row(None, *EVENING))
    for number in range(MOST_ROWS):
        posterior.row(str(number), *MORNING)
    posterior.begin()
    row = posterior.row(None, *EVENING)
    assert row == 0
    assert priors_of(posterior, row) == before


cell_tallies = st.dictionaries(
    st.tuples(st.sampled_from([None, "vip"]), st.builds(Arm, st.just("email"), st.sampled_from(["", "phone"]), PARTS)),
    tallies(),
)


@given(cell_tallies, cell_tallies, st.sampled_from([None, "vip"]))
def test_a_customer_is_no_part_of_their_own_prior(
    others: dict[tuple[str | None, Arm], Tally], own: dict[tuple[str | None, Arm], Tally], segment: str | None
) -> None:
    """What the population says to a customer is what it would say had it never met them."""
    both = {
        cell: total([others.get(cell, NO_TALLY), own.get(cell, NO_TALLY)]) for cell in sorted({*others, *own}, key=str)
    }
    arm = Arm("email", "phone", 6)
    without, whole = PopulationPosterior(population(others)), PopulationPosterior(population(both))
    taught = np.array([Pools(own).counts(segment, arm)])
    expected = priors_of(without, without.row(segment, *arm))
    got = priors_of(whole, whole.row(segment, *arm), taught)
    for mine, theirs in zip(got, expected, strict=True):
        assert mine == pytest.approx(theirs, rel=1e-9)


def test_taught_more_than_there_is_leaves_nothing() -> None:
    """A part larger than the whole, told since the population was learned, never makes a count negative."""
    posterior = PopulationPosterior(population({(None, EVENING): Tally(10, 2, 1, 10.0, 2.0)}))
    priors = priors_of(posterior, posterior.row(None, *EVENING), np.full((1, 12), 1e6))
    assert priors.engaged[0] == pytest.approx(ENGAGED_RATE)
    assert priors.converted[0] == pytest.approx(CONVERTED_RATE)
