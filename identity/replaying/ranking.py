"""The order in which a rebuild adds links: the least comes first (DESIGN 4.4).

Higher trust; the incoming observation's; lower sum of priorities; newer. Where the first claim counts (`conflict =
first`, or an asserted link that ends in a contact) what is newly made comes last, older first.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import NamedTuple

from identity.identifiers import NamespaceClass
from identity.judgements import Pair
from identity.observations import Observation, Trust
from identity.rules import Conflict, LinkingRules


class Weight(NamedTuple):
    """What a link weighs: its highest trust and its latest sighting, since it was last refused."""

    trust: Trust
    age: datetime


Order = tuple[int, int, int, bool, float, Pair]
"""A link's place in a rebuild: trust, place, sum of priorities, whether the first counts, age, the pair."""

Ranked = tuple[Order, Weight]


class Ranking:
    """Ranks links under some rules; keeps what it said, for a profile's links are ranked again often."""

    def __init__(self, rules: LinkingRules) -> None:
        self._rules = rules
        self._orders: dict[Pair, tuple[Weight, Order]] = {}

    def standing(self, pair: Pair, weight: Weight) -> Order:
        """Rank a link that the observation at hand does not sight."""
        kept = self._orders.get(pair)
        if kept is not None and kept[0] is weight:
            return kept[1]
        left, right = (self._rules.namespace(i.namespace) for i in pair)
        first_counts = self._first_counts(left.kind, right.kind, weight.trust)
        seconds = weight.age.timestamp()
        order = (
            -weight.trust,
            1,
            left.priority + right.priority,
            first_counts,
            seconds if first_counts else -seconds,
            pair,
        )
        self._orders[pair] = (weight, order)
        return order

    def placed(
        self, links: Mapping[Pair, Weight], incoming: AbstractSet[Pair], made: AbstractSet[Pair]
    ) -> list[Ranked]:
        """Sort links, of which the observation at hand sights those incoming and newly makes those made."""
        ordered = [(self.standing(pair, weight), weight) for pair, weight in links.items()]
        for place, (order, weight) in enumerate(ordered):
            if order[-1] in incoming:
                at_hand = (2 if order[-1] in made else 1) if order[3] else 0
                ordered[place] = ((order[0], at_hand, *order[2:]), weight)
        ordered.sort(key=by_order)
        return ordered

    def forget(self, pair: Pair) -> None:
        """Forget a link that was refused."""
        self._orders.pop(pair, None)

    def _first_counts(self, left: NamespaceClass, right: NamespaceClass, trust: Trust) -> bool:
        """Tell whether a link is settled by who came first rather than by who came last."""
        if self._rules.conflict is Conflict.FIRST:
            return True
        if self._rules.asserted_contacts is Conflict.NEWEST or trust > Trust.ASSERTED:
            return False
        return NamespaceClass.CONTACT in (left, right)


def seen_again(weight: Weight | None, observation: Observation) -> Weight:
    """Give a link's weight after one more sighting."""
    if weight is None:
        return Weight(observation.trust, observation.at)
    return Weight(max(weight.trust, observation.trust), max(weight.age, observation.at))


def by_order(link: Ranked) -> Order:
    """Give what a link is sorted by."""
    return link[0]
