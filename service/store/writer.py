"""One thread owns the connection, and a job's result is seen only after its COMMIT.

Jobs that wait together commit together (group commit): one fsync serves them all. A job is a plain function of the
connection. It may be run again, also after a commit whose answer was lost with the connection: so it changes nothing
but the store and caches that are dropped then, and what it appends is known again by its message id or key.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from service.errors import ApiError, Overloaded, StoreError
from service.store import chain, faults, locks
from service.store.database import Database
from service.store.locks import Taken
from service.store.watch import Watch

T = TypeVar("T")

GROUP_JOBS = 256
"""At most so many jobs share a commit…"""

GROUP_SECONDS = 0.005
"""…and no further one is begun once the group has worked this long, or as long as the last commit took, if that is
more: who came first waits for all of them, and beyond that a shared commit saves little…"""

GROUP_LONGEST = 0.05
"""…but never once it has worked this long."""

MAX_WAITING = 1_000
"""With more jobs waiting than this, new ones are refused as `Overloaded`."""

TRIES = 6
"""How often a job that others were in the way of is run side by side with them; then it is run alone."""

PATIENCE_SECONDS = 5.0
"""How long a server that cannot be reached is asked for again before those who wait are told."""

_PAUSE_SECONDS = 0.05


class _Job(Generic[T]):
    """A function of the connection and the future that its result goes to, after the commit."""

    __slots__ = ("future", "keys", "outcome", "work")

    def __init__(self, work: Callable[[Connection], T]) -> None:
        self.work = work
        self.future: Future[T] = Future()
        self.outcome: T | ApiError | None = None
        self.keys: frozenset[int] = frozenset()

    def settle(self) -> None:
        """Hand over what the job gave, a deliberate refusal included."""
        if isinstance(self.outcome, ApiError):
            self.future.set_exception(self.outcome)
        else:
            self.future.set_result(self.outcome)  # type: ignore[arg-type]  # T may itself include None


def _ignore(_jobs: int, _seconds: float) -> None:
    """Observe nothing."""


class Writer:
    """The store's only writer in this process; every job, also one that only reads, goes through it in order.

    `watch` tells those who keep something at hand what others have written, and everything after a rollback.
    `on_commit` is told each group's jobs and seconds.
    """

    def __init__(
        self,
        database: Database,
        watch: Watch,
        on_commit: Callable[[int, float], None] = _ignore,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        self._backend = database.backend
        self._watch = watch
        self._on_commit = on_commit
        self._max_waiting = max_waiting
        self._waiting: queue.SimpleQueue[_Job[Any] | None] = queue.SimpleQueue()
        self._gate = threading.Lock()
        self._closed = False
        self._conn = database.connect()
        self._guard = database.backend.guard()
        self._lost_at: float | None = None
        self._commit_seconds = 0.0
        self._thread = threading.Thread(target=self._work, name="homing-writer", daemon=True)
        self._thread.start()

    @property
    def depth(self) -> int:
        """How many jobs wait."""
        return self._waiting.qsize()

    def submit(self, job: Callable[[Connection], T]) -> Future[T]:
        """Queue a job; the future is done after its COMMIT.

        It then holds the result, the job's own exception (nothing of the job remains in the store), or a StoreError.
        Raises Overloaded where too many wait, StoreError after `close`.
        """
        wrapped = _Job(job)
        with self._gate:
            if self._closed:
                raise StoreError("store_closed", "the service is stopping; send it again to its successor")
            if self._waiting.qsize() >= self._max_waiting:
                raise Overloaded
            self._waiting.put(wrapped)
        return wrapped.future

    async def run(self, job: Callable[[Connection], T]) -> T:
        """Await a job; see `submit`."""
        return await asyncio.wrap_future(self.submit(job))

    def close(self, timeout: float) -> None:
        """Take no more jobs, finish those waiting, stop; StoreError if that takes longer than `timeout` seconds.

        A second call does nothing.
        """
        with self._gate:
            if not self._closed:
                self._closed = True
                self._waiting.put(None)
        self._thread.join(timeout)
        if self._thread.is_alive():
            raise StoreError("store_slow", f"{self.depth} jobs were still waiting after {timeout:g} s")

    # --- the thread ---------------------------------------------------------------------------------------------

    def _work(self) -> None:
        try:
            while (job := self._waiting.get()) is not None:
                if not self._group(job):
                    break
        finally:
            self._conn.close()

    def _group(self, first: _Job[Any]) -> bool:
        """Run and commit the jobs that wait; False when one of them was the end."""
        started = time.perf_counter()
        try:
            self._begin()
        except Exception as error:  # noqa: BLE001 - whatever it is, it goes to those who wait
            return self._refuse_waiting(first, self._backend.explain(error))
        ran: list[_Job[Any]] = []
        longest = min(max(GROUP_SECONDS, self._commit_seconds), GROUP_LONGEST)
        failed, more = self._run_waiting(first, ran, started + longest)
        if not failed:
            failed = not self._commit(ran)
        if failed:
            self._rollback()
            for job in ran:
                self._alone(job)
        self._on_commit(len(ran), time.perf_counter() - started)
        return more

    def _run_waiting(self, first: _Job[Any], ran: list[_Job[Any]], until: float) -> tuple[bool, bool]:
        """Run jobs into `ran` until none waits; tell whether the last one failed, and whether more may come."""
        job: _Job[Any] | None = first
        while job is not None:
            if job.future.set_running_or_notify_cancel():
                ran.append(job)
                if not self._try(job):
                    return True, True
            if len(ran) >= GROUP_JOBS or time.perf_counter() > until:
                return False, True
            try:
                job = self._waiting.get_nowait()
            except queue.Empty:
                return False, True
        return False, False

    def _try(self, job: _Job[Any]) -> bool:
        before = self._backend.changes(self._conn)
        try:
            job.outcome = job.work(self._conn)
        except ApiError as refusal:
            # A refusal made before anything was written leaves nothing to undo: its neighbours need not start over.
            job.outcome = refusal
            return self._backend.changes(self._conn) == before
        except Taken as taken:
            job.keys = taken.keys
            return False
        except Exception:  # noqa: BLE001 - it is raised again, and reported, when the job runs alone
            return False
        return True

    def _alone(self, job: _Job[Any]) -> None:
        """Run a job in a transaction of its own, again while others are in its way or the connection breaks."""
        for left in reversed(range(TRIES + 1)):
            try:
                self._begin(job.keys, alone=left == 0)
                result = job.work(self._conn)
                sealed = self._end()
            except Taken as taken:
                self._rollback()
                job.keys |= taken.keys
            except Exception as error:  # noqa: BLE001 - it goes to whoever waits for the job
                self._rollback()
                if left == 0 or not (self._backend.passing(error) or self._backend.lost(error)):
                    job.future.set_exception(self._backend.explain(error))
                    return
            else:
                self._watch.sealed(sealed)
                job.future.set_result(result)
                return

    def _commit(self, ran: list[_Job[Any]]) -> bool:
        began = time.perf_counter()
        try:
            sealed = self._end()
        except Exception:  # noqa: BLE001 - it is raised again, to whoever waits, when each job runs alone
            return False
        self._commit_seconds = time.perf_counter() - began
        self._watch.sealed(sealed)
        for job in ran:
            job.settle()
        return True

    def _end(self) -> chain.Sealed | None:
        sealed = chain.seal(self._conn)
        faults.reach("before_commit")
        self._conn.commit()
        faults.reach("after_commit")
        return sealed

    def _begin(self, keys: frozenset[int] = frozenset(), *, alone: bool = False) -> None:
        """Begin a transaction, over again while the server cannot be reached; hold `keys`, or everything."""
        self._guard()
        while True:
            try:
                self._conn.begin()
                chain.drop(self._conn)
                locks.drop(self._conn)
                if alone:
                    locks.hold_alone(self._conn)
                locks.hold(self._conn, keys)
                self._watch.look(self._conn)
            except DBAPIError as error:
                if not self._backend.lost(error) or not self._patient():
                    raise
                self._rollback()
                time.sleep(_PAUSE_SECONDS)
            else:
                self._lost_at = None
                return

    def _patient(self) -> bool:
        """Tell whether the server, which cannot be reached, was lost only a moment ago."""
        now = time.monotonic()
        if self._lost_at is None:
            self._lost_at = now
        return now < self._lost_at + PATIENCE_SECONDS

    def _rollback(self) -> None:
        try:
            self._conn.rollback()
        except DBAPIError:
            # The connection itself is gone; the next use makes a new one.
            self._conn.invalidate()
        self._watch.distrust()

    def _refuse_waiting(self, first: _Job[Any], error: Exception) -> bool:
        """Where not even BEGIN succeeds, fail all that wait by now: each would only wait as long again."""
        self._rollback()
        refused, more = self._all_waiting(first)
        # Only now is anyone told: whoever asks again after that is no part of this refusal.
        for job in refused:
            if job.future.set_running_or_notify_cancel():
                job.future.set_exception(error)
        return more

    def _all_waiting(self, first: _Job[Any]) -> tuple[list[_Job[Any]], bool]:
        """Take every job that waits; tell whether more may come."""
        taken = [first]
        while True:
            try:
                job = self._waiting.get_nowait()
            except queue.Empty:
                return taken, True
            if job is None:
                return taken, False
            taken.append(job)
