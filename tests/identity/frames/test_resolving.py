"""Tables give what R gives: profiles, ids, refusals with their reasons, hubs."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given

from identity.frames.resolving import resolve_frame
from identity.identifiers import Identifier
from identity.observations import Observation, Trust
from identity.resolve import resolve
from identity.rules import LinkingRules
from tests.identity.compare import KEY
from tests.identity.crowd import crowded_world
from tests.identity.frames.tables import by_frame, by_r, loose, realistic, table
from tests.strategies import START, World, examples, worlds


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


@pytest.mark.parametrize("start", range(0, 600, 200))
def test_a_table_that_says_no_time_here_and_there_is_r(start: int) -> None:
    """What says no time, or one to come, was seen now; what is told of each identifier's sightings is of dated ones."""
    now = START + timedelta(days=3)
    for seed in range(start, start + 200):
        world, random = crowded_world(seed), Random(seed)
        world = replace(world, judgements=() if seed % 2 else world.judgements)
        real, dates = realistic(world), loose(world, random, now)
        found = resolve_frame(dates.table, real.rules, real.judgements, key=KEY, now=now)
        expected = resolve(dates.observations, real.rules, real.judgements, key=KEY)
        assert by_frame(found) == by_r(expected), f"seed {seed}"
        told = found.profiles.select("namespace", "value", "observations", "first_seen", "last_seen").iter_rows()
        seen = {f"{namespace}:{value}": rest for namespace, value, *rest in told}
        assert seen == {i: list(dates.dated[i]) for i in seen}, f"seed {seed}"


@pytest.mark.parametrize(("trusts", "cap"), [((Trust.SERVER,), 1_000), (tuple(Trust), 3)])
def test_a_long_chain_is_r(trusts: tuple[Trust, ...], cap: int) -> None:
    """Each device is two people's, a cookie fifteen's: few components, contested all along."""
    random, begin = Random(11), datetime(2026, 3, 1, tzinfo=UTC)
    seen = []
    for number in range(900):
        who = random.randrange(120)
        other = random.choice([f"device_id:d{who}", f"device_id:d{who + 1}", f"anonymous_id:c{who // 15}"])
        pair = (Identifier("user_id", f"u{who}"), Identifier(*other.split(":")))
        at, trust = begin + timedelta(hours=random.randrange(600)), random.choice(trusts)
        seen.append(Observation(id=str(number), at=at, identifiers=pair, trust=trust))
    same(World(rules=LinkingRules(profile_cap=cap), observations=tuple(seen), judgements=()), random)


@pytest.mark.parametrize("limit", [252, 253, 254, 255, 300])
@pytest.mark.parametrize("more", [0, 1])
def test_hubs_of_many_persons_are_r(limit: int, more: int) -> None:
    """As many persons as the limit allows, or one more, each seen twice: also where a byte does not count that far."""
    begin, device = datetime(2026, 3, 1, tzinfo=UTC), Identifier("device_id", "kiosk")
    seen = [
        Observation(
            id=f"{number}", at=begin + timedelta(hours=number), identifiers=(Identifier("user_id", who), device)
        )
        for number, who in enumerate(f"u{number % (limit + more)}" for number in range(2 * (limit + more)))
    ]
    rules = LinkingRules(hub_limit=limit)
    world = realistic(World(rules=rules, observations=tuple(seen), judgements=()))
    found = resolve_frame(table(world, Random(3)), rules, key=KEY)
    assert len(found.hubs) == more
    if more:
        same(world, Random(3))
