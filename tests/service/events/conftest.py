"""A store of its own to send events to."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import Connection

from identity.observations import Trust
from service import keys
from service.clock import FixedClock
from service.keys import Scope
from tests.service.events.collecting import NOW, Shop
from tests.service.harness import Api, deployment


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """Open a store of its own with the service over it."""
    homing = deployment(tmp_path, FixedClock(NOW))
    client = Api(homing)
    wanted = {
        "server": ({Scope.INGEST, Scope.READ}, Trust.SERVER),
        "browser": ({Scope.INGEST}, Trust.ASSERTED),
        "reader": ({Scope.READ}, Trust.SERVER),
    }

    def make_keys(conn: Connection) -> dict[str, str]:
        """Make the keys that the recordings carry, or look like them."""
        texts = {"server": "wk_test", "browser": "wk_browser", "reader": "wk_reader"}
        for name, (scopes, trust) in wanted.items():
            keys.create(conn, name=name, scopes=scopes, trust=trust, at=NOW, text=texts[name])
        return texts

    yield Shop(client=client, homing=homing, keys=homing.writer.submit(make_keys).result())
    client.close()
    homing.close()
