"""Levels borrow from the level above, the published rates stand where nothing is known, nobody is their own prior."""

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channel_selector.eligibility.arms import Arm
from channel_selector.model.delays import Delays
from channel_selector.model.pools import Pools
from channel_selector.model.population import Population
from channel_selector.model.posteriors import CONVERTED_RATE, MOST_ROWS, Converted, PopulationPosterior
from channel_selector.model.reactions import PRIOR_TASTES, USUAL_LOG_ODDS
from channel_selector.model.shrinkage import Floats
from channel_selector.model.tallies import NO_TALLY, Tally, total
from channel_selector.model.tastes import SHARED
from tests.channel_selector.strategies import NOW, arms, tallies

WEEK = timedelta(days=7)
PARTS = st.integers(5, 7)
EVENING, MORNING = Arm("app_push", "phone", 6), Arm("app_push", "phone", 2)


def population(cells: dict[tuple[str | None, Arm], Tally]) -> Population:
    """Make a population of these tallies."""
    delays = Delays(WEEK, {})
    return Population(position=1, at=NOW, tallies=cells, engaged_delays=delays, converted_delays=delays)


def converted(posterior: PopulationPosterior, row: int, taught: Floats | None = None) -> Converted:
    """Give P(buys | reacted) of one row, for a customer with this part in it."""
    apart = np.array([] if taught is None else [0], dtype=np.int64)
    return posterior.converted(np.array([row]), apart, np.empty((0, 6)) if taught is None else taught)


def test_nothing_known_gives_the_published_rates() -> None:
    """An empty population has the documented starting rates for any arm, with room for doubt."""
    posterior = PopulationPosterior(Population.empty(WEEK))
    row = posterior.row("vip", "pager", "", 3)
    log_odds, variance = posterior.typical.rates[row, :2]
    assert converted(posterior, row).mean[0] == pytest.approx(CONVERTED_RATE)
    assert log_odds == pytest.approx(USUAL_LOG_ODDS * PRIOR_TASTES.stretch)
    assert variance == pytest.approx(posterior.variances[SHARED + 1 :].sum()), "no key was ever learned from"
    assert (posterior.typical.names[row, 4:] >= 0).all()
    assert variance > 0.5


def test_more_evidence_is_surer_of_what_it_is_about() -> None:
    """What came of an arm narrows that arm most, its channel less and another channel least."""
    cells: dict[tuple[str | None, Arm], Tally] = {(None, EVENING): Tally(9000, 900, 180, 9000.0, 900.0)}
    posterior = PopulationPosterior(population(cells))
    rows = [posterior.row(None, *arm) for arm in (EVENING, MORNING, Arm("email", "", 2))]
    variances = posterior.typical.rates[rows, 1]
    assert variances[0] < variances[1] < variances[2]


def test_without_click_tracking_the_second_stage_tends_to_one() -> None:
    """Where every engagement is a conversion, P(converts | engaged) is nearly 1."""
    posterior = PopulationPosterior(population({(None, EVENING): Tally(10_000, 200, 200, 10_000.0, 200.0)}))
    assert converted(posterior, posterior.row(None, *EVENING)).mean[0] > 0.97


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
    row = posterior.row(None, *EVENING)
    before = *converted(posterior, row), *(each[row] for each in posterior.typical)
    for number in range(MOST_ROWS):
        posterior.row(str(number), *MORNING)
    posterior.begin()
    row = posterior.row(None, *EVENING)
    assert row == 0
    again = *converted(posterior, row), *(each[row] for each in posterior.typical)
    for now, then in zip(again, before, strict=True):
        assert np.array_equal(now, then)


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
    expected = converted(without, without.row(segment, *arm))
    got = converted(whole, whole.row(segment, *arm), taught)
    assert got.mean == pytest.approx(expected.mean, rel=1e-9)
    assert got.variance == pytest.approx(expected.variance, rel=1e-9)


def test_taught_more_than_there_is_leaves_nothing() -> None:
    """A part larger than the whole, told since the population was learned, never makes a count negative."""
    posterior = PopulationPosterior(population({(None, EVENING): Tally(10, 2, 1, 10.0, 2.0)}))
    left = converted(posterior, posterior.row(None, *EVENING), np.full((1, 6), 1e6))
    assert left.mean[0] == pytest.approx(CONVERTED_RATE)
