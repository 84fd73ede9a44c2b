"""All that the store knows of one profile, as of the transaction that it was read in."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from identity.component import Component
from identity.hubs import Hubs
from identity.identifiers import Identifier
from identity.ownership import OwnedInterval
from identity.profiles import Profile, ProfileId, ProfileRef
from identity.replaying.state import Refused
from identity.resolve import live
from service.profiles.filed import FiledFacts, SeenFact


@dataclass(frozen=True, slots=True, kw_only=True)
class Parted:
    """Those that a judgement parted from a profile, and when it was said (None: always)."""

    others: frozenset[Identifier] = field(repr=False)
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """What is needed of a profile to send to it.

    `facts` are those of its raw component in the order of the replay: other people's of the same devices included.
    `parted` is who was the same until a judgement. `absorbed` are ids that lead to this profile now: those given up to
    it, and those that its identifiers would have founded alone, whether or not that was before a late fact joined them.
    """

    profile: Profile
    absorbed: tuple[ProfileId, ...]
    filed: FiledFacts = field(repr=False)
    parted: tuple[Parted, ...] = ()

    @property
    def facts(self) -> tuple[SeenFact, ...]:
        """The facts of its raw component, in the order of the replay."""
        return self.filed.facts

    def telling(self) -> tuple[SeenFact, ...]:
        """Give the facts that tell anything of this profile, of a large component a small part.

        They are its own, and those that name one of its identifiers or what was ever seen with one: somebody else may
        have claimed its device, or put a newer push token on it.
        """
        others = (other for each in self.parted for other in each.others)
        return self.filed.telling(self.profile.profile_id, self.profile.identifiers, others)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileView(Glance):
    """All that the store knows of one profile.

    `hubs` are those of the identifiers in its own facts; `refused` the links not made that touch it; `intervals` who
    held its devices when.
    """

    redirected_from: ProfileId | None
    hubs: Hubs
    refused: tuple[Refused, ...]
    intervals: tuple[OwnedInterval, ...]
    ids: dict[ProfileRef, ProfileId]


class Face(NamedTuple):
    """Who a profile is: with `absorbed` as a glance has it."""

    profile: Profile
    absorbed: tuple[ProfileId, ...]


def face_of(component: Component, ref: ProfileRef, id_of: Callable[[ProfileRef], ProfileId]) -> Face:
    """Tell who one profile of a component is; the same until the component's owners are others."""
    cluster = component.replay.cluster(ref.founder)
    profile = Profile(
        profile_id=id_of(ref),
        ref=ref,
        identifiers=tuple(sorted(cluster.members)),
        person=None if cluster.person is None else cluster.person[1],
    )
    former = _former(component.replay.redirects, ref, profile.identifiers)
    return Face(profile, tuple(map(id_of, former)))


def view_of(
    component: Component,
    ref: ProfileRef,
    asked: ProfileId | None,
    *,
    filed: FiledFacts,
    hubs: Callable[[Iterable[Identifier]], Hubs],
    id_of: Callable[[ProfileRef], ProfileId],
) -> ProfileView:
    """Collect what is known of one profile of a component; `asked` is the id it was asked for by."""
    profile, absorbed = face_of(component, ref, id_of)
    members = frozenset(profile.identifiers)
    return ProfileView(
        profile=profile,
        redirected_from=None if asked in (None, profile.profile_id) else asked,
        absorbed=absorbed,
        filed=filed,
        hubs=hubs(sorted(filed.named_by(profile.profile_id))),
        refused=tuple(r for p, r in sorted(component.replay.refused.items()) if not members.isdisjoint(p)),
        intervals=tuple(component.owners().intervals(members)),
        ids={ref: id_of(ref) for ref in {*component.refs().values()}},
    )


def _former(
    redirects: Mapping[ProfileRef, ProfileRef], ref: ProfileRef, members: Iterable[Identifier]
) -> Iterator[ProfileRef]:
    """Give the refs that lead to `ref`, and the first ones of its members, in order, that lead nowhere else."""
    yield from (old for old in redirects if live(redirects, old) == ref)
    firsts = (ProfileRef(member, 0) for member in members)
    yield from (first for first in firsts if first != ref and first not in redirects)
