"""Events reach the same functions as all else, past FastAPI's layers: those cost several times what one event does.

Whatever is asked of the same addresses otherwise (another method, a browser's preflight) takes the common way.
"""

from collections.abc import Iterable

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send


class Shortcut:
    """Leads POSTs at some fixed paths to their routes' functions; these take the request and give the response."""

    def __init__(self, common: ASGIApp, routes: Iterable[APIRoute]) -> None:
        self._common = common
        self._routes = {route.path: route for route in routes}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, one way or the other."""
        route = self._routes.get(_path(scope)) if scope["type"] == "http" and scope["method"] == "POST" else None
        if route is None:
            await self._common(scope, receive, send)
            return
        scope["route"] = route
        response = await route.endpoint(Request(scope, receive))
        await response(scope, receive, send)


def _path(scope: Scope) -> str:
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))
