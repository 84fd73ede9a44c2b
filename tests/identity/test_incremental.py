"""One fact at a time gives what `resolve` makes of all facts so far, in any order of arrival."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from identity.errors import ContradictionError
from identity.identifiers import Identifier
from identity.incremental import Incremental
from identity.judgements import Judgement
from identity.observations import Observation, Trust
from identity.ports import MemoryShelf
from identity.resolve import resolve
from identity.rules import LinkingRules
from tests.identity.compare import KEY, Said, by_engine, by_shelf, without_company
from tests.identity.crowd import crowded_world
from tests.identity.oracle import contradictory
from tests.identity.sketch import cannot, must, name, seen
from tests.identity.telling import differing, tell
from tests.strategies import World, busy_worlds, examples, worlds

Fact = Observation | Judgement


class Arrivals:
    """Facts as they arrive, and what the incremental resolver makes of them."""

    def __init__(self, rules: LinkingRules) -> None:
        self._rules = rules
        self.shelf = MemoryShelf()
        self.resolver = Incremental(rules, self.shelf)
        self.observations: list[Observation] = []
        self.judgements: list[Judgement] = []

    def take(self, fact: Fact) -> None:
        """Take in one fact; a judgement that cannot hold with the others must be refused."""
        if isinstance(fact, Observation):
            self.resolver.add(fact)
            self.observations.append(fact)
        elif contradictory([*self.judgements, fact]):
            with pytest.raises(ContradictionError):
                self.resolver.judge(fact)
        else:
            self.resolver.judge(fact)
            self.judgements.append(fact)

    def said(self) -> Said:
        """Say what is on the shelf."""
        return by_shelf(self.shelf, self.observations)

    def defined(self) -> Said:
        """Say what R makes of the facts taken in so far."""
        return without_company(by_engine(resolve(self.observations, self._rules, self.judgements, key=KEY)))


@st.composite
def arrivals(draw: DrawFn) -> tuple[World, tuple[Fact, ...]]:
    """Draw a world and the order in which its facts arrive: by event time, or anyhow."""
    world = draw(worlds() | busy_worlds())
    ordered = sorted(world.observations, key=lambda o: o.key)
    facts: list[Fact] = list(ordered if draw(st.booleans()) else draw(st.permutations(ordered)))
    for judgement in world.judgements:
        facts.insert(draw(st.integers(0, len(facts))), judgement)
    return world, tuple(facts)


@examples(200)
@given(arrivals())
def test_every_fact_leaves_what_resolve_gives(drawn: tuple[World, tuple[Fact, ...]]) -> None:
    """After each fact, early or late, the shelf holds R of the facts so far."""
    world, facts = drawn
    tell(world.rules, facts)
    arrived = Arrivals(world.rules)
    for fact in facts:
        arrived.take(fact)
        assert differing(arrived.said(), arrived.defined()) == []


@pytest.mark.parametrize("start", range(0, 600, 100))
def test_every_fact_counts_in_crowded_worlds(start: int) -> None:
    """The same over seeded worlds, in order of time with some facts late; a failure names the seed."""
    for seed in range(start, start + 100):
        world = crowded_world(seed)
        random = Random(seed)
        late = random.sample(world.observations, len(world.observations) // 4)
        facts: list[Fact] = [o for o in sorted(world.observations, key=lambda o: o.key) if o not in late]
        others: list[Fact] = [*late, *world.judgements]
        for fact in others:
            facts.insert(random.randint(0, len(facts)), fact)
        arrived = Arrivals(world.rules)
        for place, fact in enumerate(facts):
            arrived.take(fact)
            assert differing(arrived.said(), arrived.defined()) == [], f"seed {seed}, fact {place}"


@examples(100)
@given(arrivals())
def test_what_moved_is_said(drawn: tuple[World, tuple[Fact, ...]]) -> None:
    """`add` and `judge` name every identifier whose profile is another than before, and nothing untrue."""
    world, facts = drawn
    tell(world.rules, facts)
    arrived = Arrivals(world.rules)
    for fact in facts:
        before = _homes(arrived)
        if isinstance(fact, Judgement):
            if contradictory([*arrived.judgements, fact]):
                continue
            arrived.judgements.append(fact)
            moved = arrived.resolver.judge(fact)
        else:
            moved = arrived.resolver.add(fact)
        after = _homes(arrived)
        assert {i for i in before.keys() | after.keys() if before.get(i) != after.get(i)} <= moved.keys()
        assert all(after.get(i) == ref for i, ref in moved.items())


def _homes(arrived: Arrivals) -> dict[Identifier, object]:
    """Give each identifier's profile today."""
    return {i: ref for c in arrived.shelf.components() for i, ref in c.refs().items()}


@examples(60)
@given(arrivals())
def test_a_component_is_made_again_of_its_sightings(drawn: tuple[World, tuple[Fact, ...]]) -> None:
    """Given the judgements beforehand, observations alone lead to the same shelf."""
    world, facts = drawn
    tell(world.rules, facts)
    arrived = Arrivals(world.rules)
    for fact in facts:
        arrived.take(fact)
    shelf = MemoryShelf()
    again = Incremental(world.rules, shelf, arrived.judgements)
    for observation in arrived.observations:
        again.add(observation)
    assert differing(by_shelf(shelf, arrived.observations), arrived.said()) == []


def taken(rules: LinkingRules, facts: Sequence[Fact]) -> Arrivals:
    """Take in facts, holding each step against R."""
    arrived = Arrivals(rules)
    for fact in facts:
        arrived.take(fact)
        assert differing(arrived.said(), arrived.defined()) == []
    return arrived


def test_a_late_login_moves_history() -> None:
    """A login that arrives last but happened first owns the tablet until the second."""
    arrived = taken(
        LinkingRules(),
        [
            seen("3", 12, "user_id:ben", "device_id:tab"),
            seen("2", 11, "device_id:tab"),
            seen("1", 10, "user_id:ada", "device_id:tab"),
        ],
    )
    attribution = arrived.said().attribution
    owners = {key.id: owner for key, owner in attribution.items()}
    assert owners["2"] == owners["1"] != owners["3"]


def test_crossing_a_hub_parts_what_it_joined() -> None:
    """A phone box is a person's phone until it has been seen with too many."""
    rules = replace(LinkingRules(), hub_limit=2)
    boxed = [
        seen(str(n), 10 + n, f"user_id:u{n}", "phone:+442079460001", trust=Trust.SERVER if n else Trust.ASSERTED)
        for n in range(4)
    ]
    arrived = taken(rules, boxed)
    assert list(arrived.said().shared) == [Identifier("phone", "+442079460001")]
    assert all(len(group) == 1 for group in arrived.said().profiles.values())


def test_two_crossings_keep_whose_an_observation_is() -> None:
    """Where first one and then the other of two e-mails crosses the limit, the second still says whose it is."""
    rules = replace(LinkingRules(), hub_limit=1)
    taken(
        rules,
        [
            seen("1", 13, "email:e@example.com", "email:f@example.com", trust=Trust.PROBABLE),
            seen("2", 14, "email:f@example.com", "user_id:ada", trust=Trust.ASSERTED),
            seen("3", 15, "email:f@example.com", "user_id:ben", trust=Trust.ASSERTED),
            seen("4", 11, "email:e@example.com", "user_id:ada"),
            seen("5", 12, "email:e@example.com", "user_id:ben"),
        ],
    )


def test_ttl_counts_from_the_sighting_before_in_event_time() -> None:
    """A late sighting bridges the gap over which a cookie had been forgotten."""
    names = dict(LinkingRules().namespaces)
    names["anonymous_id"] = replace(names["anonymous_id"], ttl=timedelta(hours=2))
    arrived = taken(
        replace(LinkingRules(), namespaces=names),
        [
            seen("1", 10, "user_id:ada", "anonymous_id:web"),
            seen("3", 14, "anonymous_id:web", "device_id:tab"),
            seen("2", 12, "anonymous_id:web"),
        ],
    )
    assert len(arrived.said().profiles) == 1


def test_a_late_sighting_takes_nothing_from_the_latest() -> None:
    """What a late sighting adds to the past does not shorten the time since a cookie was last seen."""
    names = dict(LinkingRules().namespaces)
    names["anonymous_id"] = replace(names["anonymous_id"], ttl=timedelta(hours=2))
    arrived = taken(
        replace(LinkingRules(), namespaces=names),
        [
            seen("1", 10, "user_id:ada", "anonymous_id:web"),
            seen("3", 12, "anonymous_id:web"),
            seen("2", 11, "anonymous_id:web"),
            seen("4", 14, "anonymous_id:web"),
        ],
    )
    assert len(arrived.said().profiles) == 1


def test_components_that_join_keep_what_they_counted() -> None:
    """A phone is a hub by all the persons it was seen with, wherever they were counted."""
    arrived = taken(
        replace(LinkingRules(), hub_limit=1),
        [
            seen("1", 10, "user_id:ben"),
            seen("2", 11, "user_id:ben", "device_id:phone"),
            seen("3", 12, "phone:box", "user_id:ada"),
            seen("4", 13, "phone:box", "user_id:ben"),
        ],
    )
    assert list(arrived.said().shared) == [name("phone:box")]


def test_a_judgement_on_nobody_yet_holds_later() -> None:
    """A cannot-link said of identifiers not yet seen holds once they are, in profiles that were there before."""
    arrived = taken(
        LinkingRules(),
        [
            seen("1", 10, "device_id:tab"),
            cannot("anonymous_id:web", "email:ada@example.com"),
            seen("2", 11, "device_id:tab", "anonymous_id:web"),
            seen("3", 12, "device_id:tab", "email:ada@example.com"),
        ],
    )
    assert len(arrived.said().profiles) == 2


def test_an_undone_judgement_leaves_no_trace() -> None:
    """A must-link overruled by a later cannot-link leaves what the links alone make."""
    facts: list[Fact] = [
        seen("1", 10, "user_id:ada", "device_id:tab"),
        seen("2", 11, "user_id:ada2", "device_id:phone"),
        must("user_id:ada", "user_id:ada2"),
    ]
    arrived = taken(LinkingRules(), facts)
    assert len(arrived.said().profiles) == 1
    arrived.take(cannot("user_id:ada2", "user_id:ada"))
    assert differing(arrived.said(), arrived.defined()) == []
    assert len(arrived.said().profiles) == 2


def test_a_contradiction_changes_nothing() -> None:
    """A judgement that cannot hold with the others is an error, and all is as it was."""
    facts: list[Fact] = [
        seen("1", 10, "user_id:ada"),
        seen("2", 11, "user_id:ben"),
        must("user_id:ada", "user_id:cem"),
        must("user_id:cem", "user_id:ben"),
    ]
    arrived = taken(LinkingRules(), facts)
    before = arrived.said()
    with pytest.raises(ContradictionError):
        arrived.resolver.judge(cannot("user_id:ada", "user_id:ben"))
    assert arrived.said() == before
    arrived.take(seen("3", 12, "user_id:ada"))
    assert differing(arrived.said(), arrived.defined()) == []
