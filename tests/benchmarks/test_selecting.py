"""Every contestant plays the same shops and gives the same figures; the difference is told with its interval."""

from importlib import import_module
from math import sqrt
from pathlib import Path
from statistics import mean, stdev

import pytest

from benchmarks import select
from benchmarks.records import FULL, QUICK, Contestant, Result
from benchmarks.selecting import FIRST_SEED, TUNING_SEED, Plan
from benchmarks.table import table

PLAN = Plan(customers=20, rounds=2, seeds=2)


def test_the_full_plan_is_the_one_asked_for() -> None:
    """3,000 customers, 16 messages, ten shops, none of which peers were tuned on."""
    plan = Plan.of(FULL)
    assert (plan.customers, plan.rounds, plan.seeds) == (3_000, 16, 10)
    assert FIRST_SEED + plan.seeds <= TUNING_SEED


@pytest.mark.parametrize("contestant", select.BENCHMARK.contestants, ids=lambda each: each.name)
def test_every_contestant_gives_the_figures(tmp_path: Path, contestant: Contestant) -> None:
    """One gap a shop and their mean, at most everything, and speeds."""
    PLAN.write(tmp_path)
    figures = import_module(contestant.module).measure(tmp_path, QUICK)
    assert figures["gap"] == pytest.approx(100 * (figures["gap_0"] + figures["gap_1"]) / 2)
    assert -100.0 < figures["gap"] <= 100.0
    assert figures["decisions_per_second"] > 0


def test_the_difference_is_paired_by_shop() -> None:
    """Two shops, 10 and 14 points apart: 12, give or take Student's t times the standard error of 2."""
    runs = {each.name: ({"decisions_per_second": 1.0},) for each in select.BENCHMARK.contestants}
    ours = {f"{name}_{n}": gap for name in ("gap", "gap_few") for n, gap in enumerate((0.5, 0.6))}
    theirs = {f"{name}_{n}": gap for name in ("gap", "gap_few") for n, gap in enumerate((0.4, 0.46))}
    runs |= {select.OURS: ({**ours, "decisions_per_second": 1.0},)}
    runs |= {select.BEST_PEER: ({**theirs, "decisions_per_second": 1.0},)}
    told = table(Result(benchmark=select.BENCHMARK, told="made up", runs=runs))
    assert "after all: +12.0 points, 95 % -13.4 to +37.4" in told


SHOPS = Plan(customers=200, rounds=6, seeds=5)
HOMING_CLOSED, LEAD = 0.353, 0.161
"""Measured in these shops: of the gap by Homing, and by how much more than by SquareCB, which closed 0.193."""


@pytest.mark.slow
def test_homing_keeps_its_lead_over_squarecb(tmp_path: Path) -> None:
    """The figures measured, less two standard errors of five shops at most; and a lead that is one by the same errors.

    Shops of 200 people are told apart by seeds 1 to 5 and by nothing else, so that both play the same people and luck.
    """
    SHOPS.write(tmp_path)
    closed = {}
    for name in ("homing", "squarecb"):
        figures = import_module(f"benchmarks.contestants.select_{name}").measure(tmp_path, QUICK)
        closed[name] = [figures[f"gap_{number}"] for number in range(SHOPS.seeds)]
    leads = [ours - theirs for ours, theirs in zip(closed["homing"], closed["squarecb"], strict=True)]
    lead_error = stdev(leads) / sqrt(len(leads))
    shown = f"shops of seeds {FIRST_SEED} and on: {closed}, standard error of the lead {lead_error:.3f}"
    assert mean(leads) > max(2 * lead_error, LEAD - 2 * lead_error), shown
    assert mean(closed["homing"]) > HOMING_CLOSED - 2 * stdev(closed["homing"]) / sqrt(len(leads)), shown


def test_some_of_the_shops_and_peers_may_be_asked_for() -> None:
    """Only they play; who is unknown is told what there is."""
    benchmark, size = select.case(FULL, 3, ["homing", "vendors"])
    assert [each.name for each in benchmark.contestants] == ["homing", "vendors' rule"]
    assert (Plan.of(size).seeds, benchmark.control) == (3, "homing")
    runs = {each.name: ({"decisions_per_second": 1.0},) for each in benchmark.contestants}
    assert "homing" in table(Result(benchmark=benchmark, told="made up", runs=runs))
    assert select.case(FULL, None, []) == (select.BENCHMARK, FULL)
    with pytest.raises(ValueError, match="there are homing, squarecb"):
        select.case(FULL, None, ["nobody"])
