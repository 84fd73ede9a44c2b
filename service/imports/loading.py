"""A file goes into the store a batch at a time; what is in stays in, and what was there before changes nothing."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from identity.rules import LinkingRules
from service.errors import ImportFailed
from service.imports.events import events
from service.imports.items import Item, Origin
from service.imports.rejects import Rejects
from service.ingest import Receipt, ingest
from service.messages import ID_CONFLICT, Message, Rejection
from service.wiring import Homing

MESSAGES = (".ndjson", ".jsonl", ".json", ".ndjson.gz", ".jsonl.gz", ".json.gz")
OBSERVATIONS = (".csv", ".csv.gz", ".parquet")
BATCH = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What became of a file's rows: taken, there before, dropped (an erased person's), or listed in `rejects`.

    `rejects` None: there are none.
    """

    file: str
    accepted: int
    duplicates: int
    dropped: int
    rejected: int
    rejects: str | None


def load(homing: Homing, path: Path, origin: Origin, on_progress: Callable[[float], None]) -> Loaded:
    """Take a file in; `on_progress` hears the share done, 0 to 1. ImportFailed where it cannot be read (further)."""
    receipts: Counter[Receipt] = Counter()
    with Rejects(path) as rejects:
        for batch in _batches(_items(path, origin, homing.rules)):
            receipts.update(_take(homing, batch, rejects))
            on_progress(batch[-1].done)
    return Loaded(
        file=str(path),
        accepted=receipts[Receipt.ACCEPTED],
        duplicates=receipts[Receipt.DUPLICATE],
        dropped=receipts[Receipt.DROPPED],
        rejected=rejects.count,
        rejects=str(rejects.path) if rejects.count else None,
    )


def can_be_loaded(path: Path) -> bool:
    """Tell by a file's ending whether it is one of messages or observations."""
    return path.name.endswith((*MESSAGES, *OBSERVATIONS))


def _items(path: Path, origin: Origin, rules: LinkingRules) -> Iterator[Item]:
    if path.name.endswith(MESSAGES):
        return events(path, origin)
    from service.imports.observations import observations  # noqa: PLC0415 - polars takes 0.1 s; messages need none

    return observations(path, origin, rules)


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Give the items some at a time, those before a fault of the file included."""
    batch: list[Item] = []
    try:
        for item in items:
            batch.append(item)
            if len(batch) == BATCH:
                yield batch
                batch = []
    except ImportFailed:
        if batch:
            yield batch
        raise
    if batch:
        yield batch


def _take(homing: Homing, batch: Sequence[Item], rejects: Rejects) -> list[Receipt]:
    """Put one batch into the store, and what is none of its into the rejects."""
    found = [item.found for item in batch if isinstance(item.found, Message)]
    receipts = homing.writer.submit(lambda conn: ingest(conn, homing.people, found)).result() if found else []
    given = iter(receipts)
    for item in batch:
        if isinstance(item.found, Rejection):
            rejects.add(item.line, item.found)
        elif next(given) is Receipt.CONFLICT:
            rejects.add(item.line, ID_CONFLICT)
    return receipts
