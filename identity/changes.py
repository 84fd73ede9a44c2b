"""What differs between two resolutions: a pure function of before and after.

For the feed of changes, for rules tried out, and for judgements before they are made.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from identity.component import Component
from identity.identifiers import Identifier
from identity.ownership import OwnedInterval
from identity.profiles import ProfileRef
from identity.resolve import Resolution


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Who was who: each identifier's profile, and who held which device when."""

    profiles: Mapping[Identifier, ProfileRef]
    intervals: tuple[OwnedInterval, ...] = ()

    @classmethod
    def of_resolution(cls, resolved: Resolution) -> "Snapshot":
        """Take it of a resolution."""
        refs = {i: profile.ref for profile in resolved.profiles for i in profile.identifiers}
        return cls(profiles=refs, intervals=resolved.intervals)

    @classmethod
    def of_components(cls, components: Iterable[Component]) -> "Snapshot":
        """Take it of raw components that share no identifier."""
        some = list(components)
        refs = {i: ref for component in some for i, ref in component.refs().items()}
        held = [span for c in some for span in c.owners().intervals(c.replay.identifiers())]
        return cls(profiles=refs, intervals=tuple(held))


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """A profile that was not there before."""

    profile: ProfileRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """Profiles that are no more, for their founders are in the survivor now."""

    survivor: ProfileRef
    absorbed: tuple[ProfileRef, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """A profile of whose identifiers some are in profiles that were not there before. It may itself be no more."""

    profile: ProfileRef
    into: tuple[ProfileRef, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shifted:
    """Identifiers that left one profile for another, both of which were there before and are now."""

    identifiers: tuple[Identifier, ...]
    origin: ProfileRef
    to: ProfileRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Retired:
    """A profile that is no more and has no heir: nothing known names its founder."""

    profile: ProfileRef


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerChanged:
    """A device's events in [start, end) belong to another profile than before; None: unbounded, or nobody's."""

    identifier: Identifier
    start: datetime | None
    end: datetime | None
    before: ProfileRef | None
    after: ProfileRef | None


ProfileChange = Created | Merged | Split | Shifted | Retired | OwnerChanged


@dataclass(slots=True)
class _Profiles:
    """The members of each profile."""

    members: dict[ProfileRef, list[Identifier]] = field(default_factory=dict)

    @classmethod
    def of(cls, snapshot: Snapshot) -> "_Profiles":
        found = cls()
        for identifier, ref in sorted(snapshot.profiles.items()):
            found.members.setdefault(ref, []).append(identifier)
        return found


def changes(before: Snapshot, after: Snapshot) -> list[ProfileChange]:
    """Give what differs: created, merged, split, shifted, retired, then owners; each kind in the order of profiles.

    An id that only took another's place (a device's profile whose person got a name) is a Created and a Merged. An
    owner's change of name alone, by such a merger, is none. O(n log n) for n identifiers and intervals.
    """
    old, new = _Profiles.of(before).members, _Profiles.of(after).members
    heirs = {ref: after.profiles.get(ref.founder) for ref in old}
    gone = [ref for ref in sorted(old) if ref not in new]
    found: list[ProfileChange] = [Created(profile=ref) for ref in sorted(new) if ref not in old]
    absorbed: dict[ProfileRef, list[ProfileRef]] = {}
    for ref in gone:
        heir = heirs[ref]
        if heir is not None:
            absorbed.setdefault(heir, []).append(ref)
    found += [Merged(survivor=heir, absorbed=tuple(refs)) for heir, refs in sorted(absorbed.items())]
    went = [(ref, heirs[ref], _destinations(old[ref], after)) for ref in sorted(old)]
    found += _splits(went, old)
    found += _shifts(went, old)
    found += [Retired(profile=ref) for ref in gone if heirs[ref] is None]
    return found + _owners(before, after, heirs)


_Went = tuple[ProfileRef, ProfileRef | None, Mapping[ProfileRef, Sequence[Identifier]]]
"""A profile of before, its heir, and where its identifiers went."""


def _destinations(members: Iterable[Identifier], after: Snapshot) -> dict[ProfileRef, list[Identifier]]:
    """Tell where identifiers are now; those in no profile any more are nowhere."""
    found: dict[ProfileRef, list[Identifier]] = {}
    for identifier in members:
        ref = after.profiles.get(identifier)
        if ref is not None:
            found.setdefault(ref, []).append(identifier)
    return found


def _splits(went: Iterable[_Went], old: Collection[ProfileRef]) -> list[ProfileChange]:
    """Give the profiles parts of which became profiles of their own."""
    parts = [(ref, tuple(sorted(to for to in where if to != heir and to not in old))) for ref, heir, where in went]
    return [Split(profile=ref, into=into) for ref, into in parts if into]


def _shifts(went: Iterable[_Went], old: Collection[ProfileRef]) -> list[ProfileChange]:
    """Give the identifiers that left one profile for another that was there before."""
    return [
        Shifted(identifiers=tuple(identifiers), origin=ref, to=to)
        for ref, heir, where in went
        for to, identifiers in sorted(where.items())
        if to not in (heir, ref) and to in old
    ]


def _owners(before: Snapshot, after: Snapshot, heirs: Mapping[ProfileRef, ProfileRef | None]) -> list[ProfileChange]:
    """Give the spans of time in which a device seen before and after belongs to another profile than before."""
    old, new = _by_device(before.intervals), _by_device(after.intervals)
    found: list[ProfileChange] = []
    for identifier in sorted(old.keys() & new.keys()):
        for start, end in _spans([*old[identifier], *new[identifier]]):
            was, now = _at(old[identifier], start), _at(new[identifier], start)
            if (None if was is None else heirs.get(was, was)) != now:
                found.append(OwnerChanged(identifier=identifier, start=start, end=end, before=was, after=now))
    return _joined(found)


def _by_device(intervals: Iterable[OwnedInterval]) -> dict[Identifier, list[OwnedInterval]]:
    """File intervals by their device."""
    found: dict[Identifier, list[OwnedInterval]] = {}
    for interval in intervals:
        found.setdefault(interval.identifier, []).append(interval)
    return found


def _spans(intervals: Iterable[OwnedInterval]) -> list[tuple[datetime | None, datetime | None]]:
    """Cut all of time wherever an interval begins."""
    starts = [None, *sorted({i.start for i in intervals if i.start is not None})]
    return list(zip(starts, [*starts[1:], None], strict=True))


def _at(intervals: Iterable[OwnedInterval], moment: datetime | None) -> ProfileRef | None:
    """Give who holds a device from a moment on (None: from the beginning)."""
    return next((i.owner for i in intervals if _begun(i, moment) and not _over(i, moment)), None)


def _begun(interval: OwnedInterval, moment: datetime | None) -> bool:
    """Tell whether an interval has begun by a moment."""
    return interval.start is None or (moment is not None and interval.start <= moment)


def _over(interval: OwnedInterval, moment: datetime | None) -> bool:
    """Tell whether an interval has ended by a moment."""
    return interval.end is not None and moment is not None and interval.end <= moment


def _joined(found: Iterable[ProfileChange]) -> list[ProfileChange]:
    """Join spans that follow one another with the same owners."""
    joined: list[ProfileChange] = []
    for change in found:
        last = joined[-1] if joined else None
        if (
            isinstance(change, OwnerChanged)
            and isinstance(last, OwnerChanged)
            and (last.identifier, last.end, last.before, last.after)
            == (change.identifier, change.start, change.before, change.after)
        ):
            joined[-1] = OwnerChanged(
                identifier=last.identifier, start=last.start, end=change.end, before=last.before, after=last.after
            )
        else:
            joined.append(change)
    return joined
