"""Ready means proven: the store is open at its schema and has just taken a write; never before, nor while stopping."""

import asyncio
import time
from collections.abc import Callable
from http import HTTPStatus

from sqlalchemy.engine import Connection

from service.clock import Clock
from service.errors import ApiError, StoreError
from service.folds.rules_to_come import RulesToCome
from service.store import meta, migrate
from service.store.database import Database
from service.store.writer import Writer

PROOF_SECONDS = 1.0
"""A proof is believed this long: a flood of probes costs one write a second."""

PATIENCE_SECONDS = 3.0
"""A store that takes longer for one small write is not ready."""


class Readiness:
    """Tells whether requests can be served; `elapsed` counts seconds."""

    def __init__(
        self,
        database: Database,
        writer: Writer,
        clock: Clock,
        rules_to_come: RulesToCome,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rules_to_come = rules_to_come
        self._database = database
        self._writer = writer
        self._clock = clock
        self._elapsed = elapsed
        self._proven_at = float("-inf")
        self._stopping = False

    def stop(self) -> None:
        """Be red from now on: the service is going to take no more requests."""
        self._stopping = True

    async def prove(self) -> None:
        """Pass if ready; else ApiError 503 with the reason."""
        if self._stopping:
            raise _not_ready("stopping", "the service is stopping")
        if self._elapsed() - self._proven_at < PROOF_SECONDS:
            return
        begun = self._elapsed()
        try:
            await asyncio.wait_for(self._writer.run(self._write), PATIENCE_SECONDS)
        except TimeoutError:
            raise _not_ready("store_slow", "the store does not answer in time") from None
        except StoreError as error:
            raise _not_ready(error.code, "the store cannot be written") from error
        self._proven_at = begun

    def _write(self, conn: Connection) -> None:
        file = self._database.file
        if file is not None and not file.exists():
            raise StoreError("store_gone", "the store's file was taken away; stop, put it back, start again")
        revision = migrate.current(conn)
        if revision != migrate.HEAD:
            raise StoreError("store_schema", "the store's schema is not this program's")
        self._rules_to_come.look(conn)
        meta.put(conn, meta.PROVEN_WRITE, self._clock.now().isoformat())


def _not_ready(code: str, message: str) -> ApiError:
    return ApiError(HTTPStatus.SERVICE_UNAVAILABLE, code, message, retry_after=1)
