"""A server that acknowledges events before it keeps them: what the proofs must find out."""

import asyncio

import orjson
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.web import serving

LATE_SECONDS = 0.3
"""How long after its answer a hasty server takes the events in."""


def acknowledge_early() -> None:
    """Make this process's server a hasty one."""
    parts = vars(serving)
    create = parts["create_app"]
    parts["create_app"] = lambda homing: Hasty(create(homing))


class Hasty:
    """The app, which answers batches at once and looks at them later."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._later: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"] != "/v1/batch":
            await self._app(scope, receive, send)
            return
        body = await Request(scope, receive).body()
        task = asyncio.create_task(self._take(scope, body))
        self._later.add(task)
        task.add_done_callback(self._later.discard)
        content = {"success": True, "accepted": len(orjson.loads(body)["batch"]), "rejected": []}
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": orjson.dumps(content)})

    async def _take(self, scope: Scope, body: bytes) -> None:
        await asyncio.sleep(LATE_SECONDS)

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, receive, _nowhere)


async def _nowhere(_message: Message) -> None:
    """Send an answer to nobody."""
