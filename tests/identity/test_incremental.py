"""One fact at a time gives what `resolve` makes of all facts so far, in any order of arrival."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import cycle
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from identity.claims import Replayed
from identity.component import Component
from identity.errors import ContradictionError
from identity.identifiers import Identifier
from identity.incremental import Incremental
from identity.judgements import Judgement, JudgementKind, Undo, judged
from identity.observations import Observation, Trust
from identity.ownership import Owners
from identity.ports import MemoryShelf
from identity.replaying.replay import Replay
from identity.resolve import resolve
from identity.rules import LinkingRules
from tests.identity.compare import KEY, Said, by_engine, by_shelf, consistent, without_company
from tests.identity.crowd import crowded_world
from tests.identity.living import Living
from tests.identity.oracle import contradictory
from tests.identity.sketch import cannot, must, name, seen
from tests.identity.telling import differing, tell
from tests.strategies import World, busy_worlds, examples, judgements, worlds

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
def test_owners_asked_for_early_go_on(drawn: tuple[World, tuple[Fact, ...]]) -> None:
    """Asked for after each fact, and for attributions only at the end, they are those made of all at once."""
    world, facts = drawn
    tell(world.rules, facts)
    _owners_go_on(world.rules, facts)


def test_a_late_event_among_anothers_takes_its_place() -> None:
    """What the device sends after it is its person's, though it came last; the other's link to it was refused."""
    ben, ada, device = "user_id:ben", "user_id:ada", "device_id:tab"
    facts = [seen("1", 1, ben, device), seen("2", 5, ada, device, trust=Trust.ASSERTED), seen("3", 20, device)]
    _owners_go_on(LinkingRules(), [*facts, seen("4", 15, ben, device)])


def _owners_go_on(rules: LinkingRules, facts: Sequence[Fact]) -> None:
    """Ask for owners after each fact; compare what they tell at the end."""
    arrived = Arrivals(rules)
    for fact in facts:
        arrived.take(fact)
        for component in arrived.shelf.components():
            component.owners()
    for component in arrived.shelf.components():
        gone_on, anew = component.owners(), Owners(component.replayed, component.replay.ref, rules)
        seen = {r.observation.key for r in component.replayed}
        named = [*component.replay.identifiers()]
        assert gone_on.attribution() == anew.attribution()
        assert gone_on.grounds(seen) == anew.grounds(seen)
        assert list(gone_on.intervals(named)) == list(anew.intervals(named))


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


@examples(150)
@given(arrivals(), st.lists(st.integers(1, 6), min_size=1))
def test_batches_leave_what_resolve_gives(drawn: tuple[World, tuple[Fact, ...]], sizes: list[int]) -> None:
    """However observations are cut into batches, after each the shelf holds R of the facts so far."""
    world, facts = drawn
    tell(world.rules, facts)
    lives = Living(world.rules)
    ahead = [fact for fact in facts if isinstance(fact, Observation)]
    for word in world.judgements:
        lives.say(word)
    for size in cycle(sizes):
        lives.ingest(ahead[:size])
        assert differing(lives.said(), lives.defined()) == []
        ahead = ahead[size:]
        if not ahead:
            break


@examples(100)
@given(worlds(), judgements(most=1))
def test_a_judgement_undone_is_as_if_never_made(world: World, words: tuple[Judgement, ...]) -> None:
    """Merge or split, then undo: profiles, ids, owners, refusals and redirects are those of before; so is a trial."""
    tell(world.rules, (*world.observations, *words))
    lives = Living(world.rules)
    lives.ingest(world.observations)
    for word in consistent(world.judgements):
        lives.say(word)
    before = lives.said()
    for word in words:
        made = replace(word, id="made")
        if lives.say(made):
            assert differing(lives.said(), lives.defined()) == []
            assert lives.say(Undo(judgement="made"))
        assert differing(lives.said(), before) == []


def test_one_replay_a_batch() -> None:
    """Forty late logins into a person with a refusal, and forty crossings of hubs, replay a component once each."""
    rules = replace(LinkingRules(), hub_limit=2)
    lives = Living(rules)
    lives.ingest([seen("1", 10, "user_id:ada", "device_id:tab"), seen("2", 11, "user_id:ben", "device_id:tab")])
    (component,) = lives.shelf.components()
    runs = _count_runs(component)
    lives.ingest([seen(f"late{n}", 9, "user_id:ada", f"anonymous_id:{n}") for n in range(40)])
    assert len(runs) == 1
    boxes = [f"phone:{n}" for n in range(40)]
    lives.ingest([seen(f"{box}{p}", 12, "user_id:ada", f"user_id:{p}", box) for box in boxes for p in "abc"])
    assert len(runs) == 2
    assert len(lives.shelf.hubs(map(name, boxes)).shared) == 40
    assert differing(lives.said(), lives.defined()) == []


def _count_runs(component: Component) -> list[int]:
    """Note each replay of a component from here on."""
    runs: list[int] = []
    again = component._run

    def noted(first: int) -> tuple[Replay, list[Replayed]]:
        runs.append(len(component))
        return again(first)

    component._run = noted  # type: ignore[method-assign]  # a fake around the real one
    return runs


def test_undoing_what_was_never_said_changes_nothing() -> None:
    """An undo of an unknown id is a word without effect."""
    lives = Living(LinkingRules())
    lives.ingest([seen("1", 10, "user_id:ada", "device_id:tab")])
    before = lives.said()
    assert lives.say(Undo(judgement="nobody's"))
    assert lives.said() == before
    assert lives.resolver.trial(cannot("user_id:x", "user_id:y")).before is None


def test_an_undo_may_bring_back_a_contradiction() -> None:
    """What the undone judgement overruled cannot hold with what was said since: refused as a whole."""
    lives = Living(LinkingRules())
    lives.ingest([seen("1", 10, "user_id:ada"), seen("2", 11, "user_id:ben")])
    ada, ben, cem = map(name, ("user_id:ada", "user_id:ben", "user_id:cem"))
    must_link, cannot_link = JudgementKind.MUST_LINK, JudgementKind.CANNOT_LINK
    for place, (kind, left, right) in enumerate(
        [(cannot_link, ada, ben), (must_link, ada, ben), (must_link, ada, cem), (must_link, cem, ben)]
    ):
        assert lives.say(judged(kind, left, right, name=str(place)))
    assert not lives.say(Undo(judgement="1"))
    assert lives.said() == lives.defined()


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
