"""The facts of one raw component, filed once for all of its profiles: by whose they are and by what they name.

Those that come later are added; made again as soon as one of those filed may be another's.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice

from identity.component import Component
from identity.identifiers import Identifier
from identity.observations import Observation
from identity.ownership import Owners
from identity.profiles import ProfileId, ProfileRef
from service.events.messages import Message

MAX_FACTS = 200_000
"""How many facts are kept filed: some 40 MB beside the messages themselves."""

_Names = tuple[Identifier, ...]


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
        self.facts: tuple[SeenFact, ...] = ()
        self._owned: defaultdict[ProfileId | None, list[int]] = defaultdict(list)
        self._naming: defaultdict[_Names, list[int]] = defaultdict(list)
        self.add(facts)

    def add(self, later: Iterable[SeenFact]) -> None:
        """File some that come after all others in the replay."""
        new = tuple(later)
        for place, fact in enumerate(new, len(self.facts)):
            self._owned[fact.owner].append(place)
            self._naming[fact.observation.identifiers].append(place)
        self.facts += new

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


@dataclass(slots=True)
class _Kept:
    """What was filed, and what it was made of; `history` messages are in it."""

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
        if kept is None or kept.owners is not owners or not self._go_on(kept, history):
            kept = _Kept(owners, len(history), FiledFacts(self._seen(owners, history)))
        self._kept[component] = kept
        self._facts += kept.weight
        self._trim()
        return kept.filed

    def _go_on(self, kept: _Kept, history: Mapping[int, tuple[Message, Observation]]) -> bool:
        """File what has come since as well; False where some of it belongs before what is filed."""
        if kept.history == len(history):
            return True
        known = kept.filed.facts
        later = list(self._seen(kept.owners, dict(islice(history.items(), kept.history, None))))
        if known and later and later[0].observation.key < known[-1].observation.key:
            return False
        kept.filed.add(later)
        kept.history = len(history)
        return True

    def _trim(self) -> None:
        while self._facts > MAX_FACTS and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self._facts -= oldest.weight

    def _seen(self, owners: Owners, history: Mapping[int, tuple[Message, Observation]]) -> Iterable[SeenFact]:
        attribution = owners.attribution()
        # What the attribution lacks is another component's: a flooded identifier was seen.
        placed = [(key, seq, told) for seq, told in history.items() if (key := told[1].key) in attribution]
        placed.sort(key=lambda each: each[0])
        ids = {ref: None if ref is None else self._id_of(ref) for ref in {attribution[key] for key, _, _ in placed}}
        return (
            SeenFact(seq=seq, message=message, observation=observation, owner=ids[attribution[key]])
            for key, seq, (message, observation) in placed
        )
