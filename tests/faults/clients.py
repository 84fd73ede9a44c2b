"""Clients over real HTTP that share a journal: they send what waits there until everything is acknowledged."""

import http.client
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from benchmarks.load import Address
from tests.faults.journal import Journal
from tests.faults.programs import PATIENCE, wait_until
from tests.faults.traffic import PATHS, Request, Sender

CLIENTS = 4
PAUSE = 0.02
"""Seconds to wait after a failure, and while no server is there."""

CUT_OFF = 0
"""The status where there is no answer: the connection was cut, or never made."""

Where = Callable[[], Address | None]
"""Tells where to send the next request; None while there is nowhere."""


class Clients:
    """Threads that send; used as a context, they have ended at its end."""

    def __init__(self, where: Where, keys: Mapping[Sender, str], journal: Journal, count: int = CLIENTS) -> None:
        self._where = where
        self._keys = keys
        self._journal = journal
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._send_all, daemon=True) for _ in range(count)]

    def __enter__(self) -> Self:
        """Begin to send."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Send nothing more."""
        self._ending.set()
        for thread in self._threads:
            thread.join(PATIENCE)

    def finish(self, seconds: float = PATIENCE) -> None:
        """Wait until everything is acknowledged; Stuck if that takes too long."""
        wait_until(lambda: self._journal.done, "everything is acknowledged", seconds)

    def _send_all(self) -> None:
        line = Line()
        while not self._ending.is_set():
            address = self._where()
            request = None if address is None else self._journal.next()
            if address is None or request is None:
                time.sleep(PAUSE)
                continue
            status, body = line.post(address, request, self._keys[request.sender])
            if status == CUT_OFF:
                self._journal.failed(request)
            else:
                self._journal.answered(request, status, body)
            if status != 200:
                time.sleep(PAUSE)
        line.close()


class Line:
    """One client's connection, made anew whenever the address is another one or the last was cut."""

    def __init__(self) -> None:
        self._address: Address | None = None
        self._connection: http.client.HTTPConnection | None = None

    def post(self, address: Address, request: Request, key: str) -> tuple[int, bytes]:
        """Send a request and give its answer's status, which may be CUT_OFF, and body."""
        return self._ask(address, "POST", PATHS[request.kind], request.body, key)

    def get(self, address: Address, path: str, key: str) -> tuple[int, bytes]:
        """Ask for something and give the answer's status, which may be CUT_OFF, and body."""
        return self._ask(address, "GET", path, None, key)

    def _ask(self, address: Address, method: str, path: str, body: bytes | None, key: str) -> tuple[int, bytes]:
        if address != self._address or self._connection is None:
            self.close()
            self._address = address
            self._connection = http.client.HTTPConnection(*address, timeout=PATIENCE)
        try:
            self._connection.request(method, path, body, {"Authorization": f"Bearer {key}"})
            answer = self._connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            self.close()
            return CUT_OFF, b""

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
