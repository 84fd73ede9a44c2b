"""Events of requests that wait for the store at the same time are taken in together: one append, one replay for all.

Many clients with an event each then cost what one client with a batch costs; and where their events are about one
person, that person is folded once and not for each of them.
"""

import asyncio
import threading
from collections.abc import Sequence
from functools import partial

from sqlalchemy.engine import Connection

from service.errors import HomingError
from service.identity_tokens import Presented
from service.ingest import Taken, admit
from service.messages import Message
from service.people import People
from service.store.writer import Writer

EVENTS_A_JOB = 100
"""So many events at most share a job, so that others need not wait for it long."""

Events = Sequence[Message | Presented]


class _Job:
    """Events that are taken in together; nobody joins once the writer has begun with them."""

    def __init__(self, people: People) -> None:
        self.requests = 0
        self._people = people
        self._events: list[Message | Presented] = []
        self._begun = False
        self._gate = threading.Lock()

    def join(self, events: Events) -> int | None:
        """Add a request's events; give the place of the first, None where there is no room any more."""
        with self._gate:
            place = len(self._events)
            if self._begun or (place and place + len(events) > EVENTS_A_JOB):
                return None
            self._events += events
            self.requests += 1
            return place

    def __call__(self, conn: Connection) -> list[Taken]:
        """Take them in; in the writer's thread."""
        with self._gate:
            self._begun = True
        return admit(conn, self._people, self._events)


class Gathering:
    """Takes in the events of requests; belongs to the loop that serves them."""

    def __init__(self, writer: Writer, people: People) -> None:
        self._writer = writer
        self._people = people
        self._open: tuple[_Job, asyncio.Future[list[Taken]]] | None = None

    async def take(self, events: Events) -> list[Taken]:
        """Take events in, a hundred in a job at most; give what became of each, after the commit.

        Where one job fails the client sends everything again, and what is in the log already counts once. Raises what
        `Writer.run` raises.
        """
        taken: list[Taken] = []
        for start in range(0, len(events), EVENTS_A_JOB):
            taken += await self._part(events[start : start + EVENTS_A_JOB])
        return taken

    async def _part(self, events: Events) -> list[Taken]:
        job, place, done = self._joined(events)
        try:
            # Shielded: whoever goes away must not take the others' answers along.
            return (await asyncio.shield(done))[place : place + len(events)]
        except HomingError:
            raise
        except Exception:
            if job.requests == 1:
                raise
            # Nobody expected that; one request's fault must not be the others'.
            return await self._writer.run(partial(admit, people=self._people, events=events))

    def _joined(self, events: Events) -> tuple[_Job, int, "asyncio.Future[list[Taken]]"]:
        """Join the job that waits, or else begin one."""
        if self._open is not None and self._open[1].get_loop() is asyncio.get_running_loop():
            job, done = self._open
            place = job.join(events)
            if place is not None:
                return job, place, done
        job = _Job(self._people)
        job.join(events)
        done = asyncio.wrap_future(self._writer.submit(job))
        self._open = job, done
        return job, 0, done
