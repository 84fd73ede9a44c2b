"""A campaign's answers become a file of rows, in the order of the audience; it appears whole or not at all."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from service.campaigns import progress
from service.errors import BatchFailed
from service.imports import rejects

WRITTEN = (".ndjson", ".csv", ".parquet")
TEXTS = (
    "decision_id",
    "profile_id",
    "user_id",
    "action",
    "channel",
    "device_id",
    "endpoint_id",
    "variant",
    "send_at",
    "timezone",
    "expires_at",
    "policy_version",
    "model_version",
    "reason_code",
    "reason",
)
NUMBERS = ("conversion_probability", "expected_value", "propensity", "identity_confidence")
FLAGS = ("fallback", "holdout")
LISTS = ("recipient_ids", "interval", "alternatives", "excluded")
"""What is JSON within a cell of a table."""
TABLE = ("line", *TEXTS, *NUMBERS, *FLAGS, *LISTS)

Row = Mapping[str, Any]


def check(out: Path, audience: Path) -> None:
    """Refuse a file whose ending says nothing, whose folder is not there, or for which the audience would be lost."""
    if not out.name.endswith(WRITTEN):
        raise BatchFailed(f"{out} cannot be the output: use a name that ends in one of {', '.join(WRITTEN)}")
    if not out.absolute().parent.is_dir():
        raise BatchFailed(f"{out.absolute().parent} is no folder; make it first")
    for written in (out, out.with_name(out.name + progress.ENDING)):
        if written.exists() and written.samefile(audience):
            raise BatchFailed(f"{audience} is the audience, and would be written over; name another output")
    listed = audience.with_name(audience.name + rejects.ENDING)
    if out.resolve() == listed.resolve():
        raise BatchFailed(f"{listed} is where rejected rows are listed; name another output")


def write(rows: Iterable[Row], out: Path) -> None:
    """Write the rows, answers as the route gives them with the audience's `line`; then put them in their place."""
    draft = out.with_name(f".{out.name}.new")
    try:
        _WRITERS[out.suffix](rows, draft)
        draft.replace(out)
    except OSError as error:
        raise BatchFailed(f"{out} cannot be written ({error.strerror}); make its folder writable") from error
    finally:
        draft.unlink(missing_ok=True)


def _ndjson(rows: Iterable[Row], path: Path) -> None:
    with path.open("wb") as file:
        file.writelines(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)


def _csv(rows: Iterable[Row], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, TABLE)
        table.writeheader()
        table.writerows(_flat(rows))


def _parquet(rows: Iterable[Row], path: Path) -> None:
    import polars as pl  # noqa: PLC0415 - it takes 0.1 s; other formats need none

    kinds = {"line": pl.Int64, **dict.fromkeys((*TEXTS, *LISTS), pl.String), **dict.fromkeys(NUMBERS, pl.Float64)}
    schema = {name: kinds.get(name, pl.Boolean) for name in TABLE}
    # Where a disk is full polars says so in words of its own; a file of ours says it as any other does.
    whole = io.BytesIO()
    pl.DataFrame(list(_flat(rows)), schema=schema).write_parquet(whole)
    path.write_bytes(whole.getbuffer())


def _flat(rows: Iterable[Row]) -> Iterator[dict[str, Any]]:
    for row in rows:
        yield {name: orjson.dumps(row[name]).decode() if name in LISTS else row[name] for name in TABLE}


_WRITERS: Mapping[str, Callable[[Iterable[Row], Path], None]] = {
    ".ndjson": _ndjson,
    ".csv": _csv,
    ".parquet": _parquet,
}
