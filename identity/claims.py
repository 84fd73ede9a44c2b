"""The claims on an identifier in the order of the replay, and whose an event is by each policy of the rules."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from identity.identifiers import Identifier
from identity.observations import Observation
from identity.profiles import ProfileRef
from identity.rules import DeviceOwner


class Replayed(NamedTuple):
    """An observation as it went through the replay: what of it counted, and the person its profile held right after."""

    observation: Observation
    identifiers: tuple[Identifier, ...]
    person_after: Identifier | None


class Claim(NamedTuple):
    """An observation that says whose it is."""

    place: int
    replayed: Replayed
    owner: ProfileRef


@dataclass(slots=True)
class Claims:
    """The claims on one identifier: the first, all claimants, and the claims that came to stand, with their places."""

    first: Claim
    claimants: set[ProfileRef] = field(default_factory=set)
    standing: list[Claim] = field(default_factory=list)
    places: list[int] = field(default_factory=list)

    def add(self, claim: Claim) -> None:
        """Let a claim take over, unless its trust is lower than that of the one standing."""
        self.claimants.add(claim.owner)
        if not self.standing or claim.replayed.observation.trust >= self.standing[-1].replayed.observation.trust:
            self.standing.append(claim)
            self.places.append(claim.place)

    def before(self, place: int) -> Claim | None:
        """Give the one standing before a place of the replay."""
        index = bisect_left(self.places, place)
        return self.standing[index - 1] if index else None


def place_of(claim: Claim) -> int:
    """Give a claim's place in the replay."""
    return claim.place


def file(claims: dict[Identifier, Claims], identifiers: Iterable[Identifier], claim: Claim) -> None:
    """File a claim under each of its identifiers."""
    for identifier in identifiers:
        claims.setdefault(identifier, Claims(claim)).add(claim)


def _latest(claims: Iterable[Claim]) -> ProfileRef:
    """Give the owner of the latest claim."""
    return max(claims, key=lambda c: c.place).owner


def _first(claims: Iterable[Claims]) -> ProfileRef:
    """Give the owner of the earliest claim of all."""
    return min((c.first for c in claims), key=lambda c: c.place).owner


def _interval(claims: Sequence[Claims], place: int) -> ProfileRef | None:
    """Give the latest earlier claim's owner, else the earliest later one's."""
    standing = [c for of_one in claims if (c := of_one.before(place)) is not None]
    return _latest(standing) if standing else _first(claims)


def _newest_login(claims: Sequence[Claims], _: int) -> ProfileRef | None:
    """Give the newest claim's owner, whenever the event was."""
    return _latest(c.standing[-1] for c in claims)


def _first_login(claims: Sequence[Claims], _: int) -> ProfileRef | None:
    """Give the earliest claim's owner, whenever the event was."""
    return _first(claims)


def _nobody(claims: Sequence[Claims], _: int) -> ProfileRef | None:
    """Give the one claimant, or nobody where there are several."""
    owners: set[ProfileRef] = set().union(*(c.claimants for c in claims))
    return owners.pop() if len(owners) == 1 else None


POLICIES: Mapping[DeviceOwner, Callable[[Sequence[Claims], int], ProfileRef | None]] = {
    DeviceOwner.INTERVAL: _interval,
    DeviceOwner.NEWEST_LOGIN: _newest_login,
    DeviceOwner.FIRST_LOGIN: _first_login,
    DeviceOwner.NOBODY: _nobody,
}
