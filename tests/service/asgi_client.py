"""A synchronous client of an app in this process: no socket, one event loop for all its requests."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal
from starlette.types import ASGIApp


class AsgiClient:
    """Sends requests to the app, as `httpx.Client` does to an address; follows no redirects."""

    def __init__(self, portal: BlockingPortal, client: httpx.AsyncClient) -> None:
        self._portal = portal
        self._client = client

    def request(self, method: str, path: str, **sent: Any) -> httpx.Response:
        """Send a request; `sent` is what `httpx.Client.request` takes."""
        return self._portal.call(partial(self._client.request, method, path, **sent))

    def get(self, path: str, **sent: Any) -> httpx.Response:
        """Send a GET."""
        return self.request("GET", path, **sent)

    def post(self, path: str, **sent: Any) -> httpx.Response:
        """Send a POST."""
        return self.request("POST", path, **sent)

    def options(self, path: str, **sent: Any) -> httpx.Response:
        """Send an OPTIONS."""
        return self.request("OPTIONS", path, **sent)


@contextmanager
def asgi_client(app: ASGIApp) -> Iterator[AsgiClient]:
    """Open a client of the app; its host is `testserver`."""
    with start_blocking_portal() as portal:
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://testserver")
        with portal.wrap_async_context_manager(client):
            yield AsgiClient(portal, client)
