"""What was sent and what was acknowledged, kept on the clients' side: the only witness of what a store owes.

A request is sent, with the same message ids, until it is acknowledged. Whatever else is answered is written down.
"""

import random
import threading
from collections import Counter
from collections.abc import Sequence

import orjson

from tests.faults.traffic import Kind, Request, decision_name, outcome


class Journal:
    """Requests still to be sent, and the names of what was acknowledged. Any thread may use it."""

    def __init__(self, requests: Sequence[Request], chance: random.Random) -> None:
        self._waiting = list(reversed(requests))
        self._chance = chance
        self._lock = threading.Lock()
        self._away = 0
        self.acknowledged: set[str] = set()
        """Names that a client was told are in the store."""
        self.requests = 0
        """How many requests were acknowledged."""
        self.cut_off = 0
        """How many got no answer."""
        self.refused: Counter[str] = Counter()
        """Refusals to be tried again, by status and code."""
        self.wrong: list[str] = []
        """Answers that no client should ever see."""

    def next(self) -> Request | None:
        """Take a request to send; None if none waits now."""
        with self._lock:
            if not self._waiting:
                return None
            self._away += 1
            return self._waiting.pop()

    def add(self, requests: Sequence[Request]) -> None:
        """Have more sent, after those that wait."""
        with self._lock:
            self._waiting[:0] = reversed(requests)

    @property
    def left(self) -> int:
        """How many requests wait."""
        with self._lock:
            return len(self._waiting)

    @property
    def done(self) -> bool:
        """Whether everything is acknowledged."""
        with self._lock:
            return not self._waiting and not self._away

    def failed(self, request: Request) -> None:
        """Note that a request got no answer: what became of it is not known, and it is sent again."""
        with self._lock:
            self.cut_off += 1
            self._again(request)

    def answered(self, request: Request, status: int, body: bytes) -> None:
        """Note an answer."""
        with self._lock:
            if status == 200:
                self._taken(request, body)
            else:
                self._refused(request, status, body)

    def told(self, request: Request, body: bytes) -> None:
        """Note that a request which was never the journal's to send was acknowledged."""
        with self._lock:
            self._away += 1
            self._taken(request, body)

    def _taken(self, request: Request, body: bytes) -> None:
        self._away -= 1
        self.requests += 1
        content = orjson.loads(body)
        if request.kind is Kind.QUESTION:
            decision_id = content["decision_id"]
            self.acknowledged.add(decision_name(request.names[0], decision_id))
            self._waiting.append(outcome(decision_id))
            return
        if content["accepted"] != len(request.names):
            self.wrong.append(f"{request.kind}: {body.decode()[:300]}")
        self.acknowledged.update(request.names)

    def _refused(self, request: Request, status: int, body: bytes) -> None:
        code = _code(body)
        self.refused[f"{status} {code}"] += 1
        if status != 503:
            self.wrong.append(f"{request.kind}: {status} {body.decode(errors='replace')[:300]}")
        self._again(request)

    def _again(self, request: Request) -> None:
        # Somewhere among the next: others come between, and its second try may reach another replica.
        self._away -= 1
        place = len(self._waiting) - self._chance.randrange(min(len(self._waiting), 8) + 1)
        self._waiting.insert(place, request)


def _code(body: bytes) -> str:
    try:
        return str(orjson.loads(body)["code"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return "no code"
