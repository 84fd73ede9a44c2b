"""The keys that benchmarks call with, made as `homing keys create` makes them."""

from identity.observations import Trust
from service import keys
from service.clock import SystemClock
from service.keys import Scope
from service.store.database import open_database

_SCOPES = {Trust.ASSERTED: (Scope.INGEST,), Trust.SERVER: tuple(Scope)}


def make_key(url: str, trust: Trust) -> dict[str, str]:
    """Make a key of that trust in a store, which is made if there is none; give the headers that show it."""
    database = open_database(url)
    with database.transaction() as conn:
        made = keys.create(conn, name=trust.name, scopes=_SCOPES[trust], trust=trust, at=SystemClock().now())
    database.close()
    return {"Authorization": f"Bearer {made.text}"}
