"""Customers kept at hand give the same as folded anew: a fold goes on only where all it has taken in still stands.

What it took in is compared fact by fact, so nobody has to say what has changed: late facts, merges, judgements, what
was rolled back and what other processes wrote are other facts, and are folded from the first.
"""

from collections import OrderedDict
from collections.abc import Sequence
from itertools import islice
from operator import is_

from identity.profiles import Profile, ProfileId
from service.customers.customer import Customer, CustomerFold, CustomerRules, Parted
from service.customers.names import Fact

MAX_FACTS = 200_000
"""How many facts the folds at hand have taken in together: some hundreds of megabytes at most."""


class Regulars:
    """Folds customers for a deployment, and keeps the folds of those asked for last. Not for two threads."""

    def __init__(self, rules: CustomerRules, max_facts: int = MAX_FACTS) -> None:
        self.rules = rules
        self._max_facts = max_facts
        self._kept: OrderedDict[ProfileId, _Regular] = OrderedDict()
        self.weight = 0
        """How much is at hand: never more than `max_facts` between calls."""

    def forget(self) -> None:
        """Drop everything."""
        self._kept.clear()
        self.weight = 0

    def customer(self, profile: Profile, facts: Sequence[Fact], parted: Sequence[Parted] = ()) -> Customer:
        """Give what `customer` gives. O(n) for n facts, of which only the new ones cost more than a look."""
        regular = self._kept.pop(profile.profile_id, None)
        if regular is not None:
            self.weight -= regular.weight
        if regular is None or not regular.leads_to(profile, facts, parted):
            regular = _Regular(profile, self.rules, parted)
        found = regular.go_on(facts)
        self._kept[profile.profile_id] = regular
        self.weight += regular.weight
        while self.weight > self._max_facts:
            self.weight -= self._kept.popitem(last=False)[1].weight
        return found


class _Regular:
    """A fold, and what it has taken in."""

    __slots__ = ("_fold", "_parted", "_profile", "taken")

    def __init__(self, profile: Profile, rules: CustomerRules, parted: Sequence[Parted]) -> None:
        self._profile = profile
        self._parted = parted
        self._fold = CustomerFold(profile, rules, parted)
        self.taken: Sequence[Fact] = ()

    @property
    def weight(self) -> int:
        """What it counts for: a profile without facts takes room, too."""
        return 1 + len(self.taken)

    def leads_to(self, profile: Profile, facts: Sequence[Fact], parted: Sequence[Parted]) -> bool:
        """Tell whether the facts are those taken in, and perhaps more after them, about the same profile."""
        if profile != self._profile or parted != self._parted or len(self.taken) > len(facts):
            return False
        return all(map(is_, self.taken, facts)) or all(
            before.message is now.message and before.owner == now.owner
            for before, now in zip(self.taken, facts, strict=False)
        )

    def go_on(self, facts: Sequence[Fact]) -> Customer:
        """Take in what is new."""
        for fact in islice(facts, len(self.taken), None):
            self._fold.take(fact)
        self.taken = facts
        return self._fold.customer()
