"""splink's clustering on DuckDB, given its nodes and edges as it asks for them."""

from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
from splink import DuckDBAPI
from splink.clustering import cluster_pairwise_predictions_at_threshold

from benchmarks.measured import measured
from benchmarks.records import Figures, Size
from benchmarks.resolve_data import NAME


def measure(folder: Path, size: Size) -> Figures:
    """Read, cluster, write."""
    with TemporaryDirectory(dir=folder) as name:
        return measured(lambda: _components(folder / NAME, Path(name) / NAME), size.edges)


def _components(links: Path, out: Path) -> None:
    base = duckdb.connect()
    base.execute(
        'CREATE TABLE nodes AS SELECT "left" AS id FROM read_parquet($links) '
        'UNION SELECT "right" FROM read_parquet($links)',
        {"links": str(links)},
    )
    base.execute(
        'CREATE TABLE edges AS SELECT "left" AS id_l, "right" AS id_r FROM read_parquet($links)', {"links": str(links)}
    )
    api = DuckDBAPI(base)
    found = cluster_pairwise_predictions_at_threshold(
        base.table("nodes"), base.table("edges"), db_api=api, node_id_column_name="id"
    )
    found.to_parquet(str(out))  # type: ignore[no-untyped-call]  # splink's
