"""DuckDB SQL: each value takes the least label among its neighbours', and that label's own, until none changes."""

from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from benchmarks.measured import measured
from benchmarks.records import Figures, Size
from benchmarks.resolve_data import NAME

_BEGIN = """
CREATE TABLE node AS SELECT value, row_number() OVER () AS id FROM
    (SELECT "left" AS value FROM read_parquet($links) UNION SELECT "right" FROM read_parquet($links))
"""
_PAIRS = """
CREATE TABLE pair AS SELECT a.id AS one, b.id AS other FROM read_parquet($links) l
    JOIN node a ON a.value = l."left" JOIN node b ON b.value = l."right"
"""
_BOTH = "CREATE TABLE both_ways AS SELECT one, other FROM pair UNION ALL SELECT other, one FROM pair"
_STEP = """
CREATE OR REPLACE TABLE next AS
    WITH least AS (
        SELECT m.id, least(any_value(m.label), coalesce(min(n.label), any_value(m.label))) AS label
        FROM label m LEFT JOIN both_ways b ON b.one = m.id LEFT JOIN label n ON n.id = b.other GROUP BY m.id
    )
    SELECT l.id, least(l.label, r.label) AS label FROM least l JOIN label r ON r.id = l.label
"""


def measure(folder: Path, size: Size) -> Figures:
    """Read, spread labels, write."""
    with TemporaryDirectory(dir=folder) as name:
        return measured(lambda: _components(folder / NAME, Path(name) / NAME), size.edges)


def _components(links: Path, out: Path) -> None:
    base = duckdb.connect()
    for statement in (_BEGIN, _PAIRS):
        base.execute(statement, {"links": str(links)})
    base.execute(_BOTH)
    base.execute("CREATE TABLE label AS SELECT id, id AS label FROM node")
    while _step(base):
        pass
    base.execute(
        f"COPY (SELECT value, label AS component FROM node JOIN label USING (id)) TO '{out}' (FORMAT parquet)"  # noqa: S608 - our own folder
    )


def _step(base: "duckdb.DuckDBPyConnection") -> bool:
    """Spread labels once; tell whether any changed."""
    base.execute(_STEP)
    changed = base.execute("SELECT count(*) FROM next JOIN label USING (id) WHERE next.label != label.label").fetchone()
    base.execute("DROP TABLE label")
    base.execute("ALTER TABLE next RENAME TO label")
    return changed is not None and changed[0] > 0
