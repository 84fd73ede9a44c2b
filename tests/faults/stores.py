"""A store to begin with: empty, with a key for each sender."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy.engine import Connection

from service import keys
from tests.faults.holdings import opened
from tests.faults.programs import PATIENCE
from tests.faults.traffic import NOW, SCOPES, TRUST, Sender

KEYS = {sender: f"homing_test_key_of_{sender}" for sender in Sender}
"""Each sender's key."""


def prepare(db: str) -> None:
    """Make the store at `db`, with the keys."""
    with opened(db) as homing:
        homing.writer.submit(_make_keys).result(PATIENCE)


def fresh(folder: Path) -> str:
    """Leave a new SQLite store in a folder, and give its URL."""
    folder.mkdir(parents=True, exist_ok=True)
    store = folder / "homing.db"
    store.write_bytes(_empty())
    return f"sqlite:///{store}"


@cache
def _empty() -> bytes:
    with TemporaryDirectory() as folder:
        store = Path(folder) / "homing.db"
        prepare(f"sqlite:///{store}")
        return store.read_bytes()


def _make_keys(conn: Connection) -> None:
    for sender, text in KEYS.items():
        keys.create(
            conn, name=str(sender), scopes=SCOPES[sender], trust=TRUST[sender], at=NOW, source=str(sender), text=text
        )
