"""Which ids merged, split or ended as identifiers went from one profile to another; what the feed of changes tells.

Right after a merger the absorbed id answers with the survivor; right after a split the new id answers for itself; a
retired id answers no more. Of what one block changed, splits come first: what was split may be absorbed then.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from identity.component import Component
from identity.identifiers import Identifier
from identity.profiles import ProfileId, ProfileRef
from identity.replaying.replay import Replay
from identity.resolve import live
from service.store.changes import Change, ChangeKind

_IdOf = Callable[[ProfileRef], ProfileId]


def current(component: Component, founder: Identifier, wanted: ProfileId, id_of: _IdOf) -> ProfileRef:
    """Follow an id issued to the ref in use: its own, that which it redirects to, or that which holds its founder."""
    ref = component.replay.ref(founder)
    if id_of(ref) == wanted:
        return ref
    redirected = (given_up for given_up in component.replay.given_up(founder) if id_of(given_up) == wanted)
    return live(component.replay.redirects, next(redirected, ref))


def followed(
    founded: Mapping[ProfileId, Identifier],
    moved: Mapping[Identifier, ProfileId],
    component_of: Callable[[Identifier], Component | None],
    id_of: _IdOf,
) -> dict[ProfileId, ProfileId]:
    """Give those ids founded on what moved that merely follow their founders, and whom they stood for until now.

    They were given up to nobody: a late fact has joined the founder to others before it founded anything of that name.
    """
    found: dict[ProfileId, ProfileId] = {}
    for known_as, founder in founded.items():
        component = component_of(founder)
        if component is None or known_as not in {id_of(ref) for ref in component.replay.given_up(founder)}:
            found[known_as] = moved[founder]
    return found


def led_elsewhere(old: Replay, component: Component, id_of: _IdOf) -> dict[ProfileId, ProfileId]:
    """Give the ids given up that lead elsewhere since a component was replayed anew, and whom they stood for until now.

    In order they only ever follow the profile that absorbed them; what rewrites the past may lead them off.
    """
    new = component.replay
    known, still = frozenset(old.identifiers()), frozenset(new.identifiers())
    stood = {ref: _stood_for(old, ref) for ref in {*old.redirects, *new.redirects} if ref.founder in known}
    return {
        id_of(ref): id_of(was)
        for ref, was in stood.items()
        if was != ref and (ref.founder not in still or _stood_for(new, ref) != was)
    }


def _stood_for(replay: Replay, ref: ProfileRef) -> ProfileRef:
    return live(replay.redirects, ref) if ref in replay.redirects else replay.ref(ref.founder)


class Turnover:
    """Identifiers that went from one profile (None: none) to another, and ids given up before, with whom they led to.

    `founders` are those of the ids that were ever issued among the profiles left and the ids given up.
    """

    def __init__(
        self,
        former: Mapping[Identifier, ProfileId | None],
        given_up: Mapping[ProfileId, ProfileId],
        founders: Mapping[ProfileId, Identifier],
        component_of: Callable[[Identifier], Component | None],
        id_of: _IdOf,
    ) -> None:
        self._former = former
        self._given_up = {p: was for p, was in given_up.items() if p in founders}
        self._founders = founders
        self._component_of = component_of
        self._id_of = id_of
        self._left = {was for was in former.values() if was is not None}

    def changes(self, at: datetime) -> list[Change]:
        """Give what happened to profiles that were there before: splits, then mergers, then ends, each by id.

        Ids given up before that lead elsewhere now, not where the profile went that they led to, are told like these.
        """
        answers = {was: self._answer(was) for was in {*self._left, *self._given_up}}
        answers = {was: now for was, now in answers.items() if was in self._left or self._strays(was, answers)}
        merged = sorted((now, was) for was, now in answers.items() if now is not None and now != was)
        split = sorted((was, to) for was, to in self._parted() if to not in (was, answers[was]))
        retired = sorted(was for was, now in answers.items() if now is None)
        return [
            *(Change(kind=ChangeKind.SPLIT, profile_id=was, other=to, at=at) for was, to in split),
            *(Change(kind=ChangeKind.MERGED, profile_id=now, other=was, at=at) for now, was in merged),
            *(Change(kind=ChangeKind.RETIRED, profile_id=was, other=None, at=at) for was in retired),
        ]

    def _strays(self, given_up: ProfileId, answers: Mapping[ProfileId, ProfileId | None]) -> bool:
        """Tell whether an id given up before leads elsewhere now than the profile that it led to."""
        led_to = self._given_up[given_up]
        return answers[given_up] not in (given_up, answers.get(led_to, led_to))

    def _answer(self, wanted: ProfileId) -> ProfileId | None:
        """Tell which profile an id stands for now."""
        founder = self._founders.get(wanted)
        component = None if founder is None else self._component_of(founder)
        if founder is None or component is None:
            return None
        return self._id_of(current(component, founder, wanted, self._id_of))

    def _parted(self) -> Iterator[tuple[ProfileId, ProfileId]]:
        """Give the profiles whose founder was in another one, which this is a part of that came off."""
        for identifier, was in self._former.items():
            component = None if was is None else self._component_of(identifier)
            if was is not None and component is not None:
                ref = component.replay.ref(identifier)
                if ref.founder == identifier:
                    yield was, self._id_of(ref)
