"""What the rules say of namespaces, as columns of tables that have one of those."""

from collections.abc import Callable
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F  # noqa: N812 - as all of Spark's users call it

from identity.identifiers import Namespace, NamespaceClass
from identity.rules import Founder, LinkingRules


def by_rule(rules: LinkingRules, of: Callable[[Namespace], Any], unnamed: Any) -> Column:
    """Say what a rule gives a row's namespace."""
    said = F.lit(unnamed)
    for name, space in rules.namespaces.items():
        said = F.when(F.col("namespace") == name, F.lit(of(space))).otherwise(said)
    return said


def tier(space: Namespace, rules: LinkingRules) -> int:
    """Rank a class as a founder's."""
    if rules.founder is Founder.ANY:
        return 0
    if space.kind is NamespaceClass.PERSON:
        return 0 if space.limit == 1 else 1
    return 2 if space.kind is NamespaceClass.CONTACT else 3
