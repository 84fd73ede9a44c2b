"""A browser's client may read every answer of the collector, refusals included; nothing else of the API."""

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from service.events.collector import PATHS
from service.web.browser_settings import RUDDER_PATHS, SEGMENT_PATH
from service.web.shortcut import path_of

PREFLIGHT_SECONDS = 86_400

_EXACT = frozenset((*PATHS, *RUDDER_PATHS))
_BEFORE_KEY, _AFTER_KEY = SEGMENT_PATH.split("{key}")


class CollectorCors:
    """Answers the browser's preflights for the collector's paths and marks its answers as readable from any page.

    Any origin, because shops call from their own; without credentials, because a write key is public and no cookie
    counts here. The headers that a client asks for are the ones it gets (`authorization, content-type, anonymousid,
    sentat` today): a new version of a client's library must not lose its events over one more.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._open = CORSMiddleware(
            app,
            allow_origins=["*"],
            allow_methods=["GET", "POST"],
            allow_headers=["*"],
            expose_headers=["Retry-After"],
            max_age=PREFLIGHT_SECONDS,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, through the open door or the closed one."""
        open_to_browsers = scope["type"] == "http" and _is_collectors(scope) and not _unseen_by_pages(scope)
        await (self._open if open_to_browsers else self._app)(scope, receive, send)


def _unseen_by_pages(scope: Scope) -> bool:
    """Tell whether no page asked, nor can ever be given the answer: that of a POST is kept by no cache."""
    return scope["method"] == "POST" and all(name != b"origin" for name, _ in scope["headers"])


def _is_collectors(scope: Scope) -> bool:
    path = path_of(scope)
    return path in _EXACT or (path.startswith(_BEFORE_KEY) and path.endswith(_AFTER_KEY))
