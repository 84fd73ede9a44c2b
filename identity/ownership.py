"""Who held a device at that moment: each event belongs to one profile, and history does not move (DESIGN 4.6).

A *claim* is an observation with a person or contact identifier. Walking the claims of an identifier in the order of
the replay, each takes over from the one *standing* unless its trust is lower. Everything here is a pure function of
the replayed sightings and of today's profiles.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from identity.claims import POLICIES, Claim, Claims, Replayed, file, place_of
from identity.identifiers import Identifier, NamespaceClass
from identity.observations import Observation, ReplayKey
from identity.profiles import ProfileRef
from identity.rules import AfterLogout, DeviceOwner, LinkingRules


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedInterval:
    """A device's or browser's events in [start, end) belong to a profile; None: unbounded, or nobody's."""

    identifier: Identifier
    start: datetime | None
    end: datetime | None
    owner: ProfileRef | None


class Ground(StrEnum):
    """Why an observation belongs to whom it does."""

    PERSON_NAMED = "person_named"
    """It names that person."""
    CONTACT_NAMED_BEFORE = "contact_named_before"
    """It names a contact, with which that person was last seen before."""
    CONTACT_NAMED_LATER = "contact_named_later"
    """It names a contact, with which nobody was seen before, and that person first after."""
    CLAIMED_BEFORE = "claimed_before"
    """Its device was last claimed for that profile before."""
    CLAIMED_LATER = "claimed_later"
    """Nobody had claimed its device before, and that profile did first after."""
    NEWEST_LOGIN = "newest_login"
    """That profile claimed its device last of all, by the rules whenever that was."""
    FIRST_LOGIN = "first_login"
    """That profile claimed its device first of all, by the rules whenever that was."""
    ONLY_CLAIMANT = "only_claimant"
    """Nobody else ever claimed its device."""
    SEVERAL_CLAIMANTS = "several_claimants"
    """Several claimed its device, and by the rules it is nobody's then."""
    LOGGED_OUT = "logged_out"
    """It names nobody after a claim of its device, and by the rules it is nobody's then."""
    PERSON_OF_PROFILE = "person_of_profile"
    """Nobody claims it; its profile held that person right after it."""
    OWN_PROFILE = "own_profile"
    """Nobody claims it; it is its own profile's."""
    NAMES_NOBODY = "names_nobody"
    """It names nobody at all."""


class Attributed(NamedTuple):
    """Whose an observation is, why, and the claim that decided, if one did."""

    owner: ProfileRef | None
    ground: Ground
    by: Observation | None = None


_Turn = tuple[datetime | None, ProfileRef | None]
"""From when on an identifier was whose."""


def deciding(identifiers: Sequence[Identifier], rules: LinkingRules) -> Identifier:
    """Give the identifier that speaks for an observation without person: its first contact, else its first of all."""
    contacts = [i for i in identifiers if rules.kind(i) is NamespaceClass.CONTACT]
    return min(contacts or identifiers, key=rules.rank)


class _Classes(NamedTuple):
    """The identifiers of an observation by what they stand for, in each class the most telling first."""

    persons: Sequence[Identifier]
    contacts: Sequence[Identifier]
    devices: Sequence[Identifier]


class Owners:
    """The claims of some sightings, given in the order of the replay, by the identifiers they claim.

    `profile_of` gives today's profile of an identifier seen. `alone` is the profile that all belongs to, where every
    identifier is one profile's. Costs O(n log n) for n observations. As long as `go_on` takes in what comes to be
    replayed, every observation stays whose it was.
    """

    def __init__(
        self, replayed: Sequence[Replayed], profile_of: Callable[[Identifier], ProfileRef], rules: LinkingRules
    ) -> None:
        self._replayed = replayed
        self._profile_of = profile_of
        self._rules = rules
        self._classed: dict[tuple[Identifier, ...], _Classes] = {}
        self._contacts: dict[Identifier, Claims] = {}
        self._claimants: list[ProfileRef | None] = []
        self._devices: dict[Identifier, Claims] = {}
        self._attributed: dict[ReplayKey, ProfileRef | None] | None = None
        self.alone = self._only_profile()
        if self.alone is None:
            self._walk()

    def _only_profile(self) -> ProfileRef | None:
        """Give the profile that all is: where every identifier is one profile's, so is every claim and every device."""
        if self._rules.after_logout is not AfterLogout.OWNER:
            return None
        names = {r.identifiers for r in self._replayed}
        found = {self._profile_of(identifier) for identifiers in names for identifier in identifiers}
        return found.pop() if len(found) == 1 else None

    def _walk(self) -> None:
        """Walk the claims."""
        self._contacts = self._person_sightings(self._replayed)
        self._claimants = [self._claimant(place, r) for place, r in enumerate(self._replayed)]
        for place, (r, owner) in enumerate(zip(self._replayed, self._claimants, strict=True)):
            if owner is not None:
                file(self._devices, self._classes(r.identifiers).devices, Claim(place, r, owner))

    def go_on(self, later: Sequence[Replayed]) -> bool:
        """Take in observations replayed since, by which nobody came into another profile.

        They came after all others, but where all is one profile's. False, and this is of no use any more, if they may
        change whose the others are: a contact or a device was claimed for the first time, or the newest login counts.
        """
        if self.alone is not None:
            return self._one_more(later)
        if self._rules.device_owner not in _UNMOVED:
            return False
        for place, r in enumerate(later, len(self._claimants)):
            persons, contacts, devices = self._classes(r.identifiers)
            if persons and contacts:
                if not self._contacts.keys() >= {*contacts}:
                    return False
                file(self._contacts, contacts, Claim(place, r, self._profile_of(persons[0])))
            owner = self._claimant(place, r)
            if owner is not None:
                if not self._devices.keys() >= {*devices}:
                    return False
                file(self._devices, devices, Claim(place, r, owner))
            self._claimants.append(owner)
            if self._attributed is not None:
                self._attributed[r.observation.key] = self._of(place, r) if owner is None else owner
        return True

    def _one_more(self, later: Sequence[Replayed]) -> bool:
        """Take in more of what is all one profile's; False if some of it is not."""
        if any(self._profile_of(i) != self.alone for r in later for i in r.identifiers):
            return False
        self._contacts, self._claimants, self._devices = {}, [], {}
        if self._attributed is not None:
            self._attributed |= {r.observation.key: self.alone if r.identifiers else None for r in later}
        return True

    def attribution(self) -> Mapping[ReplayKey, ProfileRef | None]:
        """Tell whose each observation is; one without identifiers is nobody's."""
        if self._attributed is None:
            self._attributed = self._attribution()
        return self._attributed

    def _attribution(self) -> dict[ReplayKey, ProfileRef | None]:
        if self.alone is not None:
            return {r.observation.key: self.alone if r.identifiers else None for r in self._replayed}
        return {
            r.observation.key: self._of(place, r) if claimant is None else claimant
            for place, (r, claimant) in enumerate(zip(self._replayed, self._claimants, strict=True))
        }

    def grounds(self, keys: AbstractSet[ReplayKey]) -> dict[ReplayKey, Attributed]:
        """Tell why observations of these keys are whose `attribution` says they are."""
        if not self._claimants:
            self._walk()
        return {
            r.observation.key: self._ground(place, r)
            for place, r in enumerate(self._replayed)
            if r.observation.key in keys
        }

    def at(self, identifiers: Sequence[Identifier], moment: datetime, person: Identifier | None) -> ProfileRef | None:
        """Tell whose an observation of these identifiers would be at a moment.

        `person` is the one that the profile of the `deciding` identifier holds, if any.
        """
        if self.alone is not None and identifiers:
            return self.alone
        place = bisect_right(self._replayed, moment, key=lambda r: r.observation.at)
        asked = Observation(id="", at=moment, identifiers=tuple(identifiers))
        replayed = Replayed(asked, asked.identifiers, person)
        return self._claimant(place, replayed) or self._of(place, replayed)

    def _of(self, place: int, replayed: Replayed) -> ProfileRef | None:
        """Give the profile that an observation which is no claim belongs to."""
        if not replayed.identifiers:
            return None
        claims = [c for i in replayed.identifiers if (c := self._devices.get(i)) is not None]
        if not claims:
            return self._own_profile(replayed)
        if self._rules.after_logout is AfterLogout.ANONYMOUS and any(c.first.place < place for c in claims):
            return None
        return POLICIES[self._rules.device_owner](claims, place)

    def intervals(self, seen: Iterable[Identifier]) -> Iterable[OwnedInterval]:
        """Give the intervals of every device and browser identifier of those seen, equal neighbours joined."""
        for identifier in sorted(i for i in seen if self._rules.kind(i) in _DEVICES):
            claims = self._devices.get(identifier)
            turns: list[_Turn]
            if claims is None:
                turns = [(None, self._profile_of(identifier))]
            elif self._rules.device_owner is DeviceOwner.INTERVAL:
                turns = [(c.replayed.observation.at, c.owner) for c in claims.standing]
            else:
                turns = [(None, POLICIES[self._rules.device_owner]([claims], claims.first.place))]
            yield from _spans(identifier, self._until_logout(turns, claims))

    def _until_logout(self, turns: list[_Turn], claims: Claims | None) -> list[_Turn]:
        """Where nobody owns a device after its logins, end what it was before at the first of them."""
        if claims is None or self._rules.after_logout is AfterLogout.OWNER:
            return turns
        return [(None, turns[0][1]), (claims.first.replayed.observation.at, None)]

    def _claimant(self, place: int, replayed: Replayed) -> ProfileRef | None:
        """Give the profile a claim belongs to; None if the observation is no claim."""
        persons, contacts, _ = self._classes(replayed.identifiers)
        if persons:
            return self._profile_of(persons[0])
        return self._contact_owner(place, replayed, contacts[0]) if contacts else None

    def _contact_owner(self, place: int, replayed: Replayed, contact: Identifier) -> ProfileRef:
        """Give the person last seen with a contact, else first seen with it later, else the one its profile held."""
        with_persons = self._contacts.get(contact)
        if with_persons is not None:
            return (with_persons.before(place) or with_persons.first).owner
        return self._own_profile(replayed)

    def _own_profile(self, replayed: Replayed) -> ProfileRef:
        """Give the person an observation's profile held right after it, else its own profile."""
        held = replayed.person_after
        return self._profile_of(deciding(replayed.identifiers, self._rules) if held is None else held)

    def _ground(self, place: int, replayed: Replayed) -> Attributed:
        """Tell whose an observation at a place of the replay is, and why; in the order of `_claimant` and `_of`."""
        persons, contacts, _ = self._classes(replayed.identifiers)
        if persons:
            return Attributed(self._profile_of(persons[0]), Ground.PERSON_NAMED)
        if not replayed.identifiers:
            return Attributed(None, Ground.NAMES_NOBODY)
        if contacts:
            with_person = self._contacts.get(contacts[0])
            claims, before, later = [with_person], Ground.CONTACT_NAMED_BEFORE, Ground.CONTACT_NAMED_LATER
        else:
            claims, before, later = list(map(self._devices.get, replayed.identifiers)), *_CLAIMED
        known = [c for c in claims if c is not None]
        if not known:
            held = Ground.OWN_PROFILE if replayed.person_after is None else Ground.PERSON_OF_PROFILE
            return Attributed(self._own_profile(replayed), held)
        standing = max((c for k in known if (c := k.before(place)) is not None), key=place_of, default=None)
        first = min((k.first for k in known), key=place_of)
        if not contacts and (after_login := self._by_policy(known, place, standing, first)) is not None:
            return after_login
        claim, ground = (first, later) if standing is None else (standing, before)
        return Attributed(claim.owner, ground, claim.replayed.observation)

    def _by_policy(
        self, claims: Sequence[Claims], place: int, standing: Claim | None, first: Claim
    ) -> Attributed | None:
        """Tell whose a device's event is where the rules say otherwise than by intervals; None if they do not."""
        if self._rules.after_logout is AfterLogout.ANONYMOUS and first.place < place:
            return Attributed(None, Ground.LOGGED_OUT, (first if standing is None else standing).replayed.observation)
        policy = self._rules.device_owner
        if policy is DeviceOwner.INTERVAL:
            return None
        owner = POLICIES[policy](claims, place)
        if policy is DeviceOwner.NOBODY:
            return Attributed(owner, Ground.SEVERAL_CLAIMANTS if owner is None else Ground.ONLY_CLAIMANT)
        if policy is DeviceOwner.FIRST_LOGIN:
            return Attributed(owner, Ground.FIRST_LOGIN, first.replayed.observation)
        newest = max((c.standing[-1] for c in claims), key=place_of)
        return Attributed(owner, Ground.NEWEST_LOGIN, newest.replayed.observation)

    def _person_sightings(self, replayed: Sequence[Replayed]) -> dict[Identifier, Claims]:
        """File, for each contact, the claims of persons it was seen with."""
        filed: dict[Identifier, Claims] = {}
        for place, r in enumerate(replayed):
            persons, contacts, _ = self._classes(r.identifiers)
            if persons and contacts:
                file(filed, contacts, Claim(place, r, self._profile_of(persons[0])))
        return filed

    def _classes(self, identifiers: tuple[Identifier, ...]) -> _Classes:
        """Class identifiers seen together; most observations of a component name the same as an earlier one."""
        known = self._classed.get(identifiers)
        if known is None:
            kinds = (_PERSONS, _CONTACTS, _DEVICES)
            known = self._classed[identifiers] = _Classes(*(self._of_kinds(identifiers, each) for each in kinds))
        return known

    def _of_kinds(self, identifiers: Iterable[Identifier], kinds: frozenset[NamespaceClass]) -> list[Identifier]:
        """Give the identifiers of some classes, the most telling first."""
        found = [i for i in identifiers if self._rules.kind(i) in kinds]
        return found if len(found) < 2 else sorted(found, key=self._rules.rank)


_CLAIMED = (Ground.CLAIMED_BEFORE, Ground.CLAIMED_LATER)
_PERSONS = frozenset({NamespaceClass.PERSON})
_CONTACTS = frozenset({NamespaceClass.CONTACT})
_DEVICES = frozenset({NamespaceClass.DEVICE, NamespaceClass.BROWSER})


_UNMOVED = frozenset({DeviceOwner.INTERVAL, DeviceOwner.FIRST_LOGIN})
"""Policies under which a later claim of what was claimed before says nothing of earlier events."""


def _spans(identifier: Identifier, turns: Sequence[_Turn]) -> Iterable[OwnedInterval]:
    """Make intervals of what stood from when: the first reaches back, the last goes on, empty ones vanish."""
    joined: list[_Turn] = []
    starts = [None, *(start for start, _ in turns[1:])]
    for start, (_, owner), following in zip(starts, turns, [*starts[1:], None], strict=True):
        empty = start is not None and start == following
        if not empty and (not joined or joined[-1][1] != owner):
            joined.append((start, owner))
    ends = [start for start, _ in joined[1:]] + [None]
    for (start, owner), end in zip(joined, ends, strict=True):
        yield OwnedInterval(identifier=identifier, start=start, end=end, owner=owner)
