"""A file goes into the store a batch at a time; what is in stays in, and what was there before changes nothing."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from service.errors import ImportFailed
from service.events.ingest import Receipt, ingest
from service.events.messages import ID_CONFLICT, Message, Rejection
from service.imports.events import events
from service.imports.items import Item, Origin
from service.imports.rejects import Rejects
from service.store.facts import Entered
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
        if path.name.endswith(MESSAGES):
            taking = _messages(homing, path, origin, rejects, on_progress)
        else:
            taking = _table(homing, path, origin, rejects, on_progress)
        for some in taking:
            receipts.update(some)
    return Loaded(
        file=str(path),
        accepted=receipts[Receipt.ACCEPTED],
        duplicates=receipts[Receipt.DUPLICATE],
        dropped=receipts[Receipt.DROPPED],
        rejected=rejects.count,
        rejects=str(rejects.path) if rejects.count else None,
    )


def _messages(
    homing: Homing, path: Path, origin: Origin, rejects: Rejects, on_progress: Callable[[float], None]
) -> Iterator[list[Receipt]]:
    """Take events in, a batch at a time."""
    for batch in _batches(events(path, origin)):
        yield _take(homing, batch, rejects, on_progress)


def _table(
    homing: Homing, path: Path, origin: Origin, rejects: Rejects, on_progress: Callable[[float], None]
) -> Iterator[list[Receipt]]:
    """Take observations or links in, in bulk as far as that goes."""
    from service.imports.bulk import blocks  # noqa: PLC0415 - numba takes a second; messages need none
    from service.imports.observations import read  # noqa: PLC0415 - the same

    table = read(path, origin, homing.rules)
    for line, rejection in table.rejected:
        rejects.add(line, rejection)
    on_progress(0.5)
    for items, entered in blocks(homing, table):
        if entered is None:
            for batch in _batches(items):
                yield _take(homing, batch, rejects, on_progress)
        else:
            messages = [item.found for item in items if isinstance(item.found, Message)]
            pairs = zip(entered, messages, strict=True)
            receipts = [_receipt(each, message) for each, message in pairs]
            _reject(items, receipts, rejects)
            on_progress(items[-1].done)
            yield receipts


def _receipt(entered: Entered, message: Message) -> Receipt:
    if entered.fresh:
        return Receipt.ACCEPTED
    return Receipt.DUPLICATE if entered.digest == message.digest else Receipt.CONFLICT


def can_be_loaded(path: Path) -> bool:
    """Tell by a file's ending whether it is one of messages or observations."""
    return path.name.endswith((*MESSAGES, *OBSERVATIONS))


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


def _take(
    homing: Homing, batch: Sequence[Item], rejects: Rejects, on_progress: Callable[[float], None]
) -> list[Receipt]:
    """Put one batch into the store, and what is none of its into the rejects."""
    found = [item.found for item in batch if isinstance(item.found, Message)]
    receipts = homing.writer.submit(lambda conn: ingest(conn, homing.people, found)).result() if found else []
    _reject(batch, receipts, rejects)
    on_progress(batch[-1].done)
    return receipts


def _reject(items: Sequence[Item], receipts: Sequence[Receipt], rejects: Rejects) -> None:
    """List what is no message, or another one of the same id."""
    given = iter(receipts)
    for item in items:
        if isinstance(item.found, Rejection):
            rejects.add(item.line, item.found)
        elif next(given) is Receipt.CONFLICT:
            rejects.add(item.line, ID_CONFLICT)
