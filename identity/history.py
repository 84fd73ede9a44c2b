"""As of a moment: who was who by the facts known then, though later ones merged, parted or shared them since.

R of the facts known at a moment can be had from the raw components of today that a few identifiers reach, with those
that hubs of today parted from them.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from identity.component import Component
from identity.erasures import NO_GRAVES, Graves
from identity.hubs import Hubs, PersonTally
from identity.identifiers import Identifier
from identity.incremental import Incremental
from identity.judgements import Judgement, Word, in_force, settle
from identity.observations import Observation, ReplayKey
from identity.ports import MemoryShelf
from identity.rules import LinkingRules

Naming = Callable[[Iterable[Identifier]], Iterable[Observation]]
"""Gives all observations known that name any of some identifiers: of hubs the only way to them."""


class Known(Protocol):
    """What history reads of today's components: no more of a shelf than that."""

    def hubs(self, identifiers: Iterable[Identifier]) -> Hubs:
        """Tell which of these are known as hubs."""
        ...

    def find(self, identifiers: Iterable[Identifier]) -> Sequence[Component]:
        """Give the distinct components that hold any of these, in a stable order."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """All that is known today, to be asked as of earlier moments."""

    rules: LinkingRules
    shelf: Known
    naming: Naming
    words: Sequence[Word] = ()
    graves: Graves = NO_GRAVES

    def as_of(self, identifiers: Iterable[Identifier], moment: datetime) -> list[Component]:
        """Give the components that held some identifiers by what was known at a moment; none if nothing was."""
        wanted = frozenset(identifiers)
        return self.past(wanted, moment).find(sorted(wanted))

    def past(self, identifiers: Iterable[Identifier], moment: datetime) -> MemoryShelf:
        """Give a shelf of what was known at a moment, with all that bears on some identifiers.

        Whatever it says of these identifiers' profiles is what `resolve(…, as_of=moment)` of all facts says. Costs a
        replay of today's components of these identifiers, and of those of hubs that were none then.
        """
        judgements = in_force(self.words, moment)
        wanted = frozenset(identifiers)
        observations, hubs = self._reached(wanted, moment, judgements)
        then = MemoryShelf()
        then.mark(hubs)
        Incremental(self.rules, then, judgements, self.graves).add_many(observations)
        return then

    def _reached(
        self, wanted: frozenset[Identifier], moment: datetime, judgements: Sequence[Judgement]
    ) -> tuple[list[Observation], Hubs]:
        """Give the observations known then that reach these identifiers, and what of theirs was a hub then."""
        group = settle(judgements).group
        found: dict[ReplayKey, Observation] = {}
        hubs = Hubs()
        seen: set[Identifier] = set()
        ahead = set(wanted)
        while ahead:
            partners = ahead.union(*map(group, ahead))
            seen |= partners
            today = self.shelf.hubs(partners)
            hubs = hubs.joined(self._then(today, moment))
            open_again = (today.shared | today.flooded) - hubs.shared
            fresh = list(self.naming(open_again)) if open_again else []
            fresh += (o for c in self.shelf.find(sorted(partners)) for o in c.observations())
            known = {o.key: o for o in fresh if o.known_at <= moment}
            found |= known
            ahead = {i for o in known.values() for i in o.identifiers} - seen - hubs.shared
        return list(found.values()), hubs

    def _then(self, today: Hubs, moment: datetime) -> Hubs:
        """Tell which of today's hubs were hubs then: more facts only ever make more of them."""
        some = today.shared | today.flooded
        tally = PersonTally(self.rules)
        for observation in self.naming(some) if some else ():
            if observation.known_at <= moment:
                tally.add(observation)
        return tally.hubs(some)
