"""The least that a durable HTTP service can do with events: append the body to a SQLite log, commit, answer.

No framework, no key, no identity, one thread. `python -m benchmarks.bare_log` serves it; the log comes into the folder
it is run in.
"""

from pathlib import Path

import orjson
from starlette.types import Receive, Scope, Send

from benchmarks.appending import append, open_log
from benchmarks.bare import serve

_LOG = Path("log.db")


class BareLog:
    """Takes any POST's batch in, a row an event, in a durable transaction of its own."""

    def __init__(self, path: Path) -> None:
        self._log = open_log(path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer once it is committed."""
        if scope["type"] != "http":
            raise RuntimeError("only HTTP is spoken here")
        events = orjson.loads(await _body(receive))["batch"]
        append(self._log, [(orjson.dumps(event),) for event in events])
        answer = b'{"success":true,"accepted":%d,"rejected":[]}' % len(events)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})


async def _body(receive: Receive) -> bytes:
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


if __name__ == "__main__":
    serve(BareLog(_LOG), "bare log")
