"""Every request passes here: no body beyond the limit gets in, no exception out, and each answer is counted and logged.

The log names method, route template, status and time: neither paths nor query strings, which hold identifiers.
"""

import logging
import time
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import ApiError
from service.metrics import count_request
from service.web.answers import answer, refusal
from service.web.payload import BODY_BYTES

log = logging.getLogger("homing.access")

UNMATCHED = "(unmatched)"
_NOTHING_THERE = ApiError(HTTPStatus.NOT_FOUND, "not_found", "there is nothing at this address: it holds NUL (%00)")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class BrokenAnswer(Exception):  # noqa: N818 - what happened, not what is wrong
    """An answer broke off after it had begun; its cause is in the log under an id."""


class Edge:
    """The outermost part of the app; pure ASGI, because it is on every request's way."""

    def __init__(self, app: ASGIApp, body_bytes: int = BODY_BYTES) -> None:
        self._app = app
        self._body_bytes = body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        exchange = _Exchange(receive, send, self._body_bytes)
        try:
            await self._answer(scope, exchange)
        finally:
            _record(scope, exchange.status, time.perf_counter() - started)

    async def _answer(self, scope: Scope, exchange: "_Exchange") -> None:
        if "\0" in scope["path"]:  # which no database can look up
            await exchange.refuse(scope, _NOTHING_THERE)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"")
        if announced.isdigit() and int(announced) > self._body_bytes:
            await exchange.refuse(scope, exchange.too_large())
            return
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except Exception as error:  # noqa: BLE001 - the last place before the server's own, which would log the message
            told = refusal(error)
        else:
            return
        if exchange.status is not None:
            # The answer has begun: cutting the connection is the one way left to say that it is not whole.
            raise BrokenAnswer
        await exchange.refuse(scope, told)


class _Exchange:
    """One request's body as it comes in, counted, and its answer's status as it goes out."""

    def __init__(self, receive: Receive, send: Send, limit: int) -> None:
        self._receive = receive
        self._send = send
        self._limit = limit
        self._received = 0
        self._replaced = False
        self.status: int | None = None

    async def receive(self) -> Message:
        """Give the next part of the body; ApiError 413 for the one that makes it too long."""
        message = await self._receive()
        if message["type"] == "http.request":
            self._received += len(message.get("body", b""))
            if self._received > self._limit:
                raise self.too_large()
        return message

    async def send(self, message: Message) -> None:
        """Pass a part of the answer on; whatever a route makes of a body that is too long, 413 is the answer."""
        if self._replaced:
            return
        if message["type"] == "http.response.start":
            if self._received > self._limit and message["status"] != HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
                self._replaced = True
                await self.refuse({"type": "http"}, self.too_large())
                return
            self.status = message["status"]
        await self._send(message)

    async def refuse(self, scope: Scope, error: ApiError) -> None:
        """Answer with a refusal."""
        self.status = error.status
        await answer(error)(scope, self._receive, self._send)

    def too_large(self) -> ApiError:
        """Give the refusal of a body beyond the limit."""
        return ApiError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", f"a body may be of {self._limit} bytes at most"
        )


def _record(scope: Scope, status: int | None, seconds: float) -> None:
    route = getattr(scope.get("route"), "path", UNMATCHED)
    method = scope["method"] if scope["method"] in _METHODS else "OTHER"
    told = 0 if status is None else status
    count_request(method=method, route=route, status=told, seconds=seconds)
    log.info("%s %s %d %.1f ms", method, route, told, seconds * 1000)
