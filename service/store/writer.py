"""One thread owns the connection, and a job's result is seen only after its COMMIT.

Jobs that wait together commit together (group commit): one fsync serves them all. A job is a plain function of the
connection; it may be run twice (the first run undone), so it changes nothing but the store and caches that `on_reset`
drops. It never commits or rolls back by itself.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from math import inf
from pathlib import Path
from typing import Any, Generic, TypeVar

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from service.errors import ApiError, Overloaded, StoreError
from service.store.database import Database
from service.store.failures import explain

T = TypeVar("T")

GROUP_JOBS = 256
"""At most so many jobs share a commit…"""

GROUP_SECONDS = 0.05
"""…and no further one is begun once the group has worked this long."""

MAX_WAITING = 1_000
"""With more jobs waiting than this, new ones are refused as `Overloaded`."""


LOOK_SECONDS = 1.0
"""How often it is looked whether the store's file is still there."""


def _file(path: Path) -> tuple[int, int] | None:
    """Give what tells a file from another one of its name; None if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


class _Job(Generic[T]):
    """A function of the connection and the future that its result goes to, after the commit."""

    __slots__ = ("future", "outcome", "work")

    def __init__(self, work: Callable[[Connection], T]) -> None:
        self.work = work
        self.future: Future[T] = Future()
        self.outcome: T | ApiError | None = None

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

    `on_reset` drops every cache of the store's content: it is called after a rollback, and when another process has
    written. `on_commit` is told each group's jobs and seconds.
    """

    def __init__(
        self,
        database: Database,
        on_reset: Callable[[], None],
        on_commit: Callable[[int, float], None] = _ignore,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        self._database = database
        self._on_reset = on_reset
        self._on_commit = on_commit
        self._max_waiting = max_waiting
        self._waiting: queue.SimpleQueue[_Job[Any] | None] = queue.SimpleQueue()
        self._gate = threading.Lock()
        self._closed = False
        self._version: int | None = None
        self._conn = database.connect()
        self._opened = _file(database.path)
        self._looked = -inf
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
            return self._refuse_waiting(first, explain(error, self._database.path))
        ran: list[_Job[Any]] = []
        failed, more = self._run_waiting(first, ran, started + GROUP_SECONDS)
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
        before = self._changes()
        try:
            job.outcome = job.work(self._conn)
        except ApiError as refusal:
            # A refusal made before anything was written leaves nothing to undo: its neighbours need not start over.
            job.outcome = refusal
            return self._changes() == before
        except Exception:  # noqa: BLE001 - it is raised again, and reported, when the job runs alone
            return False
        return True

    def _alone(self, job: _Job[Any]) -> None:
        try:
            self._begin()
            result = job.work(self._conn)
            self._conn.commit()
        except Exception as error:  # noqa: BLE001 - it goes to whoever waits for the job
            self._rollback()
            job.future.set_exception(explain(error, self._database.path))
        else:
            job.future.set_result(result)

    def _commit(self, ran: list[_Job[Any]]) -> bool:
        try:
            self._conn.commit()
        except DBAPIError:
            return False
        for job in ran:
            job.settle()
        return True

    def _begin(self) -> None:
        self._still_there()
        self._conn.begin()
        version = self._conn.exec_driver_sql("PRAGMA data_version").scalar_one()
        if version != self._version:
            if self._version is not None:
                self._on_reset()
            self._version = version

    def _still_there(self) -> None:
        """Refuse to write into a file that was moved or deleted: what is acknowledged must be found again."""
        now = time.monotonic()
        if now - self._looked > LOOK_SECONDS:
            self._looked = now
            if _file(self._database.path) != self._opened:
                self._looked = -inf
                raise StoreError("store_gone", f"{self._database.path}: the store was moved or deleted while in use")

    def _rollback(self) -> None:
        try:
            self._conn.rollback()
        except DBAPIError:
            # The connection itself is gone: a fresh one has its own count of other processes' writes.
            self._conn.invalidate()
            self._version = None
        self._on_reset()

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

    def _changes(self) -> int:
        driver = self._conn.connection.driver_connection
        changes: int = driver.total_changes  # type: ignore[union-attr]  # the driver's own counter
        return changes
