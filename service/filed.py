"""The facts of one raw component, filed once for all of its profiles: by whose they are and by what they name.

Made again as soon as the component or its history has changed; nothing of it is ever changed.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from identity.component import Component
from identity.identifiers import Identifier
from identity.observations import Observation
from identity.ownership import Owners
from identity.profiles import ProfileId, ProfileRef
from service.messages import Message

MAX_FACTS = 200_000
"""How many facts are kept filed: some 40 MB beside the messages themselves."""

_Names = tuple[Identifier, ...]
K = TypeVar("K")


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenFact:
    """A message of the profile's raw component; `owner` is the profile it belongs to (None: nobody's)."""

    seq: int
    message: Message
    observation: Observation
    owner: ProfileId | None


class FiledFacts:
    """Facts in the order of the replay, to be found by owner and by what they name."""

    def __init__(self, facts: Iterable[SeenFact]) -> None:
        self.facts = tuple(facts)
        self._owned: defaultdict[ProfileId | None, list[int]] = defaultdict(list)
        self._naming: defaultdict[_Names, list[int]] = defaultdict(list)
        for place, fact in enumerate(self.facts):
            self._owned[fact.owner].append(place)
            self._naming[fact.observation.identifiers].append(place)

    def and_later(self, facts: Sequence[SeenFact]) -> "FiledFacts":
        """Give these facts and some that come after them in the replay; this stays as it is."""
        joined = FiledFacts(facts)
        places = len(self.facts)
        joined.facts = self.facts + joined.facts
        joined._owned = _joined(self._owned, joined._owned, places)
        joined._naming = _joined(self._naming, joined._naming, places)
        return joined

    def named_by(self, owner: ProfileId) -> set[Identifier]:
        """Give the identifiers in a profile's own facts."""
        return {i for place in self._owned.get(owner, ()) for i in self.facts[place].observation.identifiers}

    def telling(
        self, owner: ProfileId, members: Iterable[Identifier], others: Iterable[Identifier] = ()
    ) -> tuple[SeenFact, ...]:
        """Give a profile's own facts, and those that name others, a member of it or what was ever seen with one.

        O(k log k) for k of them, and the distinct sets of names in the component.
        """
        own = self._owned.get(owner, ())
        if len(own) == len(self.facts):
            return self.facts
        held = frozenset(members)
        near = held.union(others, *(names for names in self._naming if not held.isdisjoint(names)))
        places = set(own)
        places.update(*(found for names, found in self._naming.items() if not near.isdisjoint(names)))
        return tuple(self.facts[place] for place in sorted(places))


def _joined(before: Mapping[K, list[int]], later: Mapping[K, list[int]], places: int) -> defaultdict[K, list[int]]:
    """Join two indices, the second of which counts from `places`."""
    result = defaultdict(list, {key: found.copy() for key, found in before.items()})
    for key, found in later.items():
        result[key].extend([places + place for place in found])
    return result


@dataclass(frozen=True, slots=True)
class _Kept:
    """What was filed, and what it was made of."""

    owners: Owners
    history: int
    filed: FiledFacts = field(repr=False)

    @property
    def weight(self) -> int:
        """What it counts for: a component that only judgements speak of takes room, too."""
        return 1 + len(self.filed.facts)


class Filing:
    """Files components, and keeps the last ones filed."""

    def __init__(self, id_of: Callable[[ProfileRef], ProfileId]) -> None:
        self._id_of = id_of
        self._kept: OrderedDict[Component, _Kept] = OrderedDict()
        self._facts = 0

    def forget(self) -> None:
        """Drop everything."""
        self._kept.clear()
        self._facts = 0

    def file(self, component: Component, history: Mapping[int, tuple[Message, Observation]]) -> FiledFacts:
        """Give a component's facts; its owners are others once one filed may be another's, and its history grows."""
        owners = component.owners()
        kept = self._kept.pop(component, None)
        if kept is not None:
            self._facts -= kept.weight
        if kept is None or kept.owners is not owners:
            kept = _Kept(owners, len(history), FiledFacts(self._seen(owners, history)))
        elif kept.history != len(history):
            kept = _Kept(owners, len(history), self._gone_on(kept, owners, history))
        self._kept[component] = kept
        self._facts += kept.weight
        self._trim()
        return kept.filed

    def _gone_on(self, kept: _Kept, owners: Owners, history: Mapping[int, tuple[Message, Observation]]) -> FiledFacts:
        """File what has come since as well; everything anew where some of it belongs before what is filed."""
        known = kept.filed.facts
        later = list(self._seen(owners, dict(islice(history.items(), kept.history, None))))
        if known and later and later[0].observation.key < known[-1].observation.key:
            return FiledFacts(self._seen(owners, history))
        return kept.filed.and_later(later)

    def _trim(self) -> None:
        while self._facts > MAX_FACTS and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self._facts -= oldest.weight

    def _seen(self, owners: Owners, history: Mapping[int, tuple[Message, Observation]]) -> Iterable[SeenFact]:
        attribution = owners.attribution()
        ids = {ref: self._id_of(ref) for ref in {*attribution.values()} if ref is not None}
        placed = [
            (key, SeenFact(seq=seq, message=message, observation=observation, owner=_id(ids, attribution[key])))
            for seq, (message, observation) in history.items()
            if (key := observation.key) in attribution  # else it is another component's: a flooded identifier was seen
        ]
        placed.sort(key=lambda each: each[0])
        return (fact for _, fact in placed)


def _id(ids: Mapping[ProfileRef, ProfileId], ref: ProfileRef | None) -> ProfileId | None:
    return None if ref is None else ids[ref]
