"""What is shown of judgements and explanations; values are masked for those who may not see them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from identity.changes import Created, Merged, OwnerChanged, ProfileChange, Retired, Shifted, Split
from identity.explain import Cut, Explanation, Reason, Step
from identity.identifiers import Identifier
from identity.judgements import Judgement
from identity.links import Link
from identity.profiles import ProfileId, ProfileRef
from service.judgements.judging import Judged
from service.profiles.masks import mask
from service.schemas.judgements import (
    ApartShown,
    CutShown,
    ExplanationShown,
    JudgedShown,
    JudgementShown,
    LinkShown,
    OpenDecisionShown,
    StepShown,
)


class Teller:
    """Tells of judgements: `id_of` gives a profile's id, `pii` whether values are shown whole."""

    def __init__(self, id_of: Callable[[ProfileRef], ProfileId], *, pii: bool) -> None:
        self._id = id_of
        self._pii = pii

    def judged(self, found: Judged, *, dry_run: bool) -> JudgedShown:
        """Tell what a judgement changes."""
        return JudgedShown(
            judgement_id=found.name,
            dry_run=dry_run,
            changes=[self.change(change, found.created) for change in found.changes],
            open_decisions=[
                OpenDecisionShown(
                    decision_id=each.decision_id,
                    profile_id=each.before,
                    profile_id_after=each.after,
                    send_at=each.send_at,
                )
                for each in found.open_decisions
            ],
        )

    def judgement(self, word: Judgement) -> JudgementShown:
        """Show a judgement."""
        return JudgementShown(
            judgement_id=word.id,
            kind=word.kind.value,
            left=self._names(sorted(word.left)),
            right=self._names(sorted(word.right)),
            at=word.at,
            reason=word.reason if self._pii else mask(word.reason) if word.reason else "",
        )

    def explanation(self, found: Explanation) -> ExplanationShown:
        """Tell why two identifiers are in one profile, or why not."""
        return ExplanationShown(
            left=self._name(found.left),
            right=self._name(found.right),
            together=found.together,
            way=[self._step(step) for step in found.way],
            cut=None if found.cut is None else self._cut(found.cut),
            reasons=[self._apart(reason) for reason in found.reasons],
        )

    def change(self, change: ProfileChange, created: Mapping[ProfileRef, Sequence[Identifier]]) -> dict[str, Any]:
        """Tell a change; `created` are the members of profiles that were not there before."""
        match change:
            case Created(profile=ref):
                told: dict[str, Any] = {"profile_id": self._id(ref), "identifiers": self._names(created[ref])}
            case Retired(profile=ref):
                told = {"profile_id": self._id(ref)}
            case Merged(survivor=survivor, absorbed=absorbed):
                told = {"profile_id": self._id(survivor), "absorbed": [self._id(ref) for ref in absorbed]}
            case Split(profile=ref, into=into):
                told = {"profile_id": self._id(ref), "into": [self._id(each) for each in into]}
            case Shifted(identifiers=some, origin=origin, to=to):
                told = {"identifiers": self._names(some), "from": self._id(origin), "to": self._id(to)}
            case OwnerChanged():
                told = {
                    "identifier": self._name(change.identifier),
                    "start": _time(change.start),
                    "end": _time(change.end),
                    "before": None if change.before is None else self._id(change.before),
                    "after": None if change.after is None else self._id(change.after),
                }
        return {"change": _NAMES[type(change)], **told}

    def _step(self, step: Step) -> StepShown:
        return StepShown(
            left=self._name(step.left),
            right=self._name(step.right),
            holds=step.holds,
            link=None if step.link is None else self._link(step.link),
            judgement_id=None if step.judgement is None else step.judgement.id,
        )

    def _cut(self, cut: Cut) -> CutShown:
        return CutShown(
            links=[self._link(each) for each in cut.links], side=self._names(sorted(cut.side)), doubt=cut.doubt
        )

    def _apart(self, reason: Reason) -> ApartShown:
        return ApartShown(
            why=reason.why.value,
            identifiers=self._names(reason.identifiers),
            judgement_id=None if reason.judgement is None else reason.judgement.id,
        )

    def _link(self, found: Link) -> LinkShown:
        return LinkShown(
            left=self._name(found.left),
            right=self._name(found.right),
            state=found.state.value,
            sightings=found.sightings,
            trust=found.trust.name.lower(),
            against=found.against,
            log_odds=found.log_odds,
            probability=found.probability,
            first_seen=found.first_seen,
            last_seen=found.last_seen,
            refused=None if found.refused is None else str(found.refused),
        )

    def _names(self, some: Iterable[Identifier]) -> list[str]:
        return [self._name(identifier) for identifier in some]

    def _name(self, identifier: Identifier) -> str:
        return f"{identifier.namespace}:{identifier.value if self._pii else mask(identifier.value)}"


_NAMES: dict[type[ProfileChange], str] = {
    Created: "created",
    Merged: "merged",
    Split: "split",
    Shifted: "shifted",
    Retired: "retired",
    OwnerChanged: "owner_changed",
}


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")
