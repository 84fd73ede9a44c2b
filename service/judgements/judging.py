"""An analyst's word: tried out first, then logged, folded in, and undone by another word; nothing is ever taken out.

Every answer tells what changes, and which open decisions are then somebody else's. Jobs of the writer.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from http import HTTPStatus

from sqlalchemy.engine import Connection

from identity.changes import Created, ProfileChange, Snapshot, changes
from identity.component import Component
from identity.errors import ContradictionError
from identity.identifiers import Identifier
from identity.incremental import Trial
from identity.judgements import Judgement, JudgementKind, Pair, Undo, Word, in_force, split
from identity.profiles import ProfileId, ProfileRef
from identity.resolve import live
from service.errors import ApiError
from service.judgements.words import word_message
from service.profiles.people import People
from service.store import decisions
from service.store.times import to_micros


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenDecision:
    """A decision not yet sent, of a profile that changes, and the profile that it is then a decision for."""

    decision_id: str
    before: ProfileId
    after: ProfileId | None
    send_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a word changes, or would change; `name` is the id of the judgement made or undone (None: only tried out).

    `created` are the members of the profiles that were not there before.
    """

    name: str | None
    changes: tuple[ProfileChange, ...]
    created: Mapping[ProfileRef, tuple[Identifier, ...]]
    open_decisions: tuple[OpenDecision, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """Who says a word and when, why, and whether it is only tried out."""

    source: str
    now: datetime
    reason: str = field(default="", repr=False)
    dry_run: bool = False


def new_name(now: datetime) -> str:
    """Name a judgement: later ones sort behind earlier ones."""
    return f"jdg_{to_micros(now):016x}{secrets.token_hex(4)}"


def link(conn: Connection, people: People, kind: JudgementKind, ends: Pair, saying: Saying) -> Judged:
    """Say that two identifiers belong together, or never."""
    left, right = ends
    if left == right:
        raise _unprocessable("an identifier cannot be judged against itself; name two")
    word = Judgement(
        kind=kind,
        left=frozenset({left}),
        right=frozenset({right}),
        at=saying.now,
        id=new_name(saying.now),
        reason=saying.reason,
    )
    return _say(conn, people, word, saying)


def split_off(conn: Connection, people: People, named: Sequence[Identifier], saying: Saying) -> Judged:
    """Part some identifiers from the rest of the profiles that hold them today."""
    profiles = people.profiles_of(conn, named)
    name = new_name(saying.now)
    word = split(frozenset(named), profiles, at=saying.now, name=name, reason=saying.reason)
    if word is None:
        raise _unprocessable("there is nothing to part: they are all of their profile, or in none")
    return _say(conn, people, word, saying)


def undo(conn: Connection, people: People, judgement: str, saying: Saying) -> Judged:
    """Let a judgement count no more; 404 for one that was never said or is undone already."""
    if judgement not in {each.id for each in in_force(people.words(conn))}:
        raise ApiError(HTTPStatus.NOT_FOUND, "unknown_judgement", "no judgement of that id is in force")
    return _say(conn, people, Undo(judgement=judgement, at=saying.now), saying)


def standing(conn: Connection, people: People) -> list[Judgement]:
    """Give the judgements in force, oldest first."""
    return in_force(people.words(conn))


def _say(conn: Connection, people: People, word: Word, saying: Saying) -> Judged:
    """Try a word out, and unless that is all, log it and fold it in."""
    try:
        trial = people.trial(conn, word)
    except ContradictionError as error:
        message = f"this contradicts what was judged before ({error}); undo that first"
        raise ApiError(HTTPStatus.CONFLICT, "contradiction", message) from error
    found = tuple(_changes(trial))
    judged = Judged(
        name=None,
        changes=found,
        created={change.profile: _members(trial, change.profile) for change in found if isinstance(change, Created)},
        open_decisions=tuple(_open_decisions(conn, people, trial, saying.now)),
    )
    if saying.dry_run:
        return judged
    entry, judgement = (word.id, word.id) if isinstance(word, Judgement) else (new_name(saying.now), word.judgement)
    logged = word_message(word, entry, saying.source, saying.now, parts=_parts(word, trial))
    people.judge(conn, word, logged)
    return replace(judged, name=judgement)


def _parts(word: Word, trial: Trial) -> bool:
    """Tell whether a word parts what is in one profile until then."""
    if trial.before is None or not isinstance(word, Judgement) or word.kind is JudgementKind.MUST_LINK:
        return False
    refs = trial.before.refs()
    left, right = ({refs[i] for i in side if i in refs} for side in (word.left, word.right))
    return not left.isdisjoint(right)


def _changes(trial: Trial) -> list[ProfileChange]:
    if trial.before is None or trial.after is None:
        return []
    return changes(Snapshot.of_components([trial.before]), Snapshot.of_components([trial.after]))


def _members(trial: Trial, profile: ProfileRef) -> tuple[Identifier, ...]:
    """Give who would be in a profile."""
    return () if trial.after is None else tuple(sorted(trial.after.replay.cluster(profile.founder).members))


def _open_decisions(conn: Connection, people: People, trial: Trial, now: datetime) -> Iterable[OpenDecision]:
    """Give the decisions still to be sent of the profiles that lose anybody, whichever of their ids they were made for.

    A decision is for whoever its id stands for: an id that was absorbed may come to life again.
    """
    if trial.before is None or trial.after is None:
        return
    before, after = _Standing(trial.before), _Standing(trial.after)
    losing = {ref for identifier, ref in before.live.items() if after.live.get(identifier) != ref}
    issued = {ref for standing in (before, after) for ref in standing.issued() if before.now(ref) in losing}
    refs = {people.id_of(ref): ref for ref in issued}
    for row in decisions.of_profiles(conn, sorted(refs)):
        was, then = before.now(refs[row.profile_id]), after.now(refs[row.profile_id])
        if row.send_at is not None and row.send_at > now and was is not None:
            yield OpenDecision(
                decision_id=row.decision_id,
                before=people.id_of(was),
                after=None if then is None else people.id_of(then),
                send_at=row.send_at,
            )


class _Standing:
    """Whom ids stand for, in one component."""

    def __init__(self, component: Component) -> None:
        self.live = component.refs()
        self._redirects = component.replay.redirects

    def issued(self) -> set[ProfileRef]:
        """Give the refs that may have been issued: those in use, those given up, and each member's first one."""
        return {*self.live.values(), *self._redirects, *(ProfileRef(member, 0) for member in self.live)}

    def now(self, ref: ProfileRef) -> ProfileRef | None:
        """Give the profile that a ref stands for; None if nobody holds its founder."""
        return live(self._redirects, ref) if ref in self._redirects else self.live.get(ref.founder)


def _unprocessable(message: str) -> ApiError:
    return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_judgement", message)
