"""Every estimator answers or says what the log lacks; what the log's policy never does is counted; bounds are kept."""

from dataclasses import replace

import numpy as np
import pytest

from channel_selector.evidence.estimates import Estimate, Estimator, Kind, Unavailable
from channel_selector.evidence.evidence import NO_BOUNDS, NO_LOGGING, NO_MENUS, NO_OVERLAP, evaluate
from channel_selector.evidence.rounds import Contexts, Menus, Rounds
from tests.channel_selector.evidence.small_logs import Row, draw, floats, log

ROWS = draw(np.random.default_rng(1), 400)


def reasons(rounds: Rounds) -> dict[Estimator, str]:
    """Give what is unavailable, and why."""
    return {each.estimator: each.reason for each in evaluate(rounds).estimates if isinstance(each, Unavailable)}


def test_a_whole_log_feeds_them_all() -> None:
    """In the order of reports, each within its interval; the anytime ones wider than the others."""
    evidence = evaluate(log(ROWS))
    assert [each.estimator for each in evidence.estimates] == list(Estimator)
    widths = {}
    for each in evidence.estimates:
        assert isinstance(each, Estimate)
        assert each.interval[0] < each.value < each.interval[1]
        assert each.kind is (Kind.ANYTIME if "anytime" in each.estimator else Kind.ASYMPTOTIC)
        widths[each.estimator] = each.interval[1] - each.interval[0]
    assert widths[Estimator.DR] < min(widths[Estimator.DR_ANYTIME], widths[Estimator.IPS_ANYTIME])
    assert evidence.support.violations == 0
    assert evidence.log_value == pytest.approx(np.mean([row.reward for row in ROWS]))


def test_what_a_log_lacks_is_said() -> None:
    """The drawn action alone feeds IPS and SNIPS; without the logging policy's laws there is no anytime DR."""
    whole = log(ROWS)
    alone = Rounds(
        rewards=whole.rewards,
        propensities=whole.propensities,
        candidate=whole.candidate,
        contexts=Contexts.none(len(whole)),
    )
    assert reasons(alone) == dict.fromkeys((Estimator.DR, Estimator.SWITCH_DR, Estimator.DR_ANYTIME), NO_MENUS)
    assert reasons(log(ROWS, told=False)) == {Estimator.DR_ANYTIME: NO_LOGGING}
    money = log([replace(row, reward=30.0 * row.reward) for row in ROWS])
    assert reasons(money) == dict.fromkeys((Estimator.IPS_ANYTIME, Estimator.DR_ANYTIME), NO_BOUNDS)
    never = log([Row([0.5, 0.5], [1.0, 0.0], 1, 1.0)] * 100)
    assert reasons(never) == dict.fromkeys((Estimator.IPS, Estimator.SNIPS), NO_OVERLAP)


@pytest.mark.parametrize("shift", [0.0, -3.0])
def test_money_is_judged_as_its_share_of_its_bounds(shift: float) -> None:
    """Rewards of 30 times as much, and a zero moved: DR and all anytime intervals move with them."""
    plain = evaluate(log(ROWS))
    moved = evaluate(
        log([replace(row, reward=30.0 * row.reward + shift) for row in ROWS]), bounds=(shift, 30.0 + shift)
    )
    for name in (Estimator.IPS_ANYTIME, Estimator.DR_ANYTIME):
        one, other = plain.of(name), moved.of(name)
        assert isinstance(one, Estimate)
        assert isinstance(other, Estimate)
        assert other.interval == pytest.approx([30.0 * end + shift for end in one.interval], abs=0.05)


def test_rewards_beyond_their_bounds_are_refused() -> None:
    """And bounds that hold nothing."""
    with pytest.raises(ValueError, match=r"rewards from 0 to 1 lie outside 0 to 0\.5"):
        evaluate(log(ROWS), bounds=(0.0, 0.5))
    with pytest.raises(ValueError, match="lie outside"):
        evaluate(log([Row([1.0], [1.0], 0, 1.0)]), bounds=(1.0, 1.0))


def test_what_the_log_never_does_is_counted() -> None:
    """In a quarter of the rounds the candidate has an action of propensity 0, with 0.4 of its choices."""
    without = Row([0.5, 0.5, 0.0], [0.3, 0.3, 0.4], 0, 1.0)
    support = evaluate(log([*[without] * 50, *[Row([0.5, 0.5], [0.5, 0.5], 1, 0.0)] * 150])).support
    assert (support.violations, support.share) == (50, 0.25)
    assert support.mass == pytest.approx(0.1)
    assert evaluate(log(ROWS, told=False)).support.violations is None


@pytest.mark.parametrize("rows", [[Row([1.0], [1.0], 0, 0.0)], [Row([0.5, 0.5], [0.0, 1.0], 1, 1.0)] * 2])
def test_the_smallest_logs(rows: list[Row]) -> None:
    """One round, two rounds: finite values, intervals that promise nothing they cannot."""
    for each in evaluate(log(rows)).estimates:
        assert isinstance(each, Estimate)
        assert np.isfinite([each.value, *each.interval]).all()
        assert each.interval[0] <= each.value <= each.interval[1] or each.kind is Kind.ANYTIME


def test_extreme_weights_leave_all_finite() -> None:
    """Propensities down to 1e-12 and rewards of ten thousand."""
    random = np.random.default_rng(6)
    small = 10.0 ** -random.uniform(0.0, 12.0, 300)
    rows = [Row([p, 1.0 - p], [0.5, 0.5], int(random.random() >= p), 1e4 * random.random()) for p in small.tolist()]
    for each in evaluate(log(rows), bounds=(0.0, 1e4)).estimates:
        assert isinstance(each, Estimate)
        assert np.isfinite([each.value, *each.interval, each.effective_sample_size]).all()


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("rewards", [], "one round at least"),
        ("rewards", [np.nan], "finite"),
        ("rewards", [1.7e308], r"from -1e\+15 to 1e\+15"),
        ("propensities", [0.0], "above 0"),
        ("propensities", [1e-300], "1e-15 at least"),
        ("propensities", [np.nan], "above 0"),
        ("candidate", [1.5], "from 0 to 1"),
    ],
)
def test_what_is_no_log_is_refused(name: str, value: list[float], says: str) -> None:
    """By name."""
    given = {"rewards": [1.0], "propensities": [0.5], "candidate": [0.5], name: value}
    rewards, propensities, candidate = (floats(*values) for values in given.values())
    with pytest.raises(ValueError, match=says):
        Rounds(rewards=rewards, propensities=propensities, candidate=candidate, contexts=Contexts.none(1))


@pytest.mark.parametrize("law", [[0.5, 0.4], [1.5, -0.5], [np.nan, 1.0]])
def test_laws_that_are_none_are_refused(law: list[float]) -> None:
    """Probabilities from 0 that sum to 1."""
    with pytest.raises(ValueError, match="candidate must"):
        Menus(starts=np.array([0]), actions=np.array([0, 1]), logged=np.array([0]), candidate=floats(*law))
