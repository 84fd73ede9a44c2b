"""The contested case: the links of the profiles touched are put in order and added one by one (DESIGN 4.4)."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from identity.identifiers import Identifier
from identity.judgements import Pair
from identity.observations import Observation
from identity.replaying.clusters import Cluster
from identity.replaying.forest import Forest
from identity.replaying.ranking import Ranked, Weight, seen_again
from identity.replaying.state import State, Touched


def rebuild(state: State, touched: Touched, expired: AbstractSet[Identifier]) -> set[Identifier]:
    """Add the links anew but for those of expired identifiers, refuse those that break a limit; give who moved."""
    links = _standing(state, touched.old, expired)
    incoming = frozenset(touched.pairs)
    made = incoming - links.keys()
    for pair in touched.pairs:
        links[pair] = seen_again(links.get(pair), touched.observation)
        state.refused.pop(pair, None)
    before = state.before(touched.old)
    members = [*(i for c in touched.old for i in c.members), *touched.fresh]
    clusters = _add(state, members, state.ranking.placed(links, incoming, made), touched.observation)
    state.place(clusters)
    return state.moved(before, clusters)


def _standing(state: State, old: Sequence[Cluster], expired: AbstractSet[Identifier]) -> dict[Pair, Weight]:
    """Give the links of clusters, but of expired identifiers."""
    links: dict[Pair, Weight] = {}
    for cluster in old:
        links |= cluster.links
    for pair in [pair for pair in links if not expired.isdisjoint(pair)] if expired else ():
        del links[pair]
        state.ranking.forget(pair)
    return links


def _add(
    state: State, members: Sequence[Identifier], ranked: Sequence[Ranked], observation: Observation
) -> list[Cluster]:
    """Join must-linked members, then the ends of each link in turn unless that breaks a limit."""
    forest = Forest(state.terms, members)
    broken = forest.grow((order[-1], weight.trust) for order, weight in ranked)
    for order, weight in ranked if broken else ():
        pair = order[-1]
        if pair in broken:
            state.refuse(pair, broken[pair].of(weight.trust), observation)
    made = [state.make(group, observation.key) for group in forest.trees()]
    links = {identifier: cluster.links for cluster in made for identifier in cluster.members}
    for order, weight in ranked:
        pair = order[-1]
        if not broken or pair not in broken:
            links[pair[0]][pair] = weight
    return made
