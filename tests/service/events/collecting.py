"""The service as somebody meets it who sends events, with three keys and an eye on the log."""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from httpx import Response

from service.store import facts
from service.wiring import Homing
from tests.service.harness import Api

NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
TRACK: dict[str, Any] = {"type": "track", "event": "Product Added", "userId": "u1", "messageId": "m1"}


@dataclass(frozen=True, kw_only=True)
class Shop:
    """The service with three keys: a server's, a browser's, and one that may not send events."""

    client: Api
    homing: Homing
    keys: dict[str, str]

    def post(self, path: str, body: object, key: str | None = "server", **headers: str) -> Response:
        """Send a body, as JSON unless it is bytes, with a key."""
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        auth = {} if key is None else {"Authorization": f"Basic {basic(self.keys[key])}"}
        return self.client.post(path, content=content, headers={**auth, **headers})

    def batch(self, *events: object) -> dict[str, Any]:
        """Send events as a batch, which must be answered with 200; give the answer."""
        answer = self.post("/v1/batch", {"batch": list(events)})
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        assert told["success"] is True
        assert told["accepted"] + len(told["rejected"]) == len(events)
        return told

    def facts(self) -> list[facts.Fact]:
        """Read the log on a connection of its own, which sees only what is committed."""
        with self.homing.database.transaction(reads=True) as conn:
            return list(facts.scan(conn))


def basic(key: str) -> str:
    """Write a key as Basic credentials."""
    return base64.b64encode(f"{key}:".encode()).decode()
