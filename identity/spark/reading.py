"""Files come in as Spark's tables, by their endings, their cells as they stand."""

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
    return found.select(*wanted, *(name for name in columns.OPTIONAL if name in names))


def _scan(session: SparkSession, path: str) -> DataFrame:
    if path.endswith(".parquet"):
        return session.read.parquet(path)
    if path.removesuffix(".gz").endswith(".csv"):
        return session.read.csv(path, header=True, escape='"')
    return session.read.json(path, primitivesAsString=True)
