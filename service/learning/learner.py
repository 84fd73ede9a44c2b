"""The learner reads what came of all messages into a population, one process at a time, and logs its run (`runs`).

`homing serve` has it in a process of its own, for reading and fitting take seconds of a processor.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import datetime, timedelta

from sqlalchemy.engine import Connection

from channel_selector.model.learning import fit_population
from channel_selector.model.population import Population
from channel_selector.model.shifts import shifts
from service import metrics
from service.errors import ApiError, StoreError
from service.learning import last_good, runs
from service.learning.evidence import Reading
from service.settings.settings import Settings
from service.store import chain, idempotency, locks, meta, used_tokens
from service.wiring import Homing, open_homing

log = logging.getLogger("homing.learner")

EVERY = timedelta(minutes=5)
TOLD_SECONDS = 60.0
"""How often a server looks whether the last run was held back."""
BETWEEN = "; "
"""What stands between the rates that have moved too far."""


class Learner:
    """Learns from one store, and keeps what it has read between runs."""

    def __init__(self, homing: Homing) -> None:
        self._homing = homing
        self._selection = homing.settings.selection()
        self._reading = Reading(homing)

    def run(self, now: datetime | None = None) -> Population | None:
        """Make a run: catch up, fit, log. None where nothing has come in since the last one, or too much at once.

        Answers kept for second tries (`Idempotency-Key`) and used identity tokens are let go of with it, once they are
        old. Waits for the writer.
        """
        at = self._homing.clock.now() if now is None else now
        if not self._homing.writer.submit(self._begin).result():
            return None
        try:
            population = self._fit(at)
            kept = self._homing.writer.submit(lambda conn: _judge(conn, self._homing, population, at)).result()
        finally:
            self._homing.writer.submit(lambda conn: locks.leave_session(conn, locks.LEARNER)).result()
        return population if kept else None

    def _begin(self, conn: Connection) -> bool:
        """Tell whether anything came since the last run, and no other process learns: none may then until the end."""
        last = runs.newest(conn)
        known = last is not None and last.settings == self._selection.to_json()
        if last is not None and known and not chain.others_after(conn, last.position):
            return False
        return locks.try_session(conn, locks.LEARNER)

    def _fit(self, at: datetime) -> Population:
        """Make a population of what came of everybody's messages."""
        position = self._reading.catch_up()
        evidence = self._reading.evidence()
        return fit_population(
            evidence.sends.values(),
            evidence.outcomes,
            settings=self._selection,
            now=at,
            position=position,
            withheld=evidence.withheld.values(),
        )


def learn(homing: Homing, *, now: datetime | None = None) -> Population | None:
    """Make one run, having read nothing before; see `Learner.run`."""
    return Learner(homing).run(now)


def keep_learning(settings: Settings, pause: Callable[[float], None] = time.sleep) -> None:
    """Learn whenever something has come in, until killed. A run that fails is told and tried again later."""
    pause(EVERY.total_seconds())
    with closing(open_homing(settings)) as homing:
        learner = Learner(homing)
        while True:
            try:
                learner.run()
            except Exception as error:  # noqa: BLE001 - whatever one run fails of, the next one is still wanted
                log.warning("learning failed (%s); it will be tried again", type(error).__name__)
            pause(EVERY.total_seconds())


async def keep_telling(homing: Homing) -> None:
    """Tell the metrics, until cancelled, how many rates held the last run back, whichever process made it."""
    while True:
        # A store that does not answer is told by /readyz.
        with suppress(ApiError, StoreError):
            await tell(homing)
        await asyncio.sleep(TOLD_SECONDS)


async def tell(homing: Homing) -> None:
    """Tell the metrics once."""
    metrics.tell_shifts(await homing.writer.run(shifted))


def shifted(conn: Connection) -> int:
    """Give how many rates held the last run back."""
    told = meta.get(conn, meta.LEARNER_SHIFT)
    return len(told.split(BETWEEN)) if told else 0


def _judge(conn: Connection, homing: Homing, population: Population, at: datetime) -> bool:
    """Log the run unless a rate has moved further than is believed: then the model before it goes on deciding."""
    times, selection = homing.settings.selector.largest_shift, homing.settings.selection()
    last = runs.newest(conn)
    comparable = times is not None and last is not None and last.settings == selection.to_json()
    before = last_good.population(conn, selection.attribution_window)
    moved = shifts(before, population, times=times) if comparable and times is not None else ()
    told = BETWEEN.join(f"{each.what} by {each.channel} {each.before:.2%} → {each.now:.2%}" for each in moved)
    if told or meta.get(conn, meta.LEARNER_SHIFT):
        meta.put(conn, meta.LEARNER_SHIFT, told)
    if moved:
        log.warning("not learned: %s at once; the model before goes on deciding, see `homing doctor`", told)
        return False
    _log(conn, homing, population, at)
    return True


def _log(conn: Connection, homing: Homing, population: Population, at: datetime) -> None:
    """Append the run, and let the next decision use it."""
    runs.log(conn, population, position=population.position, settings=homing.settings.selection(), at=at)
    idempotency.forget(conn, at - idempotency.KEPT)
    used_tokens.forget(conn, at)
    homing.decider.forget()
