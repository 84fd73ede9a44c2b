"""Tables give what R gives: profiles, ids, refusals with their reasons, hubs."""

from random import Random

import pytest
from hypothesis import given

from identity.frames.resolving import resolve_frame
from identity.resolve import resolve
from tests.identity.compare import KEY
from tests.identity.crowd import crowded_world
from tests.identity.frames.tables import by_frame, by_r, realistic, table
from tests.strategies import World, examples, worlds


def same(world: World, random: Random) -> None:
    """Compare a world's table with R."""
    real = realistic(world)
    found = resolve_frame(table(world, random), real.rules, real.judgements, key=KEY)
    assert by_frame(found) == by_r(resolve(real.observations, real.rules, real.judgements, key=KEY))


@examples(400)
@given(worlds())
def test_a_table_is_r(world: World) -> None:
    """On random worlds, rows in no order and some of them twice."""
    same(world, Random(5))


@pytest.mark.parametrize("start", range(0, 600, 200))
def test_a_table_is_r_in_crowded_worlds(start: int) -> None:
    """The same over seeded worlds; a failure names the seed."""
    for seed in range(start, start + 200):
        try:
            same(crowded_world(seed), Random(seed))
        except AssertionError as error:
            raise AssertionError(f"seed {seed}") from error
