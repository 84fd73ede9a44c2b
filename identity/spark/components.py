"""Who is connected, by alternating stars, each round checkpointed.

Source: Kiveris et al. 2014, "Connected components in MapReduce and beyond".
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - as all of Spark's users call it


def find_roots(linking: DataFrame, held: DataFrame) -> DataFrame:
    """Give each node the least node of its component."""
    first = linking.groupBy("key", "named").agg(F.min("node").alias("v"))
    edges = linking.join(first, ["key", "named"]).filter(F.col("node") != F.col("v"))
    stars = _stars(edges.select(F.col("node").alias("u"), "v").distinct())
    return (
        held.select("node")
        .distinct()
        .join(stars.withColumnRenamed("u", "node"), "node", "left")
        .select("node", F.coalesce("v", "node").alias("root"))
    )


def _stars(edges: DataFrame) -> DataFrame:
    """Contract edges (u, v), u > v, until each u has one v, the least of its component; O(log² n) rounds."""
    edges = edges.localCheckpoint()
    before = None
    while before != (now := edges.agg(F.count(F.lit(1)), F.sum(F.xxhash64("u", "v").cast("decimal(38,0)"))).head()):
        before = now
        edges = _small_star(_large_star(edges)).localCheckpoint()
    return edges


def _large_star(edges: DataFrame) -> DataFrame:
    """Tie each node's greater neighbours to the least of all of them and itself."""
    both = edges.union(edges.select("v", "u")).toDF("u", "v")
    least = both.groupBy("u").agg(F.least(F.min("v"), F.col("u")).alias("m"))
    greater = both.join(least, "u").filter(F.col("v") > F.col("u"))
    return _edges(greater).filter(F.col("u") != F.col("v")).distinct()


def _small_star(edges: DataFrame) -> DataFrame:
    """Tie each node's lesser neighbours, and itself, to the least of them."""
    least = edges.groupBy("u").agg(F.min("v").alias("m"))
    others = edges.join(least, "u").filter(F.col("v") != F.col("m"))
    return _edges(others).union(least.toDF("u", "v")).distinct()


def _edges(told: DataFrame) -> DataFrame:
    """Tie each `v` to its `m`."""
    return told.select(F.col("v").alias("u"), F.col("m").alias("v"))
