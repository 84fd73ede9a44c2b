"""One event as a client sent it: read, dated, and told apart from every other; not yet believed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from hashlib import blake2b
from types import NoneType
from typing import Any

import orjson

from identity.observations import Trust
from service.events.event_identifiers import RawIdentifier, identifier_text, identifiers_of
from service.events.event_time import event_time

EVENT_BYTES = 32 * 1024
"""An event's limit, as compact JSON in UTF-8."""
EVENT_DEPTH = 32
"""How many objects and lists may stand in one another, the event itself counted."""
MESSAGE_ID_LENGTH = 255
NAME_LENGTH = 255
"""That of a track event's name, which is looked up by: an index of PostgreSQL holds 2,704 bytes."""

TYPES = frozenset({"track", "identify", "page", "screen", "group", "alias"})

_OF_THE_TRANSPORT = frozenset({"sentAt", "receivedAt", "writeKey", "_metadata"})
"""What is said of the sending and not of the event: it changes when a client tries again, and holds the key."""

PROVEN = "proven"
"""Beside a token that was found good stands, in the log in its place, which namespaces it vouches for."""

_NAMES = ("userId", "anonymousId", "previousId")
_NAMED_BY = {"track": "event", "page": "name", "screen": "name"}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, kw_only=True)
class Message:
    """An event of the facts log.

    `at` is the event time (corrected for skew, clamped to receipt), computed once and stored. `identifiers` are raw:
    (namespace, text) in the order found. `body` is the event's JSON as it goes into the log; `digest` identifies its
    content, `sentAt` aside, so that the same id with another body is known as a conflict.
    """

    message_id: str
    type: str
    name: str | None
    source: str
    trust: Trust
    at: datetime
    received_at: datetime
    identifiers: tuple[RawIdentifier, ...] = field(repr=False)
    body: bytes = field(repr=False)
    digest: bytes = field(repr=False)

    @cached_property
    def content(self) -> dict[str, Any]:
        """The event as JSON, parsed when first asked for."""
        content: dict[str, Any] = orjson.loads(self.body)
        return content


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """Why an event is not taken: a code for programs, and a sentence that repeats nothing of the event."""

    code: str
    message: str


ID_CONFLICT = Rejection(
    code="message_id_conflict", message="another event was taken under this messageId; an event never changes"
)


def canonical(content: Mapping[str, Any]) -> bytes:
    """Write JSON in the one way that a digest can tell it by: keys sorted, no spaces; TypeError for what JSON lacks."""
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS)


def digest_of(body: bytes) -> bytes:
    """Give the 16 bytes that a body is known again by."""
    return blake2b(body, digest_size=16).digest()


def parse(
    raw: object,
    *,
    route_type: str | None,
    source: str,
    trust: Trust,
    received_at: datetime,
    sent_at: datetime | None,
) -> Message | Rejection:
    """Read one event, as JSON gives it, into a message, or tell why it cannot be taken.

    `route_type` is the type that the address names (None: the event's own counts). `sent_at` is the request's. The body
    is canonical JSON: keys sorted, nulls of the outermost level, identity tokens and all that belongs to the transport
    left out, so that a client's second try gives the same digest. An event without a messageId is known by that digest.
    """
    if not isinstance(raw, dict):
        return Rejection(code="invalid_event", message="an event must be a JSON object")
    event = {key: value for key, value in raw.items() if value is not None and key not in _OF_THE_TRANSPORT}
    event["type"] = kind = event.get("type") if route_type is None else route_type
    fault = _fault(event)
    if fault is not None:
        return fault
    _leave_token_out(event)
    body = _serialised(event)
    if isinstance(body, Rejection):
        return body
    at = event_time(raw, sent_at=sent_at, received_at=received_at)
    if at is None:
        return Rejection(code="invalid_timestamp", message="timestamp must be ISO 8601 or milliseconds since 1970")
    digest = digest_of(body)
    return Message(
        message_id=identifier_text(event.get("messageId")) or f"hash-{digest.hex()}",
        type=str(kind),
        name=identifier_text(event.get(_NAMED_BY.get(str(kind), ""))),
        source=source,
        trust=trust,
        at=at,
        received_at=received_at,
        identifiers=identifiers_of(event),
        body=body,
        digest=digest,
    )


def _leave_token_out(event: dict[str, Any]) -> None:
    """Take a signed identity token out of an event: it is a credential, and no part of what happened."""
    context = event.get("context")
    homing = context.get("homing") if context else None
    if context and isinstance(homing, dict) and "token" in homing:
        left = {key: value for key, value in homing.items() if key != "token"}
        event["context"] = {key: value for key, value in context.items() if key != "homing" or left}
        if left:
            event["context"]["homing"] = left


def _fault(event: Mapping[str, Any]) -> Rejection | None:
    """Look for what the rest of the house relies on: the first thing that is not so, or None."""
    kind = event["type"]
    if not isinstance(kind, str) or kind not in TYPES:
        return Rejection(code="invalid_type", message=f"type must be one of {', '.join(sorted(TYPES))}")
    for key in _NAMES:
        if key in event and identifier_text(event[key]) is None:
            return Rejection(code="invalid_identifier", message=f"{key} must be text or a whole number kept exactly")
    return _fault_of_message_id(event.get("messageId", "")) or _fault_of_name(event, kind) or _fault_of_shape(event)


def _fault_of_message_id(value: object) -> Rejection | None:
    text = identifier_text(value)
    # What can be printed holds no control character: the quicker look first.
    if text is None or len(text) > MESSAGE_ID_LENGTH or not (text.isprintable() or _CONTROL.search(text) is None):
        message = f"messageId must be text of at most {MESSAGE_ID_LENGTH} characters, none of them control characters"
        return Rejection(code="invalid_message_id", message=message)
    return None


def _fault_of_name(event: Mapping[str, Any], kind: str) -> Rejection | None:
    key = _NAMED_BY.get(kind)
    if key is None or (kind != "track" and key not in event):
        return None
    text = identifier_text(event.get(key))
    if text is None or "\0" in text:
        return Rejection(code="invalid_name", message=f"{key} of a {kind} must be text without NUL")
    if kind == "track" and not 0 < len(text) <= NAME_LENGTH:
        return Rejection(code="invalid_name", message=f"{key} of a track must be of 1 to {NAME_LENGTH} characters")
    return None


def _fault_of_shape(event: Mapping[str, Any]) -> Rejection | None:
    for key in ("context", "traits", "properties"):
        if key in event and not isinstance(event[key], dict):
            return Rejection(code="invalid_shape", message=f"{key} must be an object")
    context = event.get("context", {})
    for key in ("traits", "device"):
        if not isinstance(context.get(key), (dict, NoneType)):
            return Rejection(code="invalid_shape", message=f"context.{key} must be an object")
    return None


def _serialised(event: dict[str, Any]) -> bytes | Rejection:
    """Write the event as canonical JSON within the limits of an event."""
    try:
        body = canonical(event)
    except TypeError:  # orjson's own depth, or what `payload.read_json` could not represent
        if _deeper_than(event, EVENT_DEPTH):
            return _too_deep()
        message = "a number is not finite, or a text holds half of a surrogate pair"
        return Rejection(code="invalid_value", message=message)
    if len(body) > EVENT_BYTES:
        return Rejection(code="event_too_large", message=f"an event may be of {EVENT_BYTES} bytes at most")
    if body.count(b"{") + body.count(b"[") > EVENT_DEPTH and _deeper_than(event, EVENT_DEPTH):
        return _too_deep()
    return body


def _too_deep() -> Rejection:
    return Rejection(code="event_too_deep", message=f"an event may be {EVENT_DEPTH} levels deep at most")


def _deeper_than(value: object, limit: int) -> bool:
    """Tell whether objects and lists stand in one another more than `limit` deep; level by level, without recursion."""
    level: list[Any] = [value]
    for _ in range(limit + 1):
        containers = [item for item in level if isinstance(item, (dict, list))]
        if not containers:
            return False
        level = [child for item in containers for child in (item.values() if isinstance(item, dict) else item)]
    return True
