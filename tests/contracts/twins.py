"""One deployment over each store: what is asked of them is asked of all, and their answers are the same to the byte."""

from collections.abc import Callable, Collection, Sequence
from itertools import count
from typing import Any, TypeVar

import httpx

from identity.observations import Trust
from service import keys
from service.clock import FixedClock
from service.keys import Scope
from service.wiring import Homing
from tests.service.harness import Api

T = TypeVar("T")

_TOLD = ("content-type", "cache-control", "retry-after", "www-authenticate")
"""The headers that say something of the answer."""


class Twins:
    """Clients of the deployments; whatever one answers, the others must have answered too."""

    def __init__(self, apis: Sequence[Api], clock: FixedClock) -> None:
        self.apis = apis
        self.clock = clock
        self._keys = count(1)

    def key(self, *scopes: Scope, trust: Trust = Trust.SERVER, source: str = "shop") -> str:
        """Make the same key in each store (of all scopes, if none is named) and give its text."""
        text = f"{keys.PREFIX}{next(self._keys):043}"
        for api in self.apis:
            _make(api.homing, text, scopes or tuple(Scope), trust, source)
        return text

    def request(self, method: str, path: str, **given: Any) -> httpx.Response:
        """Send one request to each; AssertionError where they differ, or where one cannot answer."""
        answers = [api.request(method, path, **given) for api in self.apis]
        first = answers[0]
        for other in answers[1:]:
            assert (first.status_code, first.content) == (other.status_code, other.content)
            assert [first.headers.get(name) for name in _TOLD] == [other.headers.get(name) for name in _TOLD]
        assert first.status_code < 500, first.text
        return first

    def get(self, path: str, **given: Any) -> httpx.Response:
        """GET."""
        return self.request("GET", path, **given)

    def post(self, path: str, **given: Any) -> httpx.Response:
        """POST."""
        return self.request("POST", path, **given)

    def put(self, path: str, **given: Any) -> httpx.Response:
        """PUT."""
        return self.request("PUT", path, **given)

    def each(self, ask: Callable[[Homing], T]) -> T:
        """Ask each deployment itself, and give what all of them say."""
        told = [ask(api.homing) for api in self.apis]
        for other in told[1:]:
            assert told[0] == other
        return told[0]

    def close(self) -> None:
        """Close all."""
        for api in self.apis:
            api.close()
            api.homing.close()


def _make(homing: Homing, text: str, scopes: Collection[Scope], trust: Trust, source: str) -> None:
    homing.writer.submit(
        lambda conn: keys.create(
            conn, name="test", scopes=scopes, trust=trust, at=homing.clock.now(), source=source, text=text
        )
    ).result(10)
