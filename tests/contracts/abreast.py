"""Servers that are told the same, each on a store of its own, and must answer the same.

One is never restarted, one is new at every step, and two others take turns on one store; the new one is asked in other
ways for the same: one after another what the others are asked at once, by GET what they are asked by POST, one by one
what they are asked in a list.
"""

import asyncio
import re
import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
import orjson

from identity.observations import Trust
from service import keys
from service.clock import FixedClock
from service.folds.rebuild import rebuild
from service.folds.verify import verify
from service.keys import Scope
from service.learning.learner import learn
from service.wiring import Homing
from tests.contracts.shop_life import Ask, ShopLife, Step
from tests.service.harness import Api, deployment

KEY = f"{keys.PREFIX}{1:043}"
BROWSER_KEY = f"{keys.PREFIX}{2:043}"
Told = tuple[int, Any]


class Server:
    """A client of one store's servers, however many there are."""

    def __init__(
        self,
        name: str,
        folder: Path,
        *,
        clock: FixedClock,
        environment: dict[str, str],
        url: str | None = None,
        lots: Callable[[], bool] = lambda: True,
    ) -> None:
        folder.mkdir(exist_ok=True)
        self.name, self.lots = name, lots
        self._folder, self._url, self._clock, self._environment = folder, url, clock, environment
        self.homing = self._open()
        self._make_keys()
        self.api = Api(self.homing)

    def _open(self) -> Homing:
        return deployment(self._folder, self._clock, self._environment, url=self._url)

    def _make_keys(self) -> None:
        make, at = self.homing.writer.submit, self._clock.now()
        shop = partial(keys.create, name="shop", scopes=tuple(Scope), trust=Trust.SERVER, at=at, text=KEY)
        web = partial(keys.create, name="web", scopes=(Scope.INGEST,), trust=Trust.ASSERTED, at=at, text=BROWSER_KEY)
        make(shop).result(30)
        make(web).result(30)

    def ready(self) -> None:
        """Be ready for the next step."""

    def ask(self, asks: Sequence[Ask]) -> list[Told]:
        """Have some requests answered at once."""

        async def together() -> list[httpx.Response]:
            if len(asks) == 1:
                return [await self._send(asks[0])]
            for known in (False, True):  # the keys are looked up before: nothing else may wait behind the gate
                await self._send(Ask(method="POST", path="/v1/batch", json={"batch": []}, browser=known))
            gate = threading.Event()
            held = self.homing.writer.submit(lambda _: gate.wait(30))
            tasks = [asyncio.ensure_future(self._send(ask)) for ask in asks]
            for _ in range(100):
                await asyncio.sleep(0)
            gate.set()
            await asyncio.wrap_future(held)
            return await asyncio.gather(*tasks)

        return [_told(answer) for answer in self.api.run(together())]

    async def _send(self, ask: Ask) -> httpx.Response:
        headers = {**ask.headers, "Authorization": f"Bearer {BROWSER_KEY if ask.browser else KEY}"}
        content = None if ask.json is None else orjson.dumps(ask.json)
        return await self.api.client.request(ask.method, ask.path, params=ask.params, headers=headers, content=content)

    def learn(self) -> None:
        """Have the learner run."""
        learn(self.homing)

    def serve(self, homing: Homing) -> None:
        """Let another server answer from now on."""
        self.homing = self.api.homing = self.api.app.state.homing = homing

    def verified(self) -> Any:
        """Tell what is wrong with the store."""
        people = self.homing.people.apart()
        with self.homing.database.transaction(reads=True) as conn:
            return verify(conn, people).faults

    def rebuild(self) -> None:
        """Make the folds again."""
        self.homing.writer.submit(lambda conn: rebuild(conn, self.homing.people)).result(120)

    def close(self) -> None:
        """Close all."""
        self.api.close()
        self.homing.close()


class New(Server):
    """A server that is new at every step, and is asked in other ways."""

    def ready(self) -> None:
        """Start again, perhaps."""
        if self.lots():
            self.homing.close()
            self.serve(self._open())

    def ask(self, asks: Sequence[Ask]) -> list[Told]:
        """Ask one after the other."""
        if any(ask.path != "/v1/recommendations" for ask in asks[1:]):
            return super().ask(asks)
        return [self._alone(ask) for ask in asks]

    def _alone(self, ask: Ask) -> Told:
        if ask.path == "/v1/recommendations:batch":
            asked = [Ask(method="POST", path="/v1/recommendations", json=each) for each in ask.json["requests"]]
            results = [self._alone(each) for each in asked]
            return 200, {"results": [{"status": status, "body": body} for status, body in results]}
        if ask.path == "/v1/recommendations" and not ask.headers and (query := as_query(ask.json)) is not None:
            ask = Ask(method="GET", path=ask.path, params=query)
        return super().ask([ask])[0]


class Turns(Server):
    """Two servers on one store, who take turns."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._other = self._open()

    def ready(self) -> None:
        """Perhaps let the other one answer."""
        if self.lots():
            self._other, other = self.homing, self._other
            self.serve(other)

    def close(self) -> None:
        """Close both."""
        super().close()
        self._other.close()


def as_query(body: Any) -> dict[str, str] | None:
    """Write a question as a query, None if it cannot be."""
    recipient = body.get("recipient")
    if isinstance(recipient, list) and len(recipient) == 1:
        (recipient,) = recipient
    if not isinstance(recipient, dict):
        return None
    message = {("message_id" if name == "id" else name): value for name, value in body["message"].items()}
    rest = {name: value for name, value in body.items() if name not in ("recipient", "message")}
    return {name: _text(value) for name, value in {**recipient, **message, **rest}.items()}


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(value)
    return value if isinstance(value, str) else orjson.dumps(value).decode()


_BLOCK = re.compile(r'"(next_cursor|after|position|model_version)":"[^"]+"')


def _told(answer: httpx.Response) -> Told:
    """Give an answer without what tells how requests were put together: the blocks of the log."""
    text = _BLOCK.sub('"cursor":""', answer.text)
    try:
        body = orjson.loads(text)
    except ValueError:
        body = text
    if isinstance(body, dict):
        body.pop("after", None)
        body.pop("remains", None)
    return answer.status_code, body


class Abreast:
    """The servers, one life to lead."""

    def __init__(self, life: ShopLife, servers: Sequence[Server], clock: FixedClock) -> None:
        self.life, self.servers, self.clock = life, servers, clock
        self.number = 0

    def go(self, step: Step) -> None:
        """Have everybody take a step."""
        self.number += 1
        self.clock.set(self.life.now)
        with patch.object(secrets, "token_hex", lambda length=32: f"{self.number:0{2 * length}x}"):
            for server in self.servers:
                server.ready()
                if step.learn:
                    server.learn()
            self._compare(step.asks, listen=True)

    def look(self, share: float = 1.0) -> None:
        """Read all there is to read, or so much of it."""
        asks = [ask for ask in self.life.reads() if self.life.random.random() < share]
        for server in self.servers:
            server.ready()
        for ask in asks:
            self._compare([ask])

    def _compare(self, asks: Sequence[Ask], *, listen: bool = False) -> None:
        told = [server.ask(asks) for server in self.servers]
        for number, ask in enumerate(asks):
            first = told[0][number]
            assert first[0] < 500, (self.number, ask, first)
            for server, answers in zip(self.servers[1:], told[1:], strict=True):
                assert answers[number] == first, Difference(self, ask, server.name, first, answers[number])
            if listen:
                self.life.heard(ask, first[1])

    def end(self) -> None:
        """Verify every store, make the folds again, and look once more."""
        self.look(0.5)
        assert not self.life.random.choice(self.servers).verified()
        self.servers[-1].rebuild()
        self.look(0.2)

    def close(self) -> None:
        """Close all servers."""
        for server in self.servers:
            server.close()


class Difference:
    """Two answers that should be one."""

    def __init__(self, abreast: Abreast, ask: Ask, name: str, first: Told, other: Told) -> None:
        self._told = f"step {abreast.number}, {name}: {ask}\n" + "\n".join(differences(first, other))

    def __repr__(self) -> str:
        return self._told


def differences(one: Any, other: Any, place: str = "") -> Iterator[str]:
    """Tell where two answers differ."""
    if type(one) is type(other) and isinstance(one, dict):
        for name in sorted({*one, *other}):
            yield from differences(one.get(name), other.get(name), f"{place}.{name}")
    elif type(one) is type(other) and isinstance(one, (list, tuple)) and len(one) == len(other):
        for number, (a, b) in enumerate(zip(one, other, strict=True)):
            yield from differences(a, b, f"{place}[{number}]")
    elif one != other:
        yield f"  {place}: {one!r} != {other!r}"
