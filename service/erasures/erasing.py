"""An erasure is logged and folded in one transaction, as tombstones; the bodies it covers are destroyed after it.

From that one commit on nobody is told of the erased any more and nothing of theirs is taken in again; a purge cut off
goes on where it was. `cover` tells what would go. Jobs of the writer.
"""

import asyncio
import logging
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http import HTTPStatus

from sqlalchemy.engine import Connection

from identity.erasures import Erasure, tombstone
from identity.identifiers import Identifier
from identity.judgements import Judgement
from identity.profiles import ProfileId
from service.customers.consents import MESSAGE_TYPE
from service.customers.translate import contact_endpoints
from service.erasures import burials, refolding
from service.erasures.burials import Coverage, profile_name
from service.errors import ApiError
from service.folds import rules_to_come
from service.judgements.words import erasure_message, judgement_body, read_counts, read_parts, read_word
from service.store import chain, changes, decisions, facts, faults, idempotency, locks, meta, nodes, purges
from service.store.facts import Fact, FactKind
from service.store.times import EPOCH, to_micros
from service.wiring import Homing

log = logging.getLogger("homing.erasing")

ROWS_A_JOB = 500
"""Rows destroyed in one job of the writer, so that nobody waits long behind a purge."""
EVERY_SECONDS = 60.0
"""How often a server looks for purges that another process left unfinished."""

_END = datetime.max.replace(tzinfo=UTC)
_PURGER = locks.name_key("purges")


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasing:
    """Who erases whom, and when."""

    given: frozenset[Identifier] = field(repr=False)
    source: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What goes: facts and entries of the decision log by seq, judgements with what is left of them, answers kept.

    `open_decisions` are those not sent yet. `counts` tells how much goes of each class of data.
    """

    coverage: Coverage = field(repr=False)
    judgements: tuple[tuple[Fact, Judgement | None], ...] = field(repr=False)
    entries: frozenset[int]
    decision_ids: tuple[str, ...]
    open_decisions: tuple[str, ...]
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """An erasure as it stands: when it was, what it covered, how many rows are still to go, what it kept out since."""

    id: str
    at: datetime
    counts: Mapping[str, int]
    left: int
    dropped: int

    @property
    def done(self) -> bool:
        """Tell whether all that it covers is destroyed."""
        return self.left == 0


def cover(conn: Connection, homing: Homing, given: frozenset[Identifier], now: datetime) -> Plan:
    """Tell what an erasure of these identifiers would destroy. ApiError 422 where there is nobody to erase."""
    coverage = burials.coverage(conn, homing.people, given)
    if not (coverage.covered.tombstones or coverage.seqs):
        message = "none of these names a person or a contact, or was ever seen; what too many share is nobody's"
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "nothing_to_erase", message)
    buried = coverage.covered.buried
    judgements = tuple(
        (fact, None if left is None else replace(left, reason=""))
        for fact in facts.of_kind(conn, FactKind.JUDGEMENT)
        if isinstance(word := read_word(fact), Judgement) and (left := word.without(buried)) != word
    )
    rows = _decisions(conn, homing, coverage)
    came = decisions.about(conn, sorted(rows))
    counts = {
        "profiles": len(coverage.covered.profiles),
        "identifiers": len(coverage.covered.identifiers),
        **_kinds(coverage),
        "judgements": len(judgements),
        "decisions": len(rows),
        "outcomes": len(came),
    }
    return Plan(
        coverage=coverage,
        judgements=judgements,
        entries=frozenset({*(row.seq for row in rows.values()), *came}),
        decision_ids=tuple(sorted(rows)),
        open_decisions=tuple(sorted(n for n, row in rows.items() if row.send_at is not None and row.send_at > now)),
        counts=counts,
    )


def erase(conn: Connection, homing: Homing, erasing: Erasing) -> tuple[str, Plan]:
    """Log an erasure and fold it in; give its id and what it destroys. The bodies are for `purge` to destroy.

    Said again of somebody of whom nothing is known since, it is the same erasure. Raises what `cover` raises.
    """
    people = homing.people
    people.alone(conn)
    plan = cover(conn, homing, erasing.given, erasing.now)
    before = None if _destroys(plan) else _erased_before(conn, homing, plan)
    if before is not None:
        return before, plan
    named = {i for o in plan.coverage.covered.observations for i in o.identifiers}
    judged = {i for fact, _ in plan.judgements if isinstance(w := read_word(fact), Judgement) for i in w.identifiers}
    reached = refolding.reached(conn, people, named, plan.coverage.seqs, judged)
    name = _log(conn, homing, erasing, plan)
    people.purge()
    homing.decider.standings.forget()
    said = refolding.said_so_far(conn, read_word)
    made = refolding.refold(conn, people, people.graves(conn), reached, said)
    chain.touch(conn, reached.components | made)
    former = {node.identifier: node.profile_id for node in reached.members}
    changes.note(conn, people.turned(conn, former, erasing.now))
    people.purge()
    nodes.forget_former(conn, plan.coverage.covered.identifiers)
    rules_to_come.start_over(conn)
    purges.plan(conn, purges.FACTS, plan.coverage.seqs, name)
    purges.plan(conn, purges.ENTRIES, plan.entries, name)
    decisions.forget(conn, sorted(plan.entries))
    idempotency.forget_decisions(conn, plan.decision_ids)
    meta.put(conn, meta.SCRUB, meta.WANTED)
    faults.reach("before_purge")
    return name, plan


def purge(conn: Connection) -> int:
    """Destroy some of what erasures still have to; give how many rows that were, 0 once there are none."""
    locks.hold(conn, [_PURGER])
    doomed = purges.take(conn, ROWS_A_JOB)
    for each in doomed:
        destroy = facts.erase if each.log == purges.FACTS else decisions.erase
        destroy(conn, each.seqs, each.erasure)
    faults.reach("mid_purge")
    return sum(len(each.seqs) for each in doomed)


def unfinished(conn: Connection) -> bool:
    """Tell whether any erasure has anything left to destroy, in the logs or in the files under them."""
    return bool(purges.left(conn)) or meta.get(conn, meta.SCRUB) == meta.WANTED


def stands(conn: Connection, name: str) -> Erased | None:
    """Give an erasure as it stands; None if there is none of that id."""
    fact = next((fact for fact in facts.of_kind(conn, FactKind.ERASURE) if fact.message_id == name), None)
    if fact is None:
        return None
    left = purges.left(conn).get(name, {})
    return Erased(
        id=name,
        at=fact.at,
        counts=read_counts(fact),
        left=sum(left.values()),
        dropped=purges.dropped(conn, name),
    )


# --- the whole of it ---


async def erase_now(homing: Homing, erasing: Erasing) -> tuple[str, Plan]:
    """Erase, and destroy what it covers before giving the answer."""
    name, plan = await homing.writer.run(lambda conn: erase(conn, homing, erasing))
    await purge_all(homing)
    return name, plan


async def purge_all(homing: Homing) -> None:
    """Destroy all that erasures still have to, job by job, and what the file of the store would still hold of it."""
    while await homing.writer.run(purge):
        pass
    if await asyncio.to_thread(homing.database.backend.scrub):
        await homing.writer.run(_scrubbed)


def purge_at_once(homing: Homing) -> None:
    """Do the same for a command, which waits for each job."""
    while homing.writer.submit(purge).result():
        pass
    if homing.database.backend.scrub():
        homing.writer.submit(_scrubbed).result()


async def keep_purging(homing: Homing) -> None:
    """Finish purges that were cut off, one's own or another process's, until cancelled."""
    while True:
        try:
            if await homing.writer.run(unfinished):
                await purge_all(homing)
        except Exception as error:  # noqa: BLE001 - whatever it fails of, it is still to be done
            log.warning("a purge failed (%s); it will be tried again", type(error).__name__)
        await asyncio.sleep(EVERY_SECONDS)


# --- parts ---


def _scrubbed(conn: Connection) -> None:
    meta.put(conn, meta.SCRUB, meta.DONE)


def _kinds(coverage: Coverage) -> dict[str, int]:
    """Count facts: consents, and events."""
    types = Counter(coverage.types.values())
    consents = types.pop(MESSAGE_TYPE, 0)
    return {"events": types.total(), "consents": consents}


def _decisions(conn: Connection, homing: Homing, coverage: Coverage) -> dict[str, decisions.DecisionRow]:
    """Give, by id, the decisions for the profiles, for whom was asked by one of their names, and to their contacts."""
    gone = coverage.covered
    subjects = {*coverage.profile_ids, *homing.decider.strangers(sorted(gone.buried), coverage.profile_ids)}
    endpoints = contact_endpoints(sorted(gone.buried), homing.customer_rules)
    found = decisions.of_profiles(conn, sorted(subjects))
    found += decisions.to_endpoints(conn, endpoints, EPOCH, _END) if endpoints else []
    return {row.decision_id: row for row in found}


def _destroys(plan: Plan) -> bool:
    return bool(plan.coverage.seqs or plan.entries or plan.judgements)


def _erased_before(conn: Connection, homing: Homing, plan: Plan) -> str | None:
    """Give the last erasure that covered all that is named, where each was covered by one."""
    named = burials.erasures_of(conn, homing.people, sorted(plan.coverage.covered.buried))
    return max((name for name in named if name is not None), default=None) if all(named) else None


def _log(conn: Connection, homing: Homing, erasing: Erasing, plan: Plan) -> str:
    """Append the erasure, and take what is erased out of judgements; give its id."""
    name = f"ers_{to_micros(erasing.now):016x}{secrets.token_hex(4)}"
    ids: Sequence[ProfileId] = plan.coverage.profile_ids
    stones = {tombstone(profile_name(known_as), homing.people.key) for known_as in ids}
    erasure = Erasure(id=name, at=erasing.now, tombstones=plan.coverage.covered.tombstones | stones)
    restated: dict[int, bytes] = {}
    for fact, left in plan.judgements:
        if left is None:
            facts.erase(conn, [fact.seq], name)
        else:
            body, (salt,) = judgement_body(left, parts=read_parts(fact)), chain.salts(1)
            restated[fact.seq] = facts.restated_digest(fact, body, salt)
            facts.restate(conn, fact, body, salt)
    message = erasure_message(erasure, erasing.source, plan.counts, restated)
    facts.append(conn, FactKind.ERASURE, [message])
    return name
