"""A core keeps the least spanning tree of its links, and the sides of each link, whatever is seen again or goes."""

from datetime import timedelta
from random import Random

import pytest

from identity.identifiers import Identifier
from identity.judgements import Pair
from identity.observations import Observation, Trust
from identity.replaying.core import Core, core_of
from identity.replaying.ranking import Ranking, Weight, seen_again
from identity.replaying.tree import spanning
from identity.rules import LinkingRules
from tests.strategies import START

MEMBERS = sorted(
    Identifier(name, str(n)) for name in ("anonymous_id", "device_id", "email", "user_id") for n in range(4)
)


@pytest.mark.parametrize("seed", range(60))
def test_the_tree_is_the_least_one_after_every_sighting(seed: int) -> None:
    """Links are made, and seen again earlier in the order, or, where the first counts, later."""
    random, ranking = Random(seed), Ranking(LinkingRules())
    links = {_pair(MEMBERS[0], other): _weight(random, 0, None) for other in MEMBERS[1:]}
    core = core_of(links, ranking)
    for number in range(40):
        for _ in range(random.randint(1, 4)):
            pair = _pair(*random.sample(MEMBERS, 2))
            links[pair] = _weight(random, number, links.get(pair))
            core.see([pair])
        assert core.settle(links, ranking).links == _least(links, ranking)
        _part_somewhere(random, core, links, ranking)


def _part_somewhere(random: Random, core: Core, links: dict[Pair, Weight], ranking: Ranking) -> None:
    """Hold the sides of a link against a walk over the tree; let one go, in a copy, and hold what stays."""
    tree = core.settle(links, ranking)
    cut = random.choice(tree.links)
    side = core.below(cut)
    assert side == _walk({entry[0][-1] for entry in tree.links if entry is not cut}, next(iter(side)))
    off = side if random.random() < 0.5 else set(MEMBERS) - side
    copied = core.copy()
    gone = set(copied.release(off))
    stays = {pair: weight for pair, weight in links.items() if pair not in gone}
    assert gone == {pair for pair in links if not off.isdisjoint(pair)}
    assert copied.settle(stays, ranking).links == _least(stays, ranking)
    assert core.settle(links, ranking).links == _least(links, ranking)


def _least(links: dict[Pair, Weight], ranking: Ranking) -> list[object]:
    """Give the least spanning tree of all links, made anew."""
    return list(spanning([(ranking.standing(pair, weight), weight) for pair, weight in links.items()]))


def _walk(links: set[Pair], start: Identifier) -> set[Identifier]:
    """Give all that these links lead to."""
    reached, grown = {start}, 0
    while grown != len(reached):
        grown = len(reached)
        reached |= {i for pair in links if not reached.isdisjoint(pair) for i in pair}
    return reached


def _pair(left: Identifier, right: Identifier) -> Pair:
    return (left, right) if left < right else (right, left)


def _weight(random: Random, number: int, before: Weight | None) -> Weight:
    """Weigh a link after one more sighting."""
    at = START + timedelta(minutes=random.randint(0, number))
    trust = random.choice([Trust.ASSERTED, Trust.ASSERTED, Trust.SERVER])
    return seen_again(before, Observation(id="1", at=at, identifiers=(), trust=trust))
