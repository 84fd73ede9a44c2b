"""Files of tables are read and written a part at a time, by their endings: Parquet, CSV, NDJSON (gzipped: read alone).

Cells of CSV and NDJSON are text until `columns` reads them. What polars says of a damaged file may quote what stands in
it, so it is not repeated.
"""

import re
from collections.abc import Callable, Iterator, Mapping

import polars as pl
from polars.io.plugins import register_io_source

from identity.frames import columns
from identity.frames.faults import FrameError

PARQUET, CSV, NDJSON = ".parquet", ".csv", (".ndjson", ".jsonl")
READ = (PARQUET, CSV, ".csv.gz", *NDJSON, *(f"{ending}.gz" for ending in NDJSON))
WRITTEN = (PARQUET, CSV, *NDJSON)
ROWS = 1 << 18
"""Rows of one part."""
_KNOWN = (*columns.OBSERVATIONS, *columns.LINKS, *columns.OPTIONAL)
_LEVEL = 1
"""Of zstd: for profiles half the time of the usual level, in as many bytes."""
_SYSTEM = re.compile(r"([A-Z][a-z -]+) \(os error \d+\)")
_TIME = "%Y-%m-%dT%H:%M:%S%.6fZ"


def parts(path: str, rows: int = ROWS) -> Iterator[pl.DataFrame]:
    """Give a file's rows some at a time, those columns alone that are known; FrameError where it cannot be read."""
    try:
        scanned = _scan(path)
        names = scanned.collect_schema().names()
        wanted = columns.shape([name for name in names if name in _KNOWN], path)
        chosen = scanned.select([*wanted, *(name for name in columns.OPTIONAL if name in names)])
        for part in chosen.collect_batches(chunk_size=rows):
            yield part.rechunk()
    except FileNotFoundError:
        raise FrameError(path, "there is no such file") from None
    except PermissionError:
        raise FrameError(path, "cannot be read: permission is denied; make it readable for this user") from None
    except pl.exceptions.NoDataError:
        raise FrameError(path, "the file is empty; the least is a line that names the columns") from None
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        told = f"cannot be read as {_kind(path)} ({type(error).__name__}); it is damaged, cut off, or something else"
        raise FrameError(path, told) from None


def rows(path: str) -> int:
    """Give the number of a file's rows where it is told at once; 0 where it is not, or the file cannot be read."""
    try:
        return int(pl.scan_parquet(path, glob=False).select(pl.len()).collect().item()) if path.endswith(PARQUET) else 0
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return 0


def write(frames: Iterator[pl.DataFrame], path: str, called: str) -> None:
    """Write parts, of which there is at least one, into one file; FrameError names it `called` where that cannot be."""
    first = next(frames)

    def source(_columns: object, _predicate: object, _rows: object, _size: object) -> Iterator[pl.DataFrame]:
        yield first
        yield from frames

    try:
        _SINKS[_ending(path)](register_io_source(source, schema=first.schema), path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise FrameError(called, f"cannot be written ({_reason(error)})") from None


def _scan(path: str) -> pl.LazyFrame:
    if path.endswith(PARQUET):
        return pl.scan_parquet(path, glob=False)
    if path.removesuffix(".gz").endswith(CSV):
        return pl.scan_csv(path, infer_schema=False, glob=False)
    found = pl.scan_ndjson(path, infer_schema_length=1_000).collect_schema().names()
    shape = columns.shape(found, path)
    return pl.scan_ndjson(path, schema=dict.fromkeys((*shape, *columns.OPTIONAL), pl.String))


def _kind(path: str) -> str:
    return next(name for ending, name in _KINDS.items() if path.removesuffix(".gz").endswith(ending))


def _ending(path: str) -> str:
    return next(ending for ending in WRITTEN if path.endswith(ending))


def _reason(error: Exception) -> str:
    """Give what the system says, if it is the system that says it."""
    told = _SYSTEM.search(str(error))
    return type(error).__name__ if told is None else told[1]


_KINDS = {PARQUET: "Parquet", CSV: "CSV", **dict.fromkeys(NDJSON, "NDJSON")}


def _sink_csv(frame: pl.LazyFrame, path: str) -> None:
    frame.sink_csv(path, datetime_format=_TIME)


_SINKS: Mapping[str, Callable[[pl.LazyFrame, str], None]] = {
    # Statistics of values in no order would not let a reader skip anything.
    PARQUET: lambda frame, path: frame.sink_parquet(
        path, compression="zstd", compression_level=_LEVEL, statistics=False
    ),
    CSV: _sink_csv,
    **dict.fromkeys(NDJSON, lambda frame, path: frame.sink_ndjson(path)),
}
