"""What requests that wait for the store at the same time ask of it is done together: one job and one append for all.

Many clients with an event each then cost what one client with a batch costs; where their events are about one person,
that person is folded once and not for each of them. Questions that wait together are decided on together.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from functools import partial
from math import inf
from typing import Generic, TypeVar

from sqlalchemy.engine import Connection

from service.errors import HomingError, Overloaded
from service.store.writer import Writer

EVENTS_A_JOB = 100
"""So many events at most share a job, so that others need not wait for it long."""
QUESTIONS_A_JOB = 16
"""So many messages at most are decided on in one job: what sharing saves is had by then, and the rest is waiting."""

MOST_QUESTIONS = 1_000
"""With more messages waiting than this, new ones are refused: who asked first would have to wait for seconds."""

I = TypeVar("I")  # noqa: E741 - items
R = TypeVar("R")

Work = Callable[[Connection, Sequence[I]], list[R]]
"""Gives of each item, in their order, what came of it."""


class _Job(Generic[I, R]):
    """Items that are worked on together; nobody joins once the writer has begun with them."""

    def __init__(self, work: Work[I, R], most: int) -> None:
        self.requests = 0
        self._work = work
        self._most = most
        self._items: list[I] = []
        self._begun = False
        self._gate = threading.Lock()

    def join(self, items: Sequence[I]) -> int | None:
        """Add a request's items; give the place of the first, None where there is no room any more."""
        with self._gate:
            place = len(self._items)
            if self._begun or (place and place + len(items) > self._most):
                return None
            self._items += items
            self.requests += 1
            return place

    def __call__(self, conn: Connection) -> list[R]:
        """Work on them; in the writer's thread."""
        with self._gate:
            self._begun = True
        return self._work(conn, self._items)


class Gathering(Generic[I, R]):
    """Has the items of requests worked on, at most so many in a job; belongs to the loop that serves them.

    With more than `most_waiting` items under way, requests are refused as `Overloaded`.
    """

    def __init__(self, writer: Writer, work: Work[I, R], most: int, most_waiting: float = inf) -> None:
        self._writer = writer
        self._work = work
        self._most = most
        self._most_waiting = most_waiting
        self._waiting = 0
        self._open: tuple[_Job[I, R], asyncio.Future[list[R]]] | None = None

    async def take(self, items: Sequence[I]) -> list[R]:
        """Have items worked on; give what came of each, after the commit.

        Where one job fails the client sends everything again, and what is in the log already counts once. Raises what
        `Writer.run` raises.
        """
        if self._waiting >= self._most_waiting:
            raise Overloaded
        self._waiting += len(items)
        try:
            parts = [items[start : start + self._most] for start in range(0, len(items), self._most)]
            return [each for part in parts for each in await self._part(part)]
        finally:
            self._waiting -= len(items)

    async def _part(self, items: Sequence[I]) -> list[R]:
        job, place, done = self._joined(items)
        try:
            # Shielded: whoever goes away must not take the others' answers along.
            return (await asyncio.shield(done))[place : place + len(items)]
        except HomingError:
            raise
        except Exception:
            if job.requests == 1:
                raise
            # Nobody expected that; one request's fault must not be the others'.
            return await self._writer.run(partial(self._work_on, items))

    def _work_on(self, items: Sequence[I], conn: Connection) -> list[R]:
        return self._work(conn, items)

    def _joined(self, items: Sequence[I]) -> "tuple[_Job[I, R], int, asyncio.Future[list[R]]]":
        """Join the job that waits, or else begin one."""
        if self._open is not None and self._open[1].get_loop() is asyncio.get_running_loop():
            job, done = self._open
            place = job.join(items)
            if place is not None:
                return job, place, done
        job = _Job(self._work, self._most)
        job.join(items)
        done = asyncio.wrap_future(self._writer.submit(job))
        self._open = job, done
        return job, 0, done
