"""How well each identifier of a profile is known: how often, when, by whom and how far trusted it was seen."""

from dataclasses import dataclass
from datetime import datetime

from identity.identifiers import Identifier, NamespaceClass
from identity.observations import Trust
from identity.rules import LinkingRules
from service.customers.names import Names
from service.events.messages import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """An identifier that a profile holds.

    `trust` is the highest it was seen at, `source` whoever said so last. `vouched`: a server or verified observation
    held it together with a person of the profile; where the profile has no person, held it at all.
    """

    identifier: Identifier
    kind: NamespaceClass
    trust: Trust
    source: str
    first_seen: datetime
    last_seen: datetime
    observations: int
    vouched: bool


@dataclass(slots=True)
class _Tally:
    trust: Trust
    source: str
    first_seen: datetime
    last_seen: datetime
    observations: int = 0
    vouched: bool = False


class Sightings:
    """Counts the sightings of a profile's identifiers, given in order of time.

    `confidence` estimates whether what is linked to the profile belongs to it, from how often that was put to the test:
    of the n sightings of its contacts, devices and browsers together with any person, k named the profile's own, and
    the estimate is (k + 1) / (n + 2), the mean of k of n under a uniform prior (Laplace's rule of succession). A
    profile of one identifier links nothing: 1. It is a frequency of agreement, not a calibrated probability, and it
    knows nothing of errors that agree with each other.
    """

    def __init__(self, rules: LinkingRules, *, has_person: bool) -> None:
        self._rules = rules
        self._has_person = has_person
        self._tallies: dict[Identifier, _Tally] = {}
        self._sorted: list[Identifier] = []
        self._known: dict[Identifier, Known] = {}
        """What the tallies amount to, of identifiers that were not seen since that was asked for."""
        self._tested = self._agreed = 0

    def take(self, message: Message, names: Names) -> None:
        """Count one fact."""
        trusted = message.trust >= Trust.SERVER and (names.own or not self._has_person)
        for identifier in names.held:
            tally = self._tallies.get(identifier)
            if tally is None:
                tally = _Tally(message.trust, message.source, message.at, message.at)
                self._tallies[identifier] = tally
            tally.observations += 1
            tally.last_seen = message.at
            if message.trust >= tally.trust:
                tally.trust, tally.source = message.trust, message.source
            tally.vouched = tally.vouched or trusted
            self._known.pop(identifier, None)
        if names.persons and any(identifier not in names.persons for identifier in names.held):
            self._tested += 1
            self._agreed += names.own

    @property
    def confidence(self) -> float:
        """Give the estimate, in (0, 1]; see the class."""
        return 1.0 if len(self._tallies) <= 1 else (self._agreed + 1) / (self._tested + 2)

    def known(self) -> dict[Identifier, Known]:
        """Give the profile's identifiers, the most telling first."""
        if len(self._sorted) != len(self._tallies):
            self._sorted = sorted(self._tallies, key=self._rules.rank)
        return {identifier: self._known.get(identifier) or self._count(identifier) for identifier in self._sorted}

    def _count(self, identifier: Identifier) -> Known:
        tally = self._tallies[identifier]
        self._known[identifier] = known = Known(
            identifier=identifier,
            kind=self._rules.kind(identifier),
            trust=tally.trust,
            source=tally.source,
            first_seen=tally.first_seen,
            last_seen=tally.last_seen,
            observations=tally.observations,
            vouched=tally.vouched,
        )
        return known
