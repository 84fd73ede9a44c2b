"""Rows come together to observations: what each says, and which identifiers it saw."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - as all of Spark's users call it
from pyspark.sql.window import Window

from identity.frames.chunks import UNTRUSTED
from identity.frames.vocabulary import EVIDENCE
from identity.observations import Trust
from identity.rules import UNNAMED_PRIORITY, LinkingRules
from identity.spark.namespaces import by_rule


def observe(rows: DataFrame, latest: Column) -> DataFrame:
    """Put observations together: key, named, says, said, written, told, at, trust."""
    kept = rows.filter(F.col("reason").isin("", EVIDENCE))
    seen = kept.groupBy("key", "named").agg(
        F.min("at").alias("says"),
        F.min("said").alias("said"),
        F.collect_set(F.struct("raw_namespace", "raw_value")).alias("written"),
    )
    return seen.withColumns(
        {
            "told": F.when(F.col("says").isNotNull(), F.least(F.col("says"), latest)),  # `least` passes over null
            "at": F.coalesce(F.least(F.col("says"), latest), latest),
            "trust": F.when(F.col("said") == UNTRUSTED, int(Trust.SERVER)).otherwise(F.col("said")),
        }
    ).localCheckpoint()


def see(rows: DataFrame, rules: LinkingRules) -> tuple[DataFrame, DataFrame]:
    """Give what each observation saw, the first twenty of it, and how many were beyond them."""
    each = rows.filter(F.col("reason") == "").select("key", "named", "namespace", "value").distinct()
    order = Window.partitionBy("key", "named").orderBy(
        by_rule(rules, lambda space: space.priority, UNNAMED_PRIORITY), "value", "namespace"
    )
    ranked = each.withColumn("place", F.row_number().over(order)).localCheckpoint()
    most = rules.identifiers_per_observation
    kept = ranked.filter(F.col("place") <= most).withColumn("node", F.concat_ws(":", "namespace", "value"))
    return kept.drop("place"), ranked.filter(F.col("place") > most)
