"""Events and questions reach the same functions as all else, past FastAPI's layers: those cost more than a bare event.

Whatever is asked of the same addresses otherwise (another method, a browser's preflight, a header that FastAPI reads)
takes the common way.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import NamedTuple

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send


class Direction(NamedTuple):
    """How POSTs at a route's path are answered; not those that carry the header `unless`, in lower case."""

    route: APIRoute
    answer: Callable[[Request], Awaitable[Response]]
    unless: bytes | None = None


class Shortcut:
    """Leads POSTs at some fixed paths one way, and all else the common one."""

    def __init__(self, common: ASGIApp, short: ASGIApp, directions: Mapping[str, Direction]) -> None:
        self._common = common
        self._short = short
        self._unless = {path: direction.unless for path, direction in directions.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, one way or the other."""
        await (self._short if self._is_short(scope) else self._common)(scope, receive, send)

    def _is_short(self, scope: Scope) -> bool:
        if scope["type"] != "http" or scope["method"] != "POST":
            return False
        path = path_of(scope)
        if path not in self._unless:
            return False
        unless = self._unless[path]
        return unless is None or all(name != unless for name, _ in scope["headers"])


class Direct:
    """Calls functions, which take the request and give the response, by nothing but their routes' paths."""

    def __init__(self, directions: Mapping[str, Direction]) -> None:
        self._directions = directions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request to one of the paths."""
        scope["route"], answer, _ = self._directions[path_of(scope)]
        response = await answer(Request(scope, receive))
        await response(scope, receive, send)


def directions(routes: Iterable[Direction]) -> dict[str, Direction]:
    """Give directions by path."""
    return {direction.route.path: direction for direction in routes}


def path_of(scope: Scope) -> str:
    """Give a request's path as routes know it: without the one that the whole app stands under."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))
