"""What the service's tests stand on: a whole deployment on a temporary SQLite with a clock that is set by hand."""

import asyncio
from collections.abc import Collection, Coroutine, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import httpx
from fastapi import FastAPI

from identity.observations import Trust
from service import keys
from service.app import create_app
from service.clock import Clock
from service.keys import Scope
from service.settings.settings import load
from service.store.database import open_database
from service.wiring import Homing, open_homing

T = TypeVar("T")

NOON = datetime(2026, 11, 16, 12, 0, tzinfo=UTC)
"""A Monday; where the tests' clock stands at first."""

SECRET = "the tests' own secret, 32 characters or more"


@cache
def empty_store() -> bytes:
    """Give the bytes of an empty store: migrated once, it is copied for each test."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        open_database(f"sqlite:///{path}").close()
        return path.read_bytes()


def deployment(
    folder: Path, clock: Clock, environment: Mapping[str, str] | None = None, *, url: str | None = None
) -> Homing:
    """Open a deployment over the store at `url`, or in `folder`; settings come from `environment` alone."""
    given = {"HOMING_SECRET": SECRET, **(environment or {})}
    flags = {"db": _store_in(folder) if url is None else url}
    settings = load(flags=flags, environment=given, config=str(_no_settings(folder))).settings
    return open_homing(settings, clock)


def _store_in(folder: Path) -> str:
    store = folder / "homing.db"
    if not store.exists():
        store.write_bytes(empty_store())
    return f"sqlite:///{store}"


def _no_settings(folder: Path) -> Path:
    # An empty file, so that a `homing.toml` where the tests are run does not count.
    path = folder / "empty.toml"
    path.touch()
    return path


class Api:
    """A client of the app without a network between; every call runs on one event loop of its own."""

    def __init__(self, homing: Homing, app: FastAPI | None = None) -> None:
        self.homing = homing
        self.app = create_app(homing) if app is None else app
        self._runner = asyncio.Runner()
        transport = httpx.ASGITransport(app=self.app, client=("192.0.2.1", 50_000))
        self.client = httpx.AsyncClient(transport=transport, base_url="http://homing.test")

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the client's loop: several requests at once, by `asyncio.gather` over `self.client`."""
        return self._runner.run(work)

    def request(self, method: str, path: str, *, key: str | None = None, **given: Any) -> httpx.Response:
        """Send one request, with a key as Bearer if one is given; further arguments are httpx's."""
        headers = dict(given.pop("headers", None) or {})
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        return self.run(self.client.request(method, path, headers=headers, **given))

    def get(self, path: str, **given: Any) -> httpx.Response:
        """GET."""
        return self.request("GET", path, **given)

    def post(self, path: str, **given: Any) -> httpx.Response:
        """POST."""
        return self.request("POST", path, **given)

    def put(self, path: str, **given: Any) -> httpx.Response:
        """PUT."""
        return self.request("PUT", path, **given)

    def key(self, *scopes: Scope, trust: Trust = Trust.SERVER, source: str = "shop", name: str = "test") -> str:
        """Make a key with these scopes (all of them if none is named) and give its text."""
        return make_key(self.homing, scopes or tuple(Scope), trust=trust, source=source, name=name)

    def close(self) -> None:
        """Close the client and its loop."""
        self.run(self.client.aclose())
        self._runner.close()


def make_key(
    homing: Homing,
    scopes: Collection[Scope],
    *,
    trust: Trust = Trust.SERVER,
    source: str = "shop",
    name: str = "test",
) -> str:
    """Make a key in a deployment's store and give its text."""
    job = homing.writer.submit(
        lambda conn: keys.create(conn, name=name, scopes=scopes, trust=trust, at=homing.clock.now(), source=source)
    )
    return job.result(timeout=10).text
