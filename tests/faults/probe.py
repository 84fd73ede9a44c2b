"""Writes through one replica and reads through another: what was acknowledged here is to be seen there at once."""

import random
import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from types import TracebackType
from typing import Self

from tests.faults.clients import CUT_OFF, PAUSE, Line
from tests.faults.journal import Journal
from tests.faults.programs import PATIENCE
from tests.faults.servers import Server
from tests.faults.stores import KEYS
from tests.faults.traffic import NOW, Event, Request, Sender, request_of

PERSON = "probed"
_PATH = f"/v1/profiles?namespace=user_id&value={PERSON}"
BROWSERS = 900
"""A profile holds no more identifiers than its cap; so many writes make one person long enough."""
NOBODY = (CUT_OFF, b"")
"""What a server answers that is not there."""
STALE_SECONDS = 1.0
"""An answer older than this is wrong."""
GIVE_UP_SECONDS = 3.0


class Probe:
    """A thread that tells one replica of a person's next browser and asks another one for the person.

    `stalest` is the longest after an acknowledgement that an answer without the browser was asked for. Used as a
    context, it has ended at its end.
    """

    def __init__(self, servers: Sequence[Server], journal: Journal, chance: random.Random) -> None:
        self._servers = servers
        self._journal = journal
        self._chance = chance
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._probe, daemon=True)
        self.stalest = 0.0
        self.written: list[Event] = []
        """What was acknowledged."""
        self.reads = 0
        """How many answers of the second replica were looked at."""

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End; what was begun to be written is written first."""
        self._ending.set()
        self._thread.join(PATIENCE)

    def _probe(self) -> None:
        writing, reading = Line(), Line()
        while not self._ending.is_set() and len(self.written) < BROWSERS:
            number = len(self.written)
            event = _seen_on(number)
            writer = self._write(writing, request_of(Sender.SHOP, [event]))
            if writer is None:
                break
            self.written.append(event)
            self._read(reading, writer, f"probed-browser-{number}")
        writing.close()
        reading.close()

    def _write(self, line: Line, request: Request) -> Server | None:
        """Send a request until it is acknowledged, and give the server that did."""
        until = None
        while until is None or time.monotonic() < until:
            if self._ending.is_set() and until is None:
                until = time.monotonic() + PATIENCE / 2
            server = self._chance.choice(self._servers)
            address = server.address
            status, body = NOBODY if address is None else line.post(address, request, KEYS[request.sender])
            if status == 200:
                self._journal.told(request, body)
                return server
            time.sleep(PAUSE)
        return None

    def _read(self, line: Line, writer: Server, browser: str) -> None:
        """Ask another server until it knows the browser."""
        acknowledged = time.monotonic()
        reader = self._chance.choice([server for server in self._servers if server is not writer])
        while not self._ending.is_set():
            asked = time.monotonic() - acknowledged
            address = reader.address
            status, body = NOBODY if address is None else line.get(address, _PATH, KEYS[Sender.MAILER])
            if status in {200, 404}:
                self.reads += 1
                if browser.encode() in body:
                    return
                self.stalest = max(self.stalest, asked)
            if asked > GIVE_UP_SECONDS:
                return
            time.sleep(PAUSE)


def _seen_on(number: int) -> Event:
    raw = {
        "type": "page",
        "name": "Probe",
        "messageId": f"probe-{number}",
        "userId": PERSON,
        "anonymousId": f"probed-browser-{number}",
        "timestamp": (NOW - timedelta(days=5) + timedelta(seconds=number)).isoformat(),
    }
    return Event(sender=Sender.SHOP, raw=raw)
