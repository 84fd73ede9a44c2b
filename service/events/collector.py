"""Events come in as Segment's and RudderStack's clients send them; 200 says that they are in the log, or why not.

Only what spoils a whole request refuses it (401, 403, 413, or 400 for a body that cannot be read), because clients drop
the whole of it then, and RudderStack's for Node ends its host process. The fault of one event is told in the answer and
never fails its neighbours, nor the request that carries it alone.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Any, ParamSpec, TypeVar

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from service.errors import ApiError
from service.events.event_identifiers import identifier_text
from service.events.event_time import read_time
from service.events.identity_tokens import IdentityTokens, Presented, token_of
from service.events.ingest import Receipt, Taken
from service.events.messages import ID_CONFLICT, MESSAGE_ID_LENGTH, Message, Rejection, parse
from service.keys import Caller, Scope, authenticate, shown_key
from service.metrics import count_events
from service.schemas.collector import BATCH, EVENT, RESPONSES
from service.web.answers import JSONAnswer
from service.web.bodies import request_body
from service.web.deployed import homing_of
from service.web.payload import inflate, read_json
from service.web.shortcut import Direction
from service.wiring import Homing

P = ParamSpec("P")
T = TypeVar("T")

BATCH_EVENTS = 2_500

_AT_ONCE_BYTES = 64 * 1024
"""A larger body is read in a thread, so that recommendations do not wait for it."""

ROUTES: Mapping[str, str | None] = {
    "batch": None,
    "track": "track",
    "identify": "identify",
    "page": "page",
    "screen": "screen",
    "group": "group",
    "alias": "alias",
    "b": None,
    "t": "track",
    "i": "identify",
    "p": "page",
    "s": "screen",
    "g": "group",
    "a": "alias",
}
"""Each address under /v1 and the type of event it takes (None: a batch of any)."""

PATHS = tuple(f"/v1/{name}{slash}" for name in ROUTES for slash in ("", "/"))

router = APIRouter(tags=["collector"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What one request carries, before it is known whose it is."""

    events: Sequence[object] = field(repr=False)
    sent_at: datetime | None
    write_key: str | None = field(repr=False)


async def collect(request: Request, route_type: str | None) -> Response:
    """Take the request's events, each for itself, and answer after the commit."""
    homing = homing_of(request)
    shown = shown_key(request)
    caller = None if shown is None else await authenticate(homing.keys, shown, Scope.INGEST)
    body = inflate(await request.body())
    delivery = await _aside(len(body), open_delivery, body, route_type)
    if caller is None:
        caller = await authenticate(homing.keys, delivery.write_key, Scope.INGEST)
    verdicts = await _aside(len(body), _parse_all, delivery, route_type, caller, homing)
    taken = await homing.gathering.take([verdict for verdict in verdicts if not isinstance(verdict, Rejection)])
    settled = _settled(verdicts, taken)
    count_events(each.code if isinstance(each, Rejection) else each.receipt for each in settled)
    return _answer(delivery.events, settled)


def open_delivery(body: bytes, route_type: str | None) -> Delivery:
    """Read a body into events; ApiError 400 where it is no delivery, 413 where it holds too many events."""
    content = read_json(body)
    if not isinstance(content, dict):
        raise ApiError(HTTPStatus.BAD_REQUEST, "invalid_body", "the body must be a JSON object")
    events = content.get("batch") if route_type is None else [content]
    if not isinstance(events, list):
        raise ApiError(
            HTTPStatus.BAD_REQUEST, "invalid_batch", 'the body must hold its events as a list: {"batch": […]}'
        )
    if len(events) > BATCH_EVENTS:
        message = f"a batch may be of {BATCH_EVENTS} events at most"
        raise ApiError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_many_events", message)
    holders = (content, events[0] if events else None)
    keys = (holder.get("writeKey") for holder in holders if isinstance(holder, dict))
    return Delivery(
        events=events,
        sent_at=read_time(content.get("sentAt")),
        write_key=next((key for key in keys if isinstance(key, str)), None),
    )


async def _aside(size: int, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call the function here where there is little to read, else in a thread."""
    return function(*args, **kwargs) if size <= _AT_ONCE_BYTES else await run_in_threadpool(function, *args, **kwargs)


def _parse_all(
    delivery: Delivery, route_type: str | None, caller: Caller, homing: Homing
) -> list[Message | Presented | Rejection]:
    read = partial(
        parse,
        route_type=route_type,
        source=caller.source,
        received_at=homing.clock.now(),
        sent_at=delivery.sent_at,
    )
    return [_parsed(event, partial(read, trust=caller.trust), read, homing.tokens) for event in delivery.events]


def _parsed(
    event: object,
    read_own: Callable[[object], Message | Rejection],
    read: Callable[..., Message | Rejection],
    tokens: IdentityTokens,
) -> Message | Presented | Rejection:
    own = read_own(event)
    if isinstance(own, Rejection) or not isinstance(event, dict) or token_of(event) is None:
        return own
    return tokens.present(event, own, read)


def _settled(verdicts: Sequence[Message | Presented | Rejection], taken: Sequence[Taken]) -> list[Taken | Rejection]:
    """Put what became of the events taken, in their order, among the rejections; a conflict is one of those."""
    given = iter(taken)
    settled = (verdict if isinstance(verdict, Rejection) else next(given) for verdict in verdicts)
    return [ID_CONFLICT if isinstance(e, Taken) and e.receipt is Receipt.CONFLICT else e for e in settled]


def _answer(events: Sequence[object], settled: Sequence[Taken | Rejection]) -> Response:
    """Tell what became of each event; one taken before counts as taken, since its client need not send it again."""
    rejected, warnings = [], []
    for index, (event, each) in enumerate(zip(events, settled, strict=True)):
        if isinstance(each, Rejection):
            rejected.append(_shown(index, event, each))
        elif each.warning is not None:
            warnings.append(_shown(index, event, each.warning))
    content: dict[str, Any] = {"success": True, "accepted": len(settled) - len(rejected), "rejected": rejected}
    return JSONAnswer(content | {"warnings": warnings} if warnings else content)


def _shown(index: int, event: object, fault: Rejection) -> dict[str, Any]:
    return {"index": index, "messageId": _shown_id(event), "code": fault.code, "message": fault.message}


def _shown_id(event: object) -> str | None:
    """Give a refused event's id as its client knows it, if it is one that can be written."""
    text = identifier_text(event.get("messageId")) if isinstance(event, dict) else None
    return text.encode("utf-8", "replace").decode()[:MESSAGE_ID_LENGTH] if text else None


def _route(route_type: str | None) -> Callable[[Request], Awaitable[Response]]:
    async def route(request: Request) -> Response:
        return await collect(request, route_type)

    return route


def _add_routes() -> None:
    for path in PATHS:
        name = path.removeprefix("/v1/").rstrip("/")
        route_type = ROUTES[name]
        router.add_api_route(
            path,
            _route(route_type),
            methods=["POST"],
            summary="Collect a batch of events" if route_type is None else f"Collect one event of type {route_type}",
            include_in_schema=not path.endswith("/"),
            response_class=Response,
            responses=RESPONSES,
            openapi_extra=request_body(BATCH if route_type is None else EVENT),
        )


_add_routes()


def directions() -> Iterator[Direction]:
    """Give the routes as they are called directly: they leave nothing to FastAPI."""
    return (Direction(route, route.endpoint) for route in router.routes if isinstance(route, APIRoute))
