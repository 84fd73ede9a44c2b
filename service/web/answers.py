"""Whatever goes wrong, the answer is `{"code","message","details"?}`: one table says what of every kind of exception.

Nothing of the request is repeated in it: what was sent may be personal data.
"""

import logging
import secrets
import traceback
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from service.errors import ApiError, StoreBusy, StoreError

log = logging.getLogger("homing.errors")

_NOT_NOW = "The store cannot be used now; come again after Retry-After seconds"
RETRY_SECONDS = 5
"""When to come again to a store that cannot be used now."""


class JSONAnswer(JSONResponse):
    """JSON by orjson: exact, fast, and a TypeError (never nonsense) for what JSON does not know.

    A JSONResponse, for to any other class the OpenAPI document gives the schema of a text.
    """

    def render(self, content: Any) -> bytes:
        """Write the content as JSON."""
        return orjson.dumps(content)


def content(error: ApiError) -> dict[str, Any]:
    """Give the body of the answer that a refusal is."""
    told: dict[str, Any] = {"code": error.code, "message": error.message}
    return told if error.details is None else told | {"details": error.details}


def answer(error: ApiError, headers: Mapping[str, str] | None = None) -> Response:
    """Give the answer that a refusal is."""
    more = dict(headers or {})
    if error.retry_after is not None:
        more["Retry-After"] = str(error.retry_after)
    if error.status == HTTPStatus.UNAUTHORIZED:
        more["WWW-Authenticate"] = "Bearer"
    return JSONAnswer(content(error), status_code=error.status, headers=more)


def refusal(error: Exception) -> ApiError:
    """Give what the outside is told of an exception; one that nobody expected is logged under an id of its own."""
    for kind, told in _TABLE:
        if isinstance(error, kind):
            return told(error)
    return _internal(error)


def unstored(response: Response) -> None:
    """Keep personal data out of every cache on the way."""
    response.headers["Cache-Control"] = "no-store"


def refusals(scope: str, others: Mapping[int, str]) -> dict[int | str, dict[str, Any]]:
    """Describe the refusals of a route that needs a key of this scope, for the OpenAPI document."""
    told = {401: "No live key", 403: f"The key lacks the scope {scope}", 503: _NOT_NOW, **others}
    if 400 in others:
        told.setdefault(413, "The body is too large")
    return {status: {"description": told[status]} for status in sorted(told)}


def install(app: FastAPI) -> None:
    """Let the app answer by the table."""

    async def handle(_request: Request, error: Exception) -> Response:
        return answer(refusal(error), getattr(error, "headers", None))

    for kind, _ in _TABLE:
        app.add_exception_handler(kind, handle)


def _validation(error: RequestValidationError) -> ApiError:
    faults = error.errors()
    if any(fault["type"] == "json_invalid" for fault in faults):
        return ApiError(HTTPStatus.BAD_REQUEST, "invalid_json", "the body is not JSON that can be read")
    details = [_detail(fault) for fault in faults]
    first = details[0]
    return ApiError(
        HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request", f"{first['field']}: {first['message']}", details
    )


def _detail(fault: Mapping[str, Any]) -> dict[str, str]:
    """Name a fault's field and what is wrong with it; an unknown field's name is the sender's text: not repeated."""
    if fault["type"] == "extra_forbidden":
        return {"field": _field(fault["loc"][:-1]), "message": "holds a field that is not known here"}
    return {"field": _field(fault["loc"]), "message": fault["msg"]}


def _field(place: Sequence[str | int]) -> str:
    """Name the field as its sender knows it: `message.id`, without where it was read from."""
    inner = place[1:] if place and place[0] in {"body", "query", "path", "header"} else place
    return ".".join(map(str, inner)) or "body"


_HTTP_CODES: Mapping[int, tuple[str, str]] = {
    HTTPStatus.BAD_REQUEST: ("invalid_body", "the body cannot be read"),
    HTTPStatus.NOT_FOUND: ("not_found", "there is nothing at this address; /openapi.json lists what there is"),
    HTTPStatus.METHOD_NOT_ALLOWED: ("method_not_allowed", "this address does not take that method"),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ("body_too_large", "the body is too large"),
}


def _http(error: HTTPException) -> ApiError:
    code, message = _HTTP_CODES.get(error.status_code, (f"http_{error.status_code}", str(error.detail)))
    return ApiError(error.status_code, code, message)


def _store_busy(_error: StoreBusy) -> ApiError:
    return ApiError(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "store_busy",
        "the store is held by another process; send it again later",
        retry_after=RETRY_SECONDS,
    )


def _store(error: StoreError) -> ApiError:
    # The store's own words name files of this machine: they are for its log, not for the outside.
    log.error("%s", error.message)
    return ApiError(
        HTTPStatus.SERVICE_UNAVAILABLE, error.code, "the store cannot be used now", retry_after=RETRY_SECONDS
    )


def _disconnect(_error: ClientDisconnect) -> ApiError:
    return ApiError(HTTPStatus.BAD_REQUEST, "incomplete_body", "the connection ended before the body did")


def _itself(error: ApiError) -> ApiError:
    return error


def _internal(error: Exception) -> ApiError:
    name = secrets.token_hex(8)
    # Where and what kind, but not the message: it may quote what was sent.
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    log.error("error %s: %s at %s", name, type(error).__name__, " < ".join(reversed(places)))
    return ApiError(
        HTTPStatus.INTERNAL_SERVER_ERROR, "internal", f"an error of the service itself; its log knows it as {name}"
    )


_TABLE: Sequence[tuple[type[Exception], Callable[[Any], ApiError]]] = (
    (ApiError, _itself),
    (RequestValidationError, _validation),
    (HTTPException, _http),
    (ClientDisconnect, _disconnect),
    (StoreBusy, _store_busy),
    (StoreError, _store),
)
