"""R as the engine computes it is R as the oracle spells it out."""

from datetime import datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.errors import ContradictionError
from identity.judgements import Judgement
from identity.resolve import Resolution, resolve
from tests.identity.compare import KEY, by_engine, by_oracle, consistent, without_reasons
from tests.identity.crowd import crowded_world
from tests.identity.oracle import contradictory, oracle
from tests.identity.telling import differing, tell
from tests.strategies import HOURS, World, examples, judgements, moments, worlds

MOMENTS = st.none() | moments(HOURS + 2)


def engine(world: World, as_of: datetime | None = None) -> Resolution:
    """Resolve a world, without the judgements that contradict those before them."""
    return resolve(world.observations, world.rules, consistent(world.judgements), key=KEY, as_of=as_of)


def told(world: World) -> None:
    """Note a world in the order of its replay."""
    tell(world.rules, (*sorted(world.observations, key=lambda o: o.key), *consistent(world.judgements)))


@examples(300)
@given(worlds(), MOMENTS)
def test_engine_is_the_oracle(world: World, as_of: datetime | None) -> None:
    """Partition, ids, redirects, refusals, attribution, owners and hubs are the oracle's, as of any moment."""
    told(world)
    answer = oracle(world.observations, world.rules, consistent(world.judgements), as_of)
    assert differing(without_reasons(by_engine(engine(world, as_of))), by_oracle(answer)) == []


@pytest.mark.parametrize("start", range(0, 1_500, 250))
def test_engine_is_the_oracle_in_crowded_worlds(start: int) -> None:
    """The same over seeded worlds; a failure names the seed."""
    for seed in range(start, start + 250):
        world = crowded_world(seed)
        said, answer = (
            without_reasons(by_engine(engine(world))),
            oracle(world.observations, world.rules, consistent(world.judgements)),
        )
        assert differing(said, by_oracle(answer)) == [], f"seed {seed}"


@examples(100)
@given(worlds(most=7))
def test_reasons_of_refusal_are_true(world: World) -> None:
    """Each refusal names a limit that the link would really have broken."""
    told(world)
    said = {
        "namespace_limit": "limit",
        "profile_cap": "profile_cap",
        "cannot_link": "cannot_link",
        "persons_need_trust": "asserted",
    }
    broken = oracle(world.observations, world.rules, consistent(world.judgements)).refused
    for refused in engine(world).refused:
        assert said[refused.reason] in broken[refused.left, refused.right].reasons


@examples(100)
@given(worlds(), st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(world: World, random: Random) -> None:
    """The same facts, shuffled and some of them repeated, give the same answer to the last id."""
    told(world)
    again = [*world.observations, *random.choices(world.observations, k=3)]
    random.shuffle(again)
    shuffled = World(rules=world.rules, observations=tuple(again), judgements=world.judgements)
    assert engine(shuffled) == engine(world)


@examples(100)
@given(worlds())
def test_a_profile_keeps_every_limit(world: World) -> None:
    """No profile holds more values of a namespace than its limit, must-linked ones (seen or not) counting once."""
    told(world)
    rules, kept = world.rules, consistent(world.judgements)
    if any(isinstance(j, Judgement) and j.kind == "must_link" for j in kept):
        return
    for profile in engine(world).profiles:
        assert len(profile.identifiers) <= rules.profile_cap
        for name in {i.namespace for i in profile.identifiers}:
            limit = rules.namespace(name).limit
            assert limit is None or sum(i.namespace == name for i in profile.identifiers) <= limit


@examples(100)
@given(worlds(), judgements(most=5))
def test_contradictions_are_refused(world: World, judged: tuple[Judgement, ...]) -> None:
    """Judgements that cannot all hold are an error, and only they."""
    if contradictory(judged):
        with pytest.raises(ContradictionError):
            resolve(world.observations, world.rules, judged)
    else:
        resolve(world.observations, world.rules, judged)
