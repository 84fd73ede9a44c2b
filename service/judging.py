"""An analyst's word: tried out first, then logged, folded in, and undone by another word; nothing is ever taken out.

Every answer tells what changes, and which open decisions are then somebody else's. Jobs of the writer.
"""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus

from sqlalchemy.engine import Connection

from identity.changes import ProfileChange, Snapshot, changes
from identity.errors import ContradictionError
from identity.identifiers import Identifier
from identity.incremental import Trial
from identity.judgements import Judgement, JudgementKind, Pair, Undo, Word, in_force, split
from identity.profiles import ProfileId
from service.errors import ApiError
from service.people import People
from service.store import decisions
from service.store.times import to_micros
from service.words import word_message


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenDecision:
    """A decision not yet sent, of a profile that changes, and the profile that it is then a decision for."""

    decision_id: str
    before: ProfileId
    after: ProfileId | None
    send_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a word changes, or would change; `name` is the judgement's id, None where it was only tried out."""

    name: str | None
    changes: tuple[ProfileChange, ...]
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
    open_decisions = tuple(_open_decisions(conn, people, trial, saying.now))
    if saying.dry_run:
        return Judged(name=None, changes=found, open_decisions=open_decisions)
    name = word.id if isinstance(word, Judgement) else new_name(saying.now)
    people.judge(conn, word, word_message(word, name, saying.source, saying.now))
    return Judged(name=name, changes=found, open_decisions=open_decisions)


def _changes(trial: Trial) -> list[ProfileChange]:
    if trial.before is None or trial.after is None:
        return []
    return changes(Snapshot.of_components([trial.before]), Snapshot.of_components([trial.after]))


def _open_decisions(conn: Connection, people: People, trial: Trial, now: datetime) -> Iterable[OpenDecision]:
    """Give the decisions still to be sent that would be another profile's."""
    if trial.before is None or trial.after is None:
        return
    before, after = trial.before.refs(), trial.after.refs()
    moved = {ref for identifier, ref in before.items() if after.get(identifier) != ref}
    now_ids = {people.id_of(ref): after.get(ref.founder) for ref in moved}
    for row in decisions.of_profiles(conn, sorted(now_ids)):
        if row.send_at is not None and row.send_at > now:
            then = now_ids[row.profile_id]
            yield OpenDecision(
                decision_id=row.decision_id,
                before=row.profile_id,
                after=None if then is None else people.id_of(then),
                send_at=row.send_at,
            )


def _unprocessable(message: str) -> ApiError:
    return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_judgement", message)
