"""Events reach the same functions as all else, past FastAPI's layers: those cost several times what one event does.

Whatever is asked of the same addresses otherwise (another method, a browser's preflight) takes the common way.
"""

from collections.abc import Collection, Iterable

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send


class Shortcut:
    """Leads POSTs at some fixed paths one way, and all else the common one."""

    def __init__(self, common: ASGIApp, short: ASGIApp, paths: Collection[str]) -> None:
        self._common = common
        self._short = short
        self._paths = frozenset(paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, one way or the other."""
        is_short = scope["type"] == "http" and scope["method"] == "POST" and path_of(scope) in self._paths
        await (self._short if is_short else self._common)(scope, receive, send)


class Direct:
    """Calls routes' functions, which take the request and give the response, by nothing but their paths."""

    def __init__(self, routes: Iterable[APIRoute]) -> None:
        self._routes = {route.path: route for route in routes}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request to one of the paths."""
        route = scope["route"] = self._routes[path_of(scope)]
        response = await route.endpoint(Request(scope, receive))
        await response(scope, receive, send)


def path_of(scope: Scope) -> str:
    """Give a request's path as routes know it: without the one that the whole app stands under."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))
