"""Links: each pair of identifiers ever seen together in a raw component, what speaks for it and what came of it.

A link's weight is the log-odds that its two ends are one person's, as far as counting tells: ln((n + ½) / (m + ½)) with
n observations that saw both, and m that saw one of them with somebody who is not in the other's profile (the
Krichevsky–Trofimov estimate). It is a frequency, not a calibrated probability.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import combinations
from math import log

from identity.component import Component
from identity.identifiers import Identifier
from identity.judgements import Pair
from identity.observations import Observation, Trust
from identity.profiles import ProfileRef
from identity.replaying.forest import RefusalReason


class LinkState(StrEnum):
    """What came of a link."""

    KEPT = "kept"
    REFUSED = "refused"
    EXPIRED = "expired"
    """Dropped when an end was seen again after more than its ttl."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A pair of identifiers, all sightings of both together, and what came of it.

    `trusts` counts the sightings by trust, `against` those that speak against it. `refused` and `by` tell why it was
    refused, and at which observation (its message id).
    """

    left: Identifier
    right: Identifier
    state: LinkState
    trusts: Mapping[Trust, int]
    first_seen: datetime
    last_seen: datetime
    against: int
    refused: RefusalReason | None = None
    by: str | None = None

    @property
    def sightings(self) -> int:
        """How many observations saw both."""
        return sum(self.trusts.values())

    @property
    def trust(self) -> Trust:
        """The highest trust of any sighting."""
        return max(self.trusts)

    @property
    def odds(self) -> float:
        """The odds that both are one person's: above 0, without bound."""
        return (self.sightings + 0.5) / (self.against + 0.5)

    @property
    def log_odds(self) -> float:
        """Its weight."""
        return log(self.odds)

    @property
    def probability(self) -> float:
        """The share of sightings that speak for it: between 0 and 1, never either."""
        return self.odds / (1 + self.odds)


class _Evidence:
    """Counts, for each identifier seen, with whom it was seen."""

    def __init__(self, refs: Mapping[Identifier, ProfileRef]) -> None:
        self._refs = refs
        self.sightings: dict[Pair, list[Observation]] = {}
        self._accompanied: Counter[Identifier] = Counter()
        self._within: Counter[tuple[Identifier, ProfileRef]] = Counter()
        self._mixed: Counter[tuple[Identifier, Identifier]] = Counter()

    def add(self, observation: Observation, identifiers: tuple[Identifier, ...]) -> None:
        """Count one observation, or what is left of it."""
        for pair in combinations(sorted(identifiers), 2):
            self.sightings.setdefault(pair, []).append(observation)
        for one in identifiers:
            others = [i for i in identifiers if i != one]
            profiles = {self._refs[i] for i in others}
            self._accompanied[one] += bool(others)
            if len(profiles) == 1:
                self._within[one, profiles.pop()] += 1
            else:
                self._mixed.update((one, other) for other in others)

    def against(self, pair: Pair) -> int:
        """Count the observations that saw one of two with somebody who is not in the other's profile."""
        return sum(self._elsewhere(one, other) for one, other in (pair, pair[::-1]))

    def _elsewhere(self, one: Identifier, other: Identifier) -> int:
        """Count those that saw one without the other, and with somebody not in the other's profile.

        Where all that one was seen with is of one profile, and the other among it, it is the other's own.
        """
        return self._accompanied[one] - self._within[one, self._refs[other]] - self._mixed[one, other]


def links(component: Component) -> dict[Pair, Link]:
    """Give every link of a component, in the order of its ends. Costs the pairs of its observations."""
    evidence = _Evidence(component.refs())
    for replayed in component.replayed:
        evidence.add(replayed.observation, replayed.identifiers)
    return {pair: _link(component, evidence, pair) for pair in sorted(evidence.sightings)}


def _link(component: Component, evidence: _Evidence, pair: Pair) -> Link:
    """Put together what is known of one link."""
    seen = evidence.sightings[pair]
    kept = pair in component.replay.cluster(pair[0]).links
    refused = component.replay.refused.get(pair)
    dropped = LinkState.EXPIRED if refused is None else LinkState.REFUSED
    return Link(
        left=pair[0],
        right=pair[1],
        state=LinkState.KEPT if kept else dropped,
        trusts=dict(sorted(Counter(o.trust for o in seen).items())),
        first_seen=min(o.at for o in seen),
        last_seen=max(o.at for o in seen),
        against=evidence.against(pair),
        refused=None if kept or refused is None else refused.reason,
        by=None if kept or refused is None else refused.by,
    )
