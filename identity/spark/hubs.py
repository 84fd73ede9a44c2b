"""Identifiers that too many persons were seen with are told from the others (DESIGN 4.3)."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - as all of Spark's users call it
from pyspark.sql.window import Window

from identity.identifiers import NamespaceClass
from identity.observations import Trust
from identity.rules import LinkingRules
from identity.spark.namespaces import by_rule

SHARED, FLOODED = 1, 2


def tell_hubs(sights: DataFrame, seen: DataFrame, rules: LinkingRules) -> tuple[DataFrame, DataFrame]:
    """Tell hubs from the others (DESIGN 4.3); add each observation's time, trust and size `n`."""
    said = seen.select("key", "named", "at", "told", "trust")
    whole = sights.join(said, ["key", "named"]).withColumn(
        "n", F.count(F.lit(1)).over(Window.partitionBy("key", "named"))
    )
    person = by_rule(rules, lambda space: space.kind is NamespaceClass.PERSON, unnamed=False)
    whole = whole.withColumn("person", person).localCheckpoint()
    persons = whole.filter("person").select("key", "named", F.col("node").alias("who"))
    met = whole.filter(~F.col("person")).join(persons, ["key", "named"])
    limit = rules.hub_limit
    counted = met.groupBy("node").agg(
        F.countDistinct("who").alias("persons"),
        F.countDistinct(F.when(F.col("trust") >= int(Trust.SERVER), F.col("who"))).alias("trusted"),
    )
    hubs = counted.filter(F.lit(False) if limit is None else F.col("persons") > limit).select(
        F.col("node").alias("identifier"),
        "persons",
        (F.col("trusted") > (0 if limit is None else limit)).alias("shared"),
    )
    hubs = hubs.localCheckpoint()
    marks = hubs.select(
        F.col("identifier").alias("node"), F.when(F.col("shared"), SHARED).otherwise(FLOODED).alias("hub")
    )
    marked = whole.join(marks, "node", "left").fillna(0, ["hub"])
    return marked.localCheckpoint(), hubs
