"""What is known of each identifier, and in which components R could refuse or drop a link."""

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - as all of Spark's users call it
from pyspark.sql.window import Window

from identity.observations import Trust
from identity.rules import UNNAMED_PRIORITY, Founder, LinkingRules
from identity.spark.namespaces import by_rule, tier


def describe(held: DataFrame, roots: DataFrame, rules: LinkingRules) -> DataFrame:
    """Give each identifier with its root, what was seen of it, and what would make it its profile's founder."""
    seen = held.groupBy("node", "namespace", "value", "person").agg(
        F.count(F.lit(1)).cast("int").alias("observations"),
        F.min("at").alias("first"),
        F.max("at").alias("last"),
        F.min("told").alias("dated"),
    )
    unnamed = 0 if rules.founder is Founder.ANY else 2
    rank = F.struct(
        by_rule(rules, lambda space: tier(space, rules), unnamed).alias("tier"),
        F.col("first"),
        by_rule(rules, lambda space: space.priority, UNNAMED_PRIORITY).alias("priority"),
        F.col("namespace"),
        F.col("value"),
    )
    return seen.join(roots, "node").withColumn("rank", rank)


def find_contested(known: DataFrame, linking: DataFrame, roots: DataFrame, rules: LinkingRules) -> DataFrame:
    """Give the roots whose components R must replay: where a link could be refused, or dropped with age."""
    aged = by_rule(rules, lambda space: None if space.ttl is None else space.ttl.total_seconds() * 1e6, None)
    counted = (
        known.withColumn("ttl", aged.cast("double"))
        .groupBy("root")
        .agg(
            _over(rules).alias("over"),
            (F.count(F.lit(1)) > rules.profile_cap).alias("capped"),
            F.count_if(F.col("person")).alias("persons"),
            F.coalesce(F.max((F.col("last") - F.col("first")) > F.col("ttl")), F.lit(False)).alias("aged"),
        )
    )
    told = counted.join(_weak(linking, roots), "root", "left").fillna(value=False, subset=["weak"])
    return told.filter("over or capped or aged or (weak and persons > 1)").select("root")


def _over(rules: LinkingRules) -> Column:
    """Tell whether there are more of any namespace than its limit."""
    limits = {name: space.limit for name, space in rules.namespaces.items() if space.limit is not None}
    over = [F.count_if(F.col("namespace") == name) > limit for name, limit in limits.items()]
    return reduce(Column.__or__, over, F.lit(False))


def _weak(linking: DataFrame, roots: DataFrame) -> DataFrame:
    """Give the roots of what sightings below server trust saw together."""
    together = F.count(F.lit(1)).over(Window.partitionBy("key", "named"))
    seen = linking.filter(F.col("trust") < int(Trust.SERVER)).withColumn("together", together).filter("together > 1")
    return seen.join(roots, "node").select("root", F.lit(True).alias("weak")).distinct()
