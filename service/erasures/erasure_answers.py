"""What is told of an erasure: counts and ids, never a value."""

from datetime import datetime

from service.erasures.erasing import Erased, Plan
from service.schemas.erasures import ErasureShown
from service.store.database import Database

EVERYWHERE = (
    "backups made before it, until they are deleted",
    "what others were sent: files exported or imported, messaging systems, logs of proxies",
)
SQLITE = (
    "blocks that the file system has freed, until they are used again",
    "the write-ahead log, while another process reads the store, for a minute after that ends at most",
)
POSTGRESQL = (
    "the tables' and indexes' files, until VACUUM FULL",
    "the server's write-ahead log, until it is recycled, and wherever it is archived or replicated to",
)


def planned(plan: Plan, now: datetime, database: Database) -> ErasureShown:
    """Tell what an erasure would do."""
    return ErasureShown(
        erasure_id=None,
        at=now,
        state="planned",
        covered=dict(plan.counts),
        open_decisions=list(plan.open_decisions),
        rows_left=0,
        dropped=0,
        remains=remains(database),
    )


def told(found: Erased, database: Database, plan: Plan | None = None) -> ErasureShown:
    """Tell how an erasure stands; with its plan if it was just made."""
    return ErasureShown(
        erasure_id=found.id,
        at=found.at,
        state="done" if found.done else "purging",
        covered=dict(found.counts),
        open_decisions=None if plan is None else list(plan.open_decisions),
        rows_left=found.left,
        dropped=found.dropped,
        remains=remains(database),
    )


def remains(database: Database) -> list[str]:
    """Name where, out of the store's reach, the erased may still be found."""
    return [*(POSTGRESQL if database.file is None else SQLITE), *EVERYWHERE]
