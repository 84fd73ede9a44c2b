"""Why two identifiers are together, what holds them, and why they are not: in ways, cuts and reasons."""

from dataclasses import replace
from datetime import timedelta
from itertools import combinations
from math import exp, log, prod

import networkx as nx  # type: ignore[import-untyped]  # it has no stubs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.cut import minimum_cut
from identity.explain import Apart, Explanation, explain, seen_beside
from identity.judgements import JudgementKind, in_force, judged
from identity.links import LinkState, links
from identity.observations import Observation, Trust
from identity.rules import LinkingRules
from tests.identity.compare import consistent
from tests.identity.living import Living
from tests.identity.sketch import cannot, must, name, seen
from tests.identity.telling import tell
from tests.strategies import World, examples, worlds


def living(*facts: Observation, rules: LinkingRules = LinkingRules()) -> Living:  # noqa: B008 # frozen
    """Give a deployment that has seen these."""
    lives = Living(rules)
    lives.ingest(facts)
    return lives


def told(lives: Living, left: str, right: str) -> Explanation:
    """Explain two identifiers."""
    one, other = name(left), name(right)
    found = lives.shelf.find([one, other])
    return explain(one, other, found, in_force(lives.words), lives.shelf.hubs(seen_beside([one, other], found)))


HOME = (
    seen("1", 9, "user_id:ada", "device_id:tab"),
    seen("2", 10, "user_id:ada", "device_id:tab"),
    seen("3", 11, "device_id:tab", "anonymous_id:web", trust=Trust.ASSERTED),
)


def test_the_way_tells_each_links_sightings() -> None:
    """From the browser over the tablet to the person: how often, when, how far trusted, what weighs against it."""
    way = told(living(*HOME), "anonymous_id:web", "user_id:ada").way
    assert [(str(s.left), str(s.right)) for s in way] == [
        ("anonymous_id:web", "device_id:tab"),
        ("device_id:tab", "user_id:ada"),
    ]
    first, second = (s.link for s in way)
    assert first is not None
    assert second is not None
    assert (first.sightings, first.trust, second.sightings, second.trust) == (1, Trust.ASSERTED, 2, Trust.SERVER)
    assert second.last_seen - second.first_seen == timedelta(hours=1)
    assert second.against == 0
    assert second.log_odds == pytest.approx(log(2.5 / 0.5))


def test_what_speaks_against_a_link_lowers_it() -> None:
    """A tablet seen with somebody else counts against it being the first one's."""
    lives = living(*HOME, seen("4", 12, "user_id:ben", "device_id:tab"))
    known = links(lives.shelf.components()[0])
    link = known[name("device_id:tab"), name("user_id:ada")]
    assert (link.state, link.refused, link.by) == (LinkState.REFUSED, "namespace_limit", "4")
    assert (link.sightings, link.against) == (2, 2)
    other = known[name("device_id:tab"), name("user_id:ben")]
    assert (other.sightings, other.against, other.state) == (1, 2, LinkState.KEPT)


def test_the_weakest_cut_is_where_least_holds() -> None:
    """One sighting of the browser with the tablet is all that holds it to the person."""
    cut = told(living(*HOME), "anonymous_id:web", "user_id:ada").cut
    assert cut is not None
    assert [(str(link.left), str(link.right)) for link in cut.links] == [("anonymous_id:web", "device_id:tab")]
    assert cut.side == {name("anonymous_id:web")}
    assert cut.doubt == pytest.approx(1 / 4)


def test_two_ways_must_both_be_cut() -> None:
    """Seen with the person directly as well, both links would have to be wrong."""
    lives = living(*HOME, seen("4", 12, "user_id:ada", "anonymous_id:web"))
    cut = told(lives, "anonymous_id:web", "user_id:ada").cut
    assert cut is not None
    assert len(cut.links) == 2
    assert cut.doubt == pytest.approx(prod(1 - link.probability for link in cut.links))


def test_what_a_person_decided_cannot_be_cut() -> None:
    """A must-link is a step of the way, and leaves no cut."""
    lives = living(*HOME, seen("4", 12, "device_id:phone"))
    lives.say(must("device_id:phone", "user_id:ada"))
    explained = told(lives, "device_id:phone", "user_id:ada")
    assert explained.together
    assert [s.judgement for s in explained.way] == lives.words
    assert explained.cut is None


def test_one_is_together_with_itself() -> None:
    """The way is empty, and there is nothing to cut."""
    explained = told(living(*HOME), "user_id:ada", "user_id:ada")
    assert (explained.together, explained.way, explained.cut) == (True, (), None)


def reasons(explained: Explanation) -> list[tuple[Apart, tuple[str, ...]]]:
    """Give the reasons as text."""
    assert not explained.together
    return [(r.why, tuple(map(str, r.identifiers))) for r in explained.reasons]


def test_a_refused_link_is_why() -> None:
    """The tablet went to Ben: the link to Ada is refused, and the way says where."""
    lives = living(*HOME, seen("4", 12, "user_id:ben", "device_id:tab"))
    assert reasons(told(lives, "user_id:ada", "device_id:tab")) == [(Apart.REFUSED, ("user_id:ada", "device_id:tab"))]


def test_a_judgement_is_why() -> None:
    """Also where it was said of others that must be with them."""
    lives = living(*HOME)
    word = cannot("user_id:ada", "device_id:tab")
    lives.say(word)
    explained = told(lives, "user_id:ada", "anonymous_id:web")
    assert explained.reasons[0].why is Apart.JUDGEMENT
    assert explained.reasons[0].judgement == word


def test_an_overruled_judgement_is_no_reason() -> None:
    """Of two words on a pair the newer is told."""
    lives = living(*HOME)
    ends = (name("user_id:ada"), name("device_id:tab"))
    lives.say(judged(JudgementKind.CANNOT_LINK, *ends, name="1"))
    lives.say(judged(JudgementKind.MUST_LINK, *ends, name="2"))
    explained = told(lives, "user_id:ada", "anonymous_id:web")
    assert explained.together
    assert [s.judgement.id for s in explained.way if s.judgement is not None] == ["2"]


def test_a_hub_is_why() -> None:
    """A box that all share links nothing, neither itself nor those seen with it."""
    rules = replace(LinkingRules(), hub_limit=1)
    lives = living(*(seen(str(n), 9 + n, f"user_id:u{n}", "phone:box") for n in range(2)), rules=rules)
    assert reasons(told(lives, "user_id:u0", "phone:box")) == [(Apart.SHARED, ("phone:box",))]
    assert reasons(told(lives, "user_id:u0", "user_id:u1")) == [(Apart.SHARED_BETWEEN, ("phone:box",))]


def test_time_is_why() -> None:
    """A cookie seen again after its ttl has dropped what it was linked to."""
    names = dict(LinkingRules().namespaces)
    names["anonymous_id"] = replace(names["anonymous_id"], ttl=timedelta(hours=1))
    rules = replace(LinkingRules(), namespaces=names)
    lives = living(seen("1", 9, "user_id:ada", "anonymous_id:web"), seen("2", 12, "anonymous_id:web"), rules=rules)
    assert reasons(told(lives, "user_id:ada", "anonymous_id:web")) == [
        (Apart.EXPIRED, ("user_id:ada", "anonymous_id:web"))
    ]


def test_nothing_is_why() -> None:
    """Never seen at all, or never with anything that leads to the other."""
    lives = living(*HOME, seen("4", 12, "user_id:ben"))
    assert reasons(told(lives, "user_id:ada", "user_id:zoe")) == [(Apart.UNKNOWN, ("user_id:zoe",))]
    assert reasons(told(lives, "user_id:ada", "user_id:ben")) == [(Apart.NEVER_SEEN_TOGETHER, ())]


@examples(60)
@given(worlds())
def test_explanations_agree_with_profiles(world: World) -> None:
    """Who is together has a way that holds, who is not has a reason; a cut without its links parts them."""
    tell(world.rules, world.observations)
    lives = living(*world.observations, rules=world.rules)
    for word in consistent(world.judgements):
        lives.say(word)
    homes = {i: group for group in lives.said().profiles.values() for i in group}
    for left, right in list(combinations(sorted(homes), 2))[:12]:
        explained = told(lives, str(left), str(right))
        assert explained.together is (homes[left] is homes[right])
        assert bool(explained.reasons) is not explained.together
        if explained.together:
            assert explained.way
            assert all(step.holds for step in explained.way)
            assert explained.cut is None or (left in explained.cut.side) is not (right in explained.cut.side)


@examples(100)
@given(
    st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7), st.sampled_from([0.5, 1.0, 2.0, 3.5])), max_size=24),
)
def test_the_cut_is_networkx_s(edges: list[tuple[int, int, float]]) -> None:
    """The value is that of a library that does nothing else, and the side's links add up to it."""
    graph = nx.Graph()
    graph.add_nodes_from([0, 7])
    for a, b, capacity in edges:
        if a != b:
            before = graph.get_edge_data(a, b, {"capacity": 0.0})["capacity"]
            graph.add_edge(a, b, capacity=before + capacity)
    value, side = minimum_cut(((a, b, c) for a, b, c in edges if a != b), 0, 7)
    assert value == pytest.approx(nx.minimum_cut_value(graph, 0, 7))
    assert 0 in side
    assert 7 not in side
    crossing = sum(d["capacity"] for a, b, d in graph.edges(data=True) if (a in side) is not (b in side))
    assert crossing == pytest.approx(value)


def test_nothing_is_parted_from_itself() -> None:
    """A cut needs two ends."""
    with pytest.raises(ValueError, match="itself"):
        minimum_cut([], 1, 1)


def test_doubt_is_a_probability() -> None:
    """It is e to the minus what the cut is worth."""
    lives = living(*HOME)
    cut = told(lives, "device_id:tab", "user_id:ada").cut
    assert cut is not None
    assert cut.doubt == pytest.approx(exp(-sum(log(1 + link.odds) for link in cut.links)))
