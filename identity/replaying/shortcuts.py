"""What a rebuild comes to, told by less than all links: by the last ones, or by the least spanning tree.

Either gives None where it does not suffice; tests/identity/replaying/test_replay.py compares both with whole rebuilds.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from identity.identifiers import Identifier
from identity.judgements import Pair
from identity.replaying.clusters import Cluster
from identity.replaying.division import Division
from identity.replaying.fitting import agree
from identity.replaying.forest import Forest, Reasons, RefusalReason
from identity.replaying.ranking import Ranked, Weight, seen_again
from identity.replaying.shedding import comes_off
from identity.replaying.state import State, Touched
from identity.replaying.tree import spanning


def shorten(state: State, touched: Touched) -> set[Identifier] | None:
    """Rebuild by the last links, or else by the tree; give who moved."""
    known, placed = _at_hand(state, touched)
    moved = _shed(state, touched, placed)
    return _contest(state, touched, known, placed) if moved is None else moved


def _at_hand(state: State, touched: Touched) -> tuple[Mapping[Pair, Weight], list[Ranked]]:
    """Give what links at hand weighed before, where they were, and all of them, in order, as they are sighted."""
    old, _, pairs, observation = touched
    known = {pair: weight for c in old for pair in pairs if (weight := c.links.get(pair)) is not None}
    links = {pair: seen_again(known.get(pair), observation) for pair in pairs}
    return known, state.ranking.placed(links, links.keys(), links.keys() - known.keys())


# --- where only the cap is in the way: the ends of the last links come off ---


def _shed(state: State, touched: Touched, placed: Sequence[Ranked]) -> set[Identifier] | None:
    """Rebuild by the last links of the least spanning trees alone."""
    old, fresh, _, observation = touched
    terms = state.terms
    once = all(c.size == len(c.members) for c in old) and terms.verdicts.groups.keys().isdisjoint(fresh)
    if not once or not agree(terms, old, fresh):
        return None
    parts = comes_off(old, fresh, placed, state.ranking, terms.rules.profile_cap)
    if parts is None:
        return None
    before = state.before(old)
    apart = [_come_off(state, home, off, touched) for home, off in parts]
    into = state.unite(touched)
    for part, between in apart:
        persons = part.person is not None and into.person is not None
        asserted = RefusalReason.PERSONS_NEED_TRUST if persons else RefusalReason.PROFILE_CAP
        for pair, weight in between.items():
            state.refuse(pair, Reasons(RefusalReason.PROFILE_CAP, asserted).of(weight.trust), observation)
    return state.moved(before, [into, *(part for part, _ in apart)])


def _come_off(
    state: State, home: Cluster, off: AbstractSet[Identifier], touched: Touched
) -> tuple[Cluster, dict[Pair, Weight]]:
    """Make a profile of its own of some members; give it with what linked them to the others."""
    part = state.make(off, touched.observation.key)
    between = home.hand_over(part)
    home.since = touched.observation.key
    state.lead_anew(home, off)
    state.place([part])
    return part, between


# --- where it divides what it touches into no more than two ---


def _contest(
    state: State, touched: Touched, known: Mapping[Pair, Weight], placed: Sequence[Ranked]
) -> set[Identifier] | None:
    """Rebuild by the least spanning tree alone.

    If of that tree only one link is refused, so is every link between the two sides: it comes later in the order, for
    the refused one lies on the way between its ends, and what may not be joined once never may. No other link is
    refused, for its ends are joined before its turn.
    """
    if any(state.ranking.standing(pair, weight)[3] for pair, weight in known.items()):
        return None
    incoming = frozenset(order[-1] for order, _ in placed)
    trees = [cluster.tree(state.ranking).links for cluster in touched.old]
    ranked = spanning([*(e for tree in trees for e in tree if e[0][-1] not in incoming), *placed])
    forest = Forest(state.terms, [*(i for c in touched.old for i in c.members), *touched.fresh])
    broken = forest.grow(((entry[0][-1], entry[1].trust) for entry in ranked), most=1)
    if len(broken) > 1 or any(reasons != forest.reasons(pair) for pair, reasons in broken.items()):
        return None
    reasons = next(iter(broken.values()), Reasons(None, None))
    made = [state.make(group, touched.observation.key) for group in forest.trees()]
    return _divide(state, Division(touched.old, trees, made), placed, reasons, touched)


def _divide(
    state: State, division: Division, placed: Sequence[Ranked], reasons: Reasons, touched: Touched
) -> set[Identifier]:
    """Let clusters take the place of old ones, with the links between their members; refuse those in between."""
    before = state.before(division.old)
    parted = division.inherit()
    for order, weight in placed:
        pair = order[-1]
        state.refused.pop(pair, None)
        parted.pop(pair, None)
        if not division.see(pair, weight):
            parted[pair] = weight
    for pair, weight in parted.items():
        state.refuse(pair, reasons.of(weight.trust), touched.observation)
    division.close()
    state.place(division.made)
    return state.moved(before, division.made)
