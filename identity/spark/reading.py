"""Files come in as Spark's tables, by their endings, their cells as they stand."""

from collections.abc import Mapping, Sequence

from pyspark.sql import DataFrame, SparkSession

from identity.frames import columns
from identity.frames.faults import FrameError


def read(session: SparkSession, path: str) -> DataFrame:
    """Scan a file by its ending, its cells as they stand; FrameError where it lacks a column or cannot be read."""
    try:
        found = _scan(session, path)
        names = found.columns
    except Exception as error:  # noqa: BLE001 - Spark raises the JVM's exceptions, of any name
        raise FrameError(path, f"cannot be read ({type(error).__name__})") from None
    wanted = columns.shape(names, path)
    _check(dict(found.dtypes), wanted, path)
    return found.select(*wanted, *(name for name in columns.OPTIONAL if name in names))


def _check(kinds: Mapping[str, str], wanted: Sequence[str], path: str) -> None:
    """Refuse columns of a type that cannot hold what they should, before a cluster is asked for anything."""
    for name in wanted:
        if kinds[name].startswith(("array", "struct", "map")):
            raise FrameError(path, f"the column {name} holds {kinds[name]}; it must hold text or numbers")
    if kinds.get("trust", "string") not in ("string", "void"):
        raise FrameError(path, f"the column trust holds {kinds['trust']}; {columns.EXPECTED['trust']}")


def _scan(session: SparkSession, path: str) -> DataFrame:
    if path.endswith(".parquet"):
        return session.read.parquet(path)
    if path.removesuffix(".gz").endswith(".csv"):
        return session.read.csv(path, header=True, escape='"')
    return session.read.json(path, primitivesAsString=True)
