"""The learner folds the whole decision log into a population; its run is itself a fact of that log.

A run's entry carries what it made of the log, so that decisions can be recomputed from the log alone and a rebuild
gives the same models to the last bit.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy.engine import Connection

from channel_selector.decisions import Send
from channel_selector.learning import Reported, fit_population
from channel_selector.population import Population
from channel_selector.settings import SelectorSettings
from service.attribution import ORDER
from service.standing import standing
from service.store import decisions, facts, idempotency, models
from service.store.decisions import Entry, EntryKind, LoggedEntry
from service.store.models import Snapshot
from service.wiring import Homing

log = logging.getLogger("homing.learner")

EVERY = timedelta(minutes=5)
PROFILES_A_JOB = 50
"""Customers read in one job of the writer, so that nobody waits long behind the learner."""


class Evidence:
    """What has been read of the logs for one run."""

    def __init__(self) -> None:
        self.sends: dict[str, Send] = {}
        self.outcomes: set[Reported] = set()
        self._orders: dict[str, str] = {}

    def take(self, sends: Iterable[Send], outcomes: Iterable[Reported]) -> None:
        """Take in sends and outcomes; the same again changes nothing, and an order of two profiles counts for one."""
        self.sends |= {send.decision_id: send for send in sends}
        for decision_id, outcome in outcomes:
            is_order = outcome.id is not None and outcome.id.startswith(ORDER)
            if not is_order or self._orders.setdefault(str(outcome.id), decision_id) == decision_id:
                self.outcomes.add((decision_id, outcome))


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What a run is to learn from: the profiles to read, and the newest entry and fact that it will have read."""

    profile_ids: Sequence[str]
    position: int
    facts: int


async def keep_learning(homing: Homing) -> None:
    """Learn whenever something has come in, until cancelled. A run that fails is told and tried again later."""
    while True:
        await asyncio.sleep(EVERY.total_seconds())
        try:
            await learn(homing)
        except Exception as error:  # noqa: BLE001 - whatever one run fails of, the next one is still wanted
            log.warning("learning failed (%s); it will be tried again", type(error).__name__)


async def learn(homing: Homing, *, now: datetime | None = None) -> Population | None:
    """Make a run: read the evidence, fit, log. None where nothing has come in since the last one.

    Answers kept for second tries (`Idempotency-Key`) are let go of with it, once they are old.
    """
    at = homing.clock.now() if now is None else now
    selection = homing.settings.selection()
    waiting = await homing.writer.run(lambda conn: _waiting(conn, selection))
    if waiting is None:
        return None
    evidence = Evidence()
    for start in range(0, len(waiting.profile_ids), PROFILES_A_JOB):
        part = waiting.profile_ids[start : start + PROFILES_A_JOB]
        await homing.writer.run(lambda conn, part=part: _read(conn, homing, part, evidence))  # type: ignore[misc]  # part is bound now
    population = await asyncio.to_thread(
        fit_population,
        evidence.sends.values(),
        evidence.outcomes,
        settings=selection,
        now=at,
        position=waiting.position,
    )
    await homing.writer.run(lambda conn: _log(conn, homing, population, waiting, at))
    await homing.writer.run(lambda conn: idempotency.forget(conn, at - idempotency.KEPT))
    return population


def fold_run(conn: Connection, logged: LoggedEntry) -> None:
    """Fold a run's entry into the models."""
    body = orjson.loads(logged.entry.body)
    population = orjson.dumps(body["population"], option=orjson.OPT_SORT_KEYS)
    models.save(conn, Snapshot(run=body["run"], position=body["position"], at=logged.entry.at, body=population))


def _waiting(conn: Connection, selection: SelectorSettings) -> Waiting | None:
    """Look what there is to learn from; None where no entry, fact or setting is newer than the last run's."""
    last = models.newest(conn)
    position, known = decisions.last_seq(conn), facts.last_seq(conn)
    if last is not None:
        run = orjson.loads(decisions.by_key(conn, f"run:{last.run}").entry.body)  # type: ignore[union-attr]  # it is there
        # The one entry more is the run's own.
        if (position, known, selection.to_json()) == (run["position"] + 1, run["facts"], run["settings"]):
            return None
    return Waiting(profile_ids=decisions.profile_ids(conn), position=position, facts=known)


def _read(conn: Connection, homing: Homing, profile_ids: Sequence[str], evidence: Evidence) -> None:
    """Read what came of the messages to some profiles, each as it stands today."""
    for profile_id in profile_ids:
        view = homing.people.view(conn, profile_id)
        if view is not None:
            known = standing(conn, view, homing.customer_rules, homing.settings)
            evidence.take(known.sends, known.outcomes)


def _log(conn: Connection, homing: Homing, population: Population, learned: Waiting, at: datetime) -> None:
    """Append the run, and let the next decision use it."""
    newest = models.newest(conn)
    run = 1 if newest is None else newest.run + 1
    body: dict[str, Any] = {
        "run": run,
        "position": learned.position,
        "facts": learned.facts,
        "settings": homing.settings.selection().to_json(),
        "population": population.to_json(),
    }
    entry = Entry(
        kind=EntryKind.RUN,
        decision_id=None,
        key=f"run:{run}",
        at=at,
        received_at=at,
        body=orjson.dumps(body, option=orjson.OPT_SORT_KEYS),
    )
    seq = decisions.append(conn, entry)
    if seq is not None:
        fold_run(conn, LoggedEntry(seq=seq, entry=entry))
    homing.decider.forget()
