"""Explanations and judgements for a person to read: one plain sentence for each thing told."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from service.schemas.judgements import (
    ApartShown,
    CutShown,
    ExplanationShown,
    JudgedShown,
    JudgementShown,
    OpenDecisionShown,
    StepShown,
)

_REFUSALS = {
    "namespace_limit": "a profile would hold more of one kind than the rules allow",
    "profile_cap": "the profile would hold too many identifiers",
    "cannot_link": "a judgement forbids it",
    "persons_need_trust": "a public key's word joins no two persons",
}


def of_explanation(told: ExplanationShown) -> Iterator[str]:
    """Tell why two identifiers are in one profile, or why not."""
    if told.left == told.right and told.together and not told.way:
        yield f"{told.left} is one identifier, named twice."
        return
    yield f"{told.left} and {told.right} are {'in one profile' if told.together else 'not in one profile'}."
    for step in told.way:
        yield f"  {_step(step)}"
    if told.cut is not None:
        yield f"  {_cut(told.cut)}"
    elif told.together:
        yield "  A judgement holds them together: links alone cannot part them."
    for reason in told.reasons:
        if reason.why in _REASONS:
            yield f"  {_REASONS[reason.why](reason)}"


def of_judged(told: JudgedShown, *, undone: bool) -> Iterator[str]:
    """Tell what a judgement or an undo changes, or would."""
    if told.dry_run:
        yield "Tried out only; nothing is changed."
    elif undone:
        yield f"Judgement {told.judgement_id} counts no more."
    else:
        yield f"Judgement {told.judgement_id} counts from now on; `homing profile undo {told.judgement_id}` undoes it."
    if not told.changes:
        yield f"  No profile {'would change' if told.dry_run else 'changes'}."
    for change in told.changes:
        yield f"  {_CHANGES[change['change']](change)}"
    for decision in told.open_decisions:
        yield f"  {_open_decision(decision)}"


def of_change(change: Mapping[str, Any]) -> str:
    """Tell of a change of profiles."""
    return _CHANGES[change["change"]](change)


def of_judgement(told: JudgementShown) -> str:
    """Tell of a judgement in force."""
    left, right = _listed(told.left), _listed(told.right)
    said = f"joins {left} with {right}" if told.kind == "must_link" else f"keeps {left} apart from {right}"
    reason = f" ({told.reason})" if told.reason else ""
    return f"{told.judgement_id}  {_when(told.at)}: {said}{reason}."


def _step(step: StepShown) -> str:
    if step.link is None:
        return f"{step.left} and {step.right} were judged to belong together ({step.judgement_id})."
    link = step.link
    seen = f"{step.left} was seen with {step.right} {_times(link.sightings)} ({link.trust})"
    against = f"; {_times(link.against)} one of them was seen with somebody else" if link.against else ""
    came = ""
    if link.refused is not None:
        came = f"; the link is refused, for {_REFUSALS[link.refused]}"
    elif not step.holds:
        came = "; the link has expired, for one of them was not seen for longer than its ttl"
    return f"{seen}, last {_when(link.last_seen)}{against}{came}."


def _cut(cut: CutShown) -> str:
    links = _listed([f"{link.left}–{link.right}" for link in cut.links])
    return (
        f"The weakest cut is {links}: were that wrong (probability {cut.doubt:.2g}), "
        f"{_listed(cut.side)} would be somebody else's."
    )


def _split(change: Mapping[str, Any]) -> str:
    return f"{change['profile_id']} is split: a part of it becomes {_listed(change['into'])}."


def _shifted(change: Mapping[str, Any]) -> str:
    return f"{_listed(change['identifiers'])} goes from {change['from']} to {change['to']}."


def _owner(change: Mapping[str, Any]) -> str:
    start = "" if change["start"] is None else f" since {change['start']}"
    end = "" if change["end"] is None else f" until {change['end']}"
    return (
        f"What was done on {change['identifier']}{start}{end} is {change['after'] or 'nobody'}'s, "
        f"no longer {change['before'] or 'nobody'}'s."
    )


def _open_decision(told: OpenDecisionShown) -> str:
    after = "nobody" if told.profile_id_after is None else told.profile_id_after
    return (
        f"Decision {told.decision_id}, to be sent {_when(told.send_at)}, was made for {told.profile_id}; "
        f"it is {after}'s then."
    )


_REASONS: Mapping[str, Callable[[ApartShown], str]] = {
    "unknown": lambda reason: f"{_listed(reason.identifiers)} was never seen.",
    "shared": lambda reason: f"{_listed(reason.identifiers)} is shared by too many persons to link anybody.",
    "shared_between": lambda reason: (
        f"Both were seen with {_listed(reason.identifiers)}, which too many share to link anybody."
    ),
    "judgement": lambda reason: f"A judgement keeps {' and '.join(reason.identifiers)} apart ({reason.judgement_id}).",
    "never_seen_together": lambda _: "No chain of sightings leads from one to the other.",
}
"""What is said of each reason; of links refused and expired the way tells."""

_CHANGES: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "created": lambda change: f"{change['profile_id']} is a new profile: {_listed(change['identifiers'])}.",
    "merged": lambda change: f"{change['profile_id']} takes {_listed(change['absorbed'])} in.",
    "split": _split,
    "shifted": _shifted,
    "retired": lambda change: f"{change['profile_id']} is no more.",
    "owner_changed": _owner,
}


def _listed(some: Sequence[str]) -> str:
    return ", ".join(some)


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number:,} times"


def _when(moment: datetime | None) -> str:
    return "always" if moment is None else f"{moment:%Y-%m-%d %H:%M}Z"
