"""Hubs are decided by all facts together, and divide an observation without losing anything of it."""

from dataclasses import replace

import pytest
from hypothesis import given

from identity.hubs import NO_HUBS, Hubs, PersonTally, parts
from identity.identifiers import Identifier
from identity.observations import Trust
from identity.rules import LinkingRules
from tests.identity.oracle import Oracle
from tests.identity.sketch import seen
from tests.identity.telling import tell
from tests.strategies import World, examples, worlds

BOX = Identifier("phone", "box")
TAB = Identifier("device_id", "tab")


def counted(rules: LinkingRules, *trusts: Trust) -> Hubs:
    """Count one more person at each trust with the same phone."""
    tally = PersonTally(rules)
    for number, trust in enumerate(trusts):
        tally.add(seen(str(number), 10, f"user_id:u{number}", str(BOX), trust=trust))
    return tally.hubs()


def test_more_than_the_limit_makes_a_hub() -> None:
    """As many persons as the limit are allowed, one more is not; without limit nothing is a hub."""
    rules = replace(LinkingRules(), hub_limit=2)
    assert counted(rules, Trust.SERVER, Trust.VERIFIED) == NO_HUBS
    assert counted(rules, Trust.SERVER, Trust.VERIFIED, Trust.SERVER) == Hubs(shared=frozenset({BOX}))
    assert not counted(replace(rules, hub_limit=None), *[Trust.SERVER] * 30)


@pytest.mark.parametrize("trust", [Trust.ASSERTED, Trust.PROBABLE])
def test_a_public_key_makes_no_hub(trust: Trust) -> None:
    """Sightings that anyone can make flood an identifier, they do not make it shared."""
    rules = replace(LinkingRules(), hub_limit=2)
    assert counted(rules, *[trust] * 9, Trust.SERVER, Trust.SERVER) == Hubs(flooded=frozenset({BOX}))


def test_the_same_person_again_is_no_other() -> None:
    """Distinct persons count, not sightings."""
    tally = PersonTally(replace(LinkingRules(), hub_limit=1))
    for number in range(5):
        tally.add(seen(str(number), 10 + number, "user_id:ada", str(BOX)))
    assert not tally.hubs()


def test_persons_are_never_hubs() -> None:
    """A login seen with many others is no hub, whatever else it is."""
    tally = PersonTally(replace(LinkingRules(), hub_limit=1))
    tally.add(seen("1", 10, "user_id:a", "user_id:b", "user_id:c"))
    assert not tally.hubs()


def test_the_default_limit_is_twenty() -> None:
    """Twenty persons share a phone; with the twenty-first it is a hub."""
    assert not counted(LinkingRules(), *[Trust.SERVER] * 20)
    assert counted(LinkingRules(), *[Trust.SERVER] * 21).shared == {BOX}


def test_shared_identifiers_are_left_out_of_an_observation() -> None:
    """A hub says nothing; what is left is still seen together."""
    hubs = Hubs(shared=frozenset({BOX}))
    whole = seen("1", 10, "user_id:ada", str(BOX), str(TAB))
    assert parts(whole, hubs).together == (Identifier("user_id", "ada"), TAB)
    assert parts(whole, hubs).alone == ()
    assert parts(seen("2", 10, str(BOX)), hubs) == ((), ())


def test_flooded_identifiers_stand_alone_where_anyone_may_say_so() -> None:
    """An asserted observation says nothing of its flooded identifiers but that they were seen; a server's does."""
    hubs = Hubs(flooded=frozenset({BOX}))
    asserted = seen("1", 10, "user_id:ada", str(BOX), trust=Trust.ASSERTED)
    assert parts(asserted, hubs) == ((Identifier("user_id", "ada"),), (BOX,))
    assert parts(replace(asserted, trust=Trust.SERVER), hubs).together == asserted.identifiers
    assert parts(seen("2", 10, str(BOX), trust=Trust.ASSERTED), hubs) == ((BOX,), ())


@examples(150)
@given(worlds())
def test_hubs_are_the_oracles(world: World) -> None:
    """Counted one observation at a time or all at once, the hubs are the same."""
    tell(world.rules, world.observations)
    tally, halves = PersonTally(world.rules), [PersonTally(world.rules), PersonTally(world.rules)]
    for number, observation in enumerate(world.observations):
        tally.add(observation)
        halves[number % 2].add(observation)
    oracle = Oracle(rules=world.rules, must=(), cannot=frozenset())
    shared = oracle.crossing(world.observations, Trust.SERVER)
    assert tally.hubs() == Hubs(shared=shared, flooded=oracle.crossing(world.observations, Trust.PROBABLE) - shared)
    halves[0].merge(halves[1])
    assert halves[0].hubs() == tally.hubs()


@examples(150)
@given(worlds())
def test_parts_lose_nothing(world: World) -> None:
    """Each identifier that is no hub is in exactly one part."""
    tally = PersonTally(world.rules)
    for observation in world.observations:
        tally.add(observation)
    hubs = tally.hubs()
    for observation in world.observations:
        together, alone = parts(observation, hubs)
        assert sorted(together + alone) == sorted(set(observation.identifiers) - hubs.shared)
