"""The HTTP face: routers of the nouns, one table of errors, one edge; it holds nothing but a reference to `Homing`."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.middleware import Middleware
from starlette.types import ASGIApp

from channel_selector.choosing import load_compiled
from service import console
from service.carts import abandonments_route
from service.customers import consent_route
from service.decisions import recommendations
from service.erasures import erasures_route
from service.erasures.erasing import keep_purging
from service.events import collector
from service.events.devices import load_user_agents
from service.folds.keep_rules import keep_rules
from service.judgements import judgements_route
from service.learning import outcomes_route
from service.learning.learner import keep_telling
from service.profiles import changes_route
from service.profiles import profiles_route as profiles
from service.web import answers, api_docs, browser_settings, operations
from service.web.answers import JSONAnswer
from service.web.cors import CollectorCors
from service.web.edge import Edge
from service.web.shortcut import Direct, Shortcut, directions
from service.wiring import Homing

_ROUTERS = (
    collector.router,
    browser_settings.router,
    recommendations.router,
    outcomes_route.router,
    consent_route.router,
    profiles.router,
    changes_route.router,
    judgements_route.router,
    erasures_route.router,
    abandonments_route.router,
    operations.router,
    api_docs.router,
    console.router,
)
_MIDDLEWARE = (Middleware(CollectorCors), Middleware(Edge))

_DESCRIPTION = (
    "Who is who, where and when: one profile a person, and each message to the device, channel and hour that works.\n\n"
    'Every error is {"code", "message", "details"?}. Show a key as `Authorization: Bearer KEY`, as `X-API-Key: KEY`, '
    "or by Basic as the user name."
)
_KEYS: dict[str, Any] = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "basic": {"type": "http", "scheme": "basic", "description": "The key as user name."},
}
_OPEN = frozenset({"/livez", "/readyz", "/metrics"})
_ERROR = {
    "type": "object",
    "required": ["code", "message"],
    "properties": {"code": {"type": "string"}, "message": {"type": "string"}, "details": {}},
}


class _App(FastAPI):
    """The app, past whose layers events and questions go; whatever else is asked takes all of them."""

    def build_middleware_stack(self) -> ASGIApp:
        """Put the shortcut before all layers, those that FastAPI adds itself included."""
        short = directions((*collector.directions(), recommendations.direction()))
        return Shortcut(super().build_middleware_stack(), CollectorCors(Edge(Direct(short))), short)


def create_app(homing: Homing) -> FastAPI:
    """Make the app that serves `homing`; it does not open or close it."""
    app = bare_app()
    app.state.homing = homing
    return app


def bare_app() -> FastAPI:
    """Make the app without anything to serve: enough for its OpenAPI document."""
    app = _App(
        title="Homing",
        version=_version(),
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        default_response_class=JSONAnswer,
        generate_unique_id_function=_operation_id,
        middleware=list(_MIDDLEWARE),
        lifespan=_lifespan,
        # It looks for somebody to tell at each request, and would tell whole addresses: those hold identifiers.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    for router in _ROUTERS:
        app.include_router(router)
    answers.install(app)
    generate = app.openapi
    app.openapi = lambda: _completed(generate())  # type: ignore[method-assign]  # FastAPI's documented way to extend it
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Finish purges and bring rules in while the app is served; be red for whoever asks last, once the server stops."""
    homing: Homing = app.state.homing
    # Beside all else, for it takes a second, some ten at the very first start; a decision asked for by then waits.
    threading.Thread(target=load_compiled, name="homing-compiled", daemon=True).start()
    await asyncio.to_thread(load_user_agents)
    tasks = [asyncio.create_task(keep(homing)) for keep in (keep_telling, keep_purging, keep_rules)]
    yield
    homing.readiness.stop()
    for task in tasks:
        task.cancel()


def _completed(document: dict[str, Any]) -> dict[str, Any]:
    """Say how keys are shown, that every error has one shape, and what bodies read by hand consist of."""
    components = document.setdefault("components", {})
    components["securitySchemes"] = _KEYS
    schemas = components.setdefault("schemas", {})
    for fastapis_own in ("HTTPValidationError", "ValidationError"):
        schemas.pop(fastapis_own, None)
    schemas["Error"] = _ERROR
    for path, methods in document["paths"].items():
        for operation in methods.values():
            schemas |= _definitions(operation)
            if path not in _OPEN:
                operation.setdefault("security", [{name: []} for name in _KEYS])
            for status, told in operation["responses"].items():
                if status.startswith(("4", "5")):
                    told["content"] = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    return document


def _definitions(operation: dict[str, Any]) -> dict[str, Any]:
    """Take what a body's schema refers to out of it (see `bodies.described`); the route's own description stays."""
    body = operation.get("requestBody")
    if body is None:
        return {}
    kinds = body["content"].items()
    plain = {kind: {"schema": {k: v for k, v in told["schema"].items() if k != "$defs"}} for kind, told in kinds}
    operation["requestBody"] = {**body, "content": plain}
    return {
        name: schema for told in body["content"].values() for name, schema in told["schema"].get("$defs", {}).items()
    }


def _operation_id(route: APIRoute) -> str:
    """Name an operation by its method and path: unique, and steady while functions are renamed."""
    method = min(route.methods or {"any"}).lower()
    return f"{method}{''.join(mark if mark.isalnum() else '_' for mark in route.path_format)}"


def _version() -> str:
    try:
        return version("homing")
    except PackageNotFoundError:
        return "0+source"
