"""What the OpenAPI document says of the collector, whose bodies are read by hand because clients' headers lie."""

from typing import Any

from service.web.answers import refusals

_TEXT_OR_NUMBER: dict[str, Any] = {"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]}

EVENT: dict[str, Any] = {
    "type": "object",
    "description": "An event of Segment's spec, at most 32 KB and 32 levels deep.",
    "properties": {
        "type": {"enum": ["track", "identify", "page", "screen", "group", "alias"]},
        "messageId": _TEXT_OR_NUMBER,
        "userId": _TEXT_OR_NUMBER,
        "anonymousId": _TEXT_OR_NUMBER,
        "previousId": _TEXT_OR_NUMBER,
        "event": {"type": "string", "description": "The name of a track: 1 to 255 characters"},
        "timestamp": {"description": "ISO 8601, or milliseconds since 1970"},
        "properties": {"type": ["object", "null"]},
        "traits": {"type": ["object", "null"]},
        "context": {"type": ["object", "null"]},
    },
}

BATCH: dict[str, Any] = {
    "type": "object",
    "description": "At most 5 MB inflated and 2,500 events, each with its type.",
    "required": ["batch"],
    "properties": {
        "batch": {"type": "array", "items": EVENT},
        "sentAt": {"description": "When the client sent it, by its own clock"},
        "writeKey": {"type": "string", "description": "The key, where no header shows it"},
    },
}

_REJECTED: dict[str, Any] = {
    "type": "object",
    "required": ["index", "messageId", "code", "message"],
    "properties": {
        "index": {"type": "integer"},
        "messageId": {"type": ["string", "null"]},
        "code": {"type": "string"},
        "message": {"type": "string"},
    },
}

_TAKEN: dict[str, Any] = {
    "type": "object",
    "required": ["success", "accepted", "rejected"],
    "properties": {
        "success": {"const": True},
        "accepted": {"type": "integer", "description": "Events now in the log, those known before included"},
        "rejected": {"type": "array", "items": _REJECTED},
        "warnings": {
            "type": "array",
            "items": _REJECTED,
            "description": "Events taken whose identity token did not count, and why; left out where there are none",
        },
    },
}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "What was taken, after the commit, and what was not", "content": _json(_TAKEN)},
    **refusals(
        "ingest",
        {
            400: "The body cannot be read; nothing of it was taken",
            413: "The body is too large, or holds too many events; nothing of it was taken",
            503: "Not now; send it again after Retry-After seconds",
        },
    ),
}
