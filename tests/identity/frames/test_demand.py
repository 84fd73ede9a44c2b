"""What the answer to what is held takes is told before: never less, and not many times more."""

import tracemalloc
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from identity.frames.intake import Intake
from identity.frames.resolving import resolve_frame, resolved
from identity.rules import LinkingRules
from tests.identity.compare import KEY

ROWS, PART = 240_000, 20_000


def people(random: np.random.Generator) -> pl.DataFrame:
    """Make links of people with several devices, dated."""
    who = random.integers(0, ROWS // 3, ROWS)
    return pl.DataFrame({"who": who, "n": random.integers(0, 3, ROWS)}).select(
        left=pl.format("user_id:u{}", "who"),
        right=pl.format("device_id:{}-{}", "who", "n"),
        observed_at=pl.from_epoch(pl.lit(random.integers(1_700_000_000, 1_760_000_000, ROWS)), time_unit="s"),
    )


def shouted(random: np.random.Generator) -> pl.DataFrame:
    """Make undated links of which each value must be normalised."""
    who = random.integers(0, ROWS // 12, ROWS // 4)
    return pl.DataFrame({"who": who}).select(
        left=pl.format("email:ADA.{}@EXAMPLE.ORG", "who"), right=pl.format("device_id: {} ", "who")
    )


def alone(random: np.random.Generator) -> pl.DataFrame:
    """Make observations of one identifier each: as many profiles as there are identifiers."""
    order = random.permutation(ROWS)
    return pl.DataFrame({"n": order}).select(
        observation=pl.format("o{}", "n"), namespace=pl.lit("anonymous_id"), value=pl.format("cookie-{}", "n")
    )


@pytest.mark.parametrize("make", [people, shouted, alone])
def test_what_is_taken_is_told_before(make: Callable[[np.random.Generator], pl.DataFrame]) -> None:
    """By what the arrays of each step take; parts on their way in and out are the program's."""
    table = make(np.random.default_rng(5))
    resolve_frame(table.head(PART), LinkingRules())
    intake = Intake(LinkingRules())
    parts = [intake.read(part) for part in table.iter_slices(PART)]
    tracemalloc.start()
    told = 0
    for part in parts:
        intake.vocabulary.sift()
        told = max(told, intake.demand(part).peak())
        intake.take(part)
    intake.vocabulary.sift()
    told = max(told, intake.demand().peak())
    assert len(resolved(intake, key=KEY).digests) > 0
    _, taken = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 0.4 * told < taken < told
