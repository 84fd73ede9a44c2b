"""The learner reads what came of all messages into a population, one process at a time, and logs its run (`runs`)."""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.engine import Connection

from channel_selector.decisions import Send
from channel_selector.model.learning import Reported, fit_population
from channel_selector.model.organic import Withheld
from channel_selector.model.population import Population
from channel_selector.model.shifts import shifts
from channel_selector.settings import SelectorSettings
from service import metrics
from service.customers.standing import standing
from service.learning import last_good, runs
from service.learning.attribution import ORDER
from service.learning.withheld import unsent
from service.profiles import finding
from service.store import chain, decisions, idempotency, locks, meta, used_tokens
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
        self.withheld: dict[str, Withheld] = {}
        self._orders: dict[str, str] = {}

    def take(self, sends: Iterable[Send], outcomes: Iterable[Reported]) -> None:
        """Take in sends and outcomes; the same again changes nothing, and an order of two profiles counts for one."""
        self.sends |= {send.decision_id: send for send in sends}
        for decision_id, outcome in outcomes:
            is_order = outcome.id is not None and outcome.id.startswith(ORDER)
            if not is_order or self._orders.setdefault(str(outcome.id), decision_id) == decision_id:
                self.outcomes.add((decision_id, outcome))

    def take_withheld(self, messages: Iterable[Withheld]) -> None:
        """Take in what the holdout was not sent."""
        self.withheld |= {message.decision_id: message for message in messages}


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What a run is to learn from: the profiles to read, and the newest block of the logs that it will have read."""

    profile_ids: Sequence[str]
    position: int


async def keep_learning(homing: Homing) -> None:
    """Learn whenever something has come in, until cancelled. A run that fails is told and tried again later."""
    while True:
        await asyncio.sleep(EVERY.total_seconds())
        try:
            await learn(homing)
        except Exception as error:  # noqa: BLE001 - whatever one run fails of, the next one is still wanted
            log.warning("learning failed (%s); it will be tried again", type(error).__name__)


async def learn(homing: Homing, *, now: datetime | None = None) -> Population | None:
    """Make a run: read the evidence, fit, log. None where nothing has come in since the last one, or too much at once.

    Answers kept for second tries (`Idempotency-Key`) and used identity tokens are let go of with it, once they are old.
    """
    at = homing.clock.now() if now is None else now
    selection = homing.settings.selection()
    waiting = await homing.writer.run(lambda conn: _waiting(conn, selection))
    if waiting is None:
        return None
    try:
        population = await _fit(homing, waiting, selection, at)
        kept = await homing.writer.run(lambda conn: _judge(conn, homing, population, waiting, at))
    finally:
        await homing.writer.run(lambda conn: locks.leave_session(conn, locks.LEARNER))
    return population if kept else None


async def _fit(homing: Homing, waiting: Waiting, selection: SelectorSettings, at: datetime) -> Population:
    """Read what came of everybody's messages, and make a population of it."""
    evidence = Evidence()
    for start in range(0, len(waiting.profile_ids), PROFILES_A_JOB):
        part = waiting.profile_ids[start : start + PROFILES_A_JOB]
        await homing.writer.run(lambda conn, part=part: _read(conn, homing, part, evidence))  # type: ignore[misc]  # part is bound now
    return await asyncio.to_thread(
        fit_population,
        evidence.sends.values(),
        evidence.outcomes,
        settings=selection,
        now=at,
        position=waiting.position,
        withheld=evidence.withheld.values(),
    )


def _waiting(conn: Connection, selection: SelectorSettings) -> Waiting | None:
    """Look what there is to learn from; None where nothing came since the last run, or another process learns."""
    last, position = runs.newest(conn), chain.head(conn).block
    if last is not None and last.settings == selection.to_json() and not chain.others_after(conn, last.position):
        return None
    if not locks.try_session(conn, locks.LEARNER):
        return None
    return Waiting(profile_ids=decisions.profile_ids(conn), position=position)


def _read(conn: Connection, homing: Homing, profile_ids: Sequence[str], evidence: Evidence) -> None:
    """Read what came of the messages to some profiles, each as it stands today."""
    for profile_id in profile_ids:
        view = finding.view(conn, homing.people, profile_id)
        if view is not None:
            known = standing(conn, view, homing.customer_rules, homing.settings)
            evidence.take(known.sends, known.outcomes)
            kept_back = unsent(conn, known, homing.settings)
            evidence.take_withheld(kept_back.messages)
            evidence.take((), kept_back.outcomes)


def _judge(conn: Connection, homing: Homing, population: Population, learned: Waiting, at: datetime) -> bool:
    """Log the run unless a rate has moved further than is believed: then the model before it goes on deciding."""
    times, selection = homing.settings.selector.largest_shift, homing.settings.selection()
    last = runs.newest(conn)
    comparable = times is not None and last is not None and last.settings == selection.to_json()
    before = last_good.population(conn, selection.attribution_window)
    moved = shifts(before, population, times=times) if comparable and times is not None else ()
    told = "; ".join(f"{each.what} by {each.channel} {each.before:.2%} → {each.now:.2%}" for each in moved)
    metrics.tell_shifts(len(moved))
    if told or meta.get(conn, meta.LEARNER_SHIFT):
        meta.put(conn, meta.LEARNER_SHIFT, told)
    if moved:
        log.warning("not learned: %s at once; the model before goes on deciding, see `homing doctor`", told)
        return False
    _log(conn, homing, population, learned, at)
    return True


def _log(conn: Connection, homing: Homing, population: Population, learned: Waiting, at: datetime) -> None:
    """Append the run, and let the next decision use it."""
    runs.log(conn, population, position=learned.position, settings=homing.settings.selection(), at=at)
    idempotency.forget(conn, at - idempotency.KEPT)
    used_tokens.forget(conn, at)
    homing.decider.forget()
