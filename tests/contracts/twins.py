"""One deployment over each store: what is asked of them is asked of all, and their answers are the same to the byte.

Only cursors are a store's own: they hold places in its logs, and where a try was undone PostgreSQL leaves a number out.
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
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
_CURSOR = re.compile(rb'"next_cursor":"[0-9.-]+"')


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
        return _agreed([api.request(method, path, **given) for api in self.apis])

    def get(self, path: str, **given: Any) -> httpx.Response:
        """GET."""
        return self.request("GET", path, **given)

    def pages(self, path: str, *, params: dict[str, Any], **given: Any) -> Iterator[Any]:
        """Read a list to its end, each by its own cursors; give what a page tells without them."""
        cursors: list[dict[str, str]] = [{} for _ in self.apis]
        while True:
            answers = [
                api.get(path, params={**params, **cursor}, **given)
                for api, cursor in zip(self.apis, cursors, strict=True)
            ]
            told = _agreed(answers).json()
            cursors = [{"cursor": answer.json()["next_cursor"]} for answer in answers]
            yield {name: value for name, value in told.items() if name != "next_cursor"}
            if told["next_cursor"] is None:
                return

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


def _agreed(answers: Sequence[httpx.Response]) -> httpx.Response:
    """Give the answer that all have given."""
    first = answers[0]
    for other in answers[1:]:
        assert (first.status_code, _CURSOR.sub(b"", first.content)) == (
            other.status_code,
            _CURSOR.sub(b"", other.content),
        )
        assert [first.headers.get(name) for name in _TOLD] == [other.headers.get(name) for name in _TOLD]
    assert first.status_code < 500, first.text
    return first


def _make(homing: Homing, text: str, scopes: Collection[Scope], trust: Trust, source: str) -> None:
    homing.writer.submit(
        lambda conn: keys.create(
            conn, name="test", scopes=scopes, trust=trust, at=homing.clock.now(), source=source, text=text
        )
    ).result(10)
